"""services that begin so many minutes after round times; bookings of more than a day by their length."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("service", sa.Column("slot_offset", sa.Integer(), server_default="0", nullable=False))
    op.create_index('ix_booking_long', 'booking', ['business_id', sa.text('(ends - starts)')], unique=False, postgresql_where=sa.text("ends - starts > interval '1 day'"))


def downgrade() -> None:
    op.drop_index('ix_booking_long', table_name='booking', postgresql_where=sa.text("ends - starts > interval '1 day'"))
    op.drop_column("service", "slot_offset")

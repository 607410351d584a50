"""services that begin so many minutes after round times."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("service", sa.Column("slot_offset", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("service", "slot_offset")

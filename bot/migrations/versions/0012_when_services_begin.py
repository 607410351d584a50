"""services that begin so many minutes after round times; bookings of more than a day by their length;
who changed what of customers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("service", sa.Column("slot_offset", sa.Integer(), server_default="0", nullable=False))
    op.create_index('ix_booking_long', 'booking', ['business_id', sa.text('(ends - starts)')], unique=False, postgresql_where=sa.text("ends - starts > interval '1 day'"))
    op.create_table('customer_audit',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('move', sa.Text(), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_customer_audit_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_customer_audit'))
    )
    op.create_index(op.f('ix_customer_audit_business_id_customer_id'), 'customer_audit', ['business_id', 'customer_id'], unique=False)


def downgrade() -> None:
    op.drop_table('customer_audit')
    op.drop_index('ix_booking_long', table_name='booking', postgresql_where=sa.text("ends - starts > interval '1 day'"))
    op.drop_column("service", "slot_offset")

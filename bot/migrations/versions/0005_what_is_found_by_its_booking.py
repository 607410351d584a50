"""what is found by its booking or its time off."""

from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f('ix_payment_business_id_booking_id'), 'payment', ['business_id', 'booking_id'], unique=False)
    op.create_index(op.f('ix_move_proposal_business_id_booking_id'), 'move_proposal', ['business_id', 'booking_id'], unique=False)
    op.create_index(op.f('ix_move_proposal_business_id_time_off_id'), 'move_proposal', ['business_id', 'time_off_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_move_proposal_business_id_time_off_id'), table_name='move_proposal')
    op.drop_index(op.f('ix_move_proposal_business_id_booking_id'), table_name='move_proposal')
    op.drop_index(op.f('ix_payment_business_id_booking_id'), table_name='payment')

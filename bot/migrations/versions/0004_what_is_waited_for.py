"""what is waited for, and all that a proposal would take."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('move_proposal', sa.Column('session_id', sa.Uuid(), nullable=True))
    op.add_column('move_proposal', sa.Column('claims', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False))
    op.add_column('waitlist_entry', sa.Column('services', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False))
    op.add_column('waitlist_entry', sa.Column('add_ons', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False))
    op.add_column('waitlist_entry', sa.Column('arrangement', sa.Text(), server_default='together', nullable=False))
    op.create_index('ix_waitlist_entry_until', 'waitlist_entry', ['until'], unique=False, postgresql_where=sa.text("state = 'waiting'"))


def downgrade() -> None:
    op.drop_index('ix_waitlist_entry_until', table_name='waitlist_entry')
    op.drop_column('waitlist_entry', 'arrangement')
    op.drop_column('waitlist_entry', 'add_ons')
    op.drop_column('waitlist_entry', 'services')
    op.drop_column('move_proposal', 'claims')
    op.drop_column('move_proposal', 'session_id')

"""who has a thread, until when, and what is often replied."""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('canned_reply',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_by', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_canned_reply_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_canned_reply')),
    sa.UniqueConstraint('business_id', 'title', name=op.f('uq_canned_reply_business_id_title'))
    )
    op.add_column('dialogue', sa.Column('snoozed_until', sa.DateTime(timezone=True), nullable=True))
    op.add_column('dialogue', sa.Column('woken_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('dialogue', sa.Column('estimated_at', sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f('ck_dialogue_answers'), 'dialogue', type_='check')
    op.create_check_constraint(op.f('ck_dialogue_answers'), 'dialogue',
        "answers IN ('bot', 'waiting', 'person', 'snoozed', 'resolved')")
    op.create_check_constraint(op.f('ck_dialogue_held'), 'dialogue',
        "(answers IN ('person', 'snoozed')) = (person_id IS NOT NULL)")
    op.create_index('ix_dialogue_snoozed', 'dialogue', ['snoozed_until'], unique=False, postgresql_where=sa.text("answers = 'snoozed'"))
    op.add_column('handoff_note', sa.Column('to_id', sa.Uuid(), nullable=True))
    op.add_column('handoff_note', sa.Column('until', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('handoff_note', 'until')
    op.drop_column('handoff_note', 'to_id')
    op.drop_index('ix_dialogue_snoozed', table_name='dialogue', postgresql_where=sa.text("answers = 'snoozed'"))
    op.drop_constraint(op.f('ck_dialogue_held'), 'dialogue', type_='check')
    op.execute("UPDATE dialogue SET answers = 'person' WHERE answers = 'snoozed'")
    op.execute("UPDATE dialogue SET answers = 'bot' WHERE answers = 'resolved'")
    op.drop_constraint(op.f('ck_dialogue_answers'), 'dialogue', type_='check')
    op.create_check_constraint(op.f('ck_dialogue_answers'), 'dialogue', "answers IN ('bot', 'waiting', 'person')")
    op.drop_column('dialogue', 'estimated_at')
    op.drop_column('dialogue', 'woken_at')
    op.drop_column('dialogue', 'snoozed_until')
    op.drop_table('canned_reply')

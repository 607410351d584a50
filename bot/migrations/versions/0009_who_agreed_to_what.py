"""e-mail addresses that customers confirmed, and what was agreed to."""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('customer_email',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('use', sa.Text(), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('token_hash', sa.Text(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("use IN ('also', 'instead', 'fallback')", name=op.f('ck_customer_email_use')),
    sa.ForeignKeyConstraint(['business_id', 'conversation_id'], ['conversation.business_id', 'conversation.id'], name=op.f('fk_customer_email_business_id_conversation_id_conversation')),
    sa.PrimaryKeyConstraint('business_id', 'customer_id', name=op.f('pk_customer_email')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_customer_email_token_hash'))
    )
    op.create_index(op.f('ix_customer_email_business_id_conversation_id'), 'customer_email', ['business_id', 'conversation_id'], unique=False)
    op.add_column('consent_note', sa.Column('purpose', sa.Text(), server_default='any', nullable=False))
    op.add_column('consent_note', sa.Column('country', sa.Text(), nullable=True))
    op.add_column('consent_note', sa.Column('wording', sa.Text(), nullable=True))
    op.create_check_constraint(op.f('ck_consent_note_purpose'), 'consent_note', "purpose IN ('any', 'reminders', 'marketing')")
    op.drop_constraint(op.f('ck_consent_note_wish'), 'consent_note', type_='check')
    op.create_check_constraint(op.f('ck_consent_note_wish'), 'consent_note', "wish IN ('in', 'out', 'asked')")


def downgrade() -> None:
    op.execute("DELETE FROM consent_note WHERE wish = 'asked'")
    op.drop_constraint(op.f('ck_consent_note_wish'), 'consent_note', type_='check')
    op.create_check_constraint(op.f('ck_consent_note_wish'), 'consent_note', "wish IN ('in', 'out')")
    op.drop_constraint(op.f('ck_consent_note_purpose'), 'consent_note', type_='check')
    op.drop_column('consent_note', 'wording')
    op.drop_column('consent_note', 'country')
    op.drop_column('consent_note', 'purpose')
    op.drop_index(op.f('ix_customer_email_business_id_conversation_id'), table_name='customer_email')
    op.drop_table('customer_email')

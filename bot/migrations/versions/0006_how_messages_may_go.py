"""how a message may go and what came with it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('message_template',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('sid', sa.Text(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', 'language', name=op.f('pk_message_template'))
    )
    op.create_table('thread_link',
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('locale', sa.Text(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_thread_link_business_id_business')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_thread_link'))
    )
    op.create_table('consent_note',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('wish', sa.Text(), nullable=False),
    sa.Column('how', sa.Text(), nullable=False),
    sa.Column('provider_id', sa.Text(), nullable=True),
    sa.CheckConstraint("wish IN ('in', 'out')", name=op.f('ck_consent_note_wish')),
    sa.ForeignKeyConstraint(['business_id', 'conversation_id'], ['conversation.business_id', 'conversation.id'], name=op.f('fk_consent_note_business_id_conversation_id_conversation')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_consent_note'))
    )
    op.create_index(op.f('ix_consent_note_business_id_conversation_id'), 'consent_note', ['business_id', 'conversation_id'], unique=False)
    op.create_table('conversation_alias',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['business_id', 'conversation_id'], ['conversation.business_id', 'conversation.id'], name=op.f('fk_conversation_alias_business_id_conversation_id_conversation')),
    sa.PrimaryKeyConstraint('business_id', 'channel', 'address', name=op.f('pk_conversation_alias'))
    )
    op.create_table('media_file',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('content_type', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('data', sa.LargeBinary(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('waiting', 'kept', 'refused', 'gone')", name=op.f('ck_media_file_state')),
    sa.ForeignKeyConstraint(['business_id', 'message_id'], ['message.business_id', 'message.id'], name=op.f('fk_media_file_business_id_message_id_message')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_media_file')),
    sa.UniqueConstraint('business_id', 'message_id', 'place', name=op.f('uq_media_file_business_id_message_id_place'))
    )
    op.create_index('ix_media_file_kept', 'media_file', ['created_at'], unique=False, postgresql_where=sa.text("state = 'kept'"))
    op.add_column('message', sa.Column('terms', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False))
    op.add_column('message', sa.Column('not_before', sa.DateTime(timezone=True), nullable=True))
    op.add_column('message', sa.Column('not_after', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('message', 'not_after')
    op.drop_column('message', 'not_before')
    op.drop_column('message', 'terms')
    op.drop_index('ix_media_file_kept', table_name='media_file', postgresql_where=sa.text("state = 'kept'"))
    op.drop_table('media_file')
    op.drop_table('conversation_alias')
    op.drop_index(op.f('ix_consent_note_business_id_conversation_id'), table_name='consent_note')
    op.drop_table('consent_note')
    op.drop_table('thread_link')
    op.drop_table('message_template')

"""the first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE calendar_number")
    op.create_table('business',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('default_locale', sa.Text(), nullable=False),
    sa.Column('timezone', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('policy', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('settings', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_business')),
    sa.UniqueConstraint('slug', name=op.f('uq_business_slug'))
    )
    op.create_table('clock_shift',
    sa.Column('one', sa.SmallInteger(), nullable=False),
    sa.Column('shift', sa.Interval(), nullable=False),
    sa.PrimaryKeyConstraint('one', name=op.f('pk_clock_shift'))
    )
    op.create_table('delivery_report',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('provider_id', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_report')),
    sa.UniqueConstraint('channel', 'provider_id', 'status', name=op.f('uq_delivery_report_channel_provider_id_status'))
    )
    op.create_table('payment_event',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('handled_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_event'))
    )
    op.create_table('sandbox_message',
    sa.Column('n', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=False),
    sa.Column('account', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('vendor_id', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('choices', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('vendor', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('n', name=op.f('pk_sandbox_message'))
    )
    op.create_index('ix_sandbox_message_phone', 'sandbox_message', ['channel', 'phone', 'n'], unique=False)
    op.create_index(op.f('ix_sandbox_message_vendor_id'), 'sandbox_message', ['vendor_id'], unique=False)
    op.create_table('sandbox_object',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sandbox_object'))
    )
    op.create_index(op.f('ix_sandbox_object_kind_created_at'), 'sandbox_object', ['kind', 'created_at'], unique=False)
    op.create_table('sandbox_webhook',
    sa.Column('n', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('vendor', sa.Text(), nullable=False),
    sa.Column('lane', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('request', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('next_try_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_status', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('n', name=op.f('pk_sandbox_webhook'))
    )
    op.create_index('ix_sandbox_webhook_due', 'sandbox_webhook', ['next_try_at'], unique=False, postgresql_where=sa.text('done_at IS NULL'))
    op.create_index('ix_sandbox_webhook_lane', 'sandbox_webhook', ['lane', 'n'], unique=False, postgresql_where=sa.text('done_at IS NULL'))
    op.create_table('worker_beat',
    sa.Column('worker', sa.Text(), nullable=False),
    sa.Column('model', sa.Text(), nullable=False),
    sa.Column('beat_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('worker', name=op.f('pk_worker_beat'))
    )
    op.create_table('channel_account',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_channel_account_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_channel_account')),
    sa.UniqueConstraint('channel', 'address', name=op.f('uq_channel_account_channel_address'))
    )
    op.create_table('console_user',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.CheckConstraint("role IN ('owner', 'manager', 'staff')", name=op.f('ck_console_user_role')),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_console_user_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_console_user')),
    sa.UniqueConstraint('email', name=op.f('uq_console_user_email'))
    )
    op.create_table('customer',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('locale', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_customer_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_customer'))
    )
    op.create_table('location',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('timezone', sa.Text(), nullable=False),
    sa.Column('phone', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_location_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_location'))
    )
    op.create_table('service',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('synonyms', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('duration', sa.Integer(), nullable=False),
    sa.Column('buffer_before', sa.Integer(), nullable=False),
    sa.Column('buffer_after', sa.Integer(), nullable=False),
    sa.Column('slot_interval', sa.Integer(), nullable=False),
    sa.Column('price', sa.BigInteger(), nullable=False),
    sa.Column('deposit', sa.BigInteger(), nullable=False),
    sa.Column('payment', sa.Text(), nullable=False),
    sa.Column('preparation', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.CheckConstraint("payment IN ('none', 'deposit', 'full')", name=op.f('ck_service_payment')),
    sa.CheckConstraint('duration > 0 AND buffer_before >= 0 AND buffer_after >= 0', name=op.f('ck_service_minutes')),
    sa.CheckConstraint('price >= 0 AND deposit >= 0 AND deposit <= price', name=op.f('ck_service_amounts')),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_service_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_service'))
    )
    op.create_table('staff_task',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=True),
    sa.Column('booking_id', sa.Uuid(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('done_by', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_staff_task_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_staff_task')),
    sa.UniqueConstraint('business_id', 'key', name=op.f('uq_staff_task_business_id_key'))
    )
    op.create_index(op.f('ix_staff_task_business_id_done_at'), 'staff_task', ['business_id', 'done_at'], unique=False)
    op.create_table('conversation',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('display_name', sa.Text(), nullable=True),
    sa.Column('customer_id', sa.Uuid(), nullable=True),
    sa.Column('locale', sa.Text(), nullable=True),
    sa.Column('last_seq', sa.BigInteger(), nullable=False),
    sa.Column('last_message_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_heard_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('opted_out_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['business_id', 'account_id'], ['channel_account.business_id', 'channel_account.id'], name=op.f('fk_conversation_business_id_account_id_channel_account')),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_conversation_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_conversation')),
    sa.UniqueConstraint('business_id', 'channel', 'address', name=op.f('uq_conversation_business_id_channel_address'))
    )
    op.create_index('ix_conversation_customer', 'conversation', ['business_id', 'customer_id'], unique=False)
    op.create_index('ix_conversation_latest', 'conversation', ['business_id', 'last_message_at'], unique=False)
    op.create_table('date_override',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('location_id', sa.Uuid(), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=True),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('spans', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['business_id', 'location_id'], ['location.business_id', 'location.id'], name=op.f('fk_date_override_business_id_location_id_location')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_date_override'))
    )
    op.create_index(op.f('ix_date_override_business_id_day'), 'date_override', ['business_id', 'day'], unique=False)
    op.create_table('login_session',
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('csrf', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['business_id', 'user_id'], ['console_user.business_id', 'console_user.id'], name=op.f('fk_login_session_business_id_user_id_console_user')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_login_session'))
    )
    op.create_table('staff',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('location_id', sa.Uuid(), nullable=False),
    sa.Column('calendar_no', sa.BigInteger(), server_default=sa.text("nextval('calendar_number')"), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('aliases', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['business_id', 'location_id'], ['location.business_id', 'location.id'], name=op.f('fk_staff_business_id_location_id_location')),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_staff_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_staff')),
    sa.UniqueConstraint('calendar_no', name=op.f('uq_staff_calendar_no'))
    )
    op.create_table('booking',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=True),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=False),
    sa.Column('location_id', sa.Uuid(), nullable=False),
    sa.Column('starts', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('hold_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attendance_confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('price', sa.BigInteger(), nullable=False),
    sa.Column('due', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('policy_snapshot', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('ics_token', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(state = 'held') = (hold_expires_at IS NOT NULL)", name=op.f('ck_booking_hold_expires')),
    sa.CheckConstraint("state IN ('held', 'confirmed', 'completed', 'no_show', 'cancelled_by_customer', 'cancelled_by_business', 'expired')", name=op.f('ck_booking_state')),
    sa.CheckConstraint('starts < ends', name=op.f('ck_booking_order')),
    sa.ForeignKeyConstraint(['business_id', 'customer_id'], ['customer.business_id', 'customer.id'], name=op.f('fk_booking_business_id_customer_id_customer')),
    sa.ForeignKeyConstraint(['business_id', 'location_id'], ['location.business_id', 'location.id'], name=op.f('fk_booking_business_id_location_id_location')),
    sa.ForeignKeyConstraint(['business_id', 'service_id'], ['service.business_id', 'service.id'], name=op.f('fk_booking_business_id_service_id_service')),
    sa.ForeignKeyConstraint(['business_id', 'staff_id'], ['staff.business_id', 'staff.id'], name=op.f('fk_booking_business_id_staff_id_staff')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_booking')),
    sa.UniqueConstraint('business_id', 'idempotency_key', name=op.f('uq_booking_business_id_idempotency_key')),
    sa.UniqueConstraint('business_id', 'reference', name=op.f('uq_booking_business_id_reference'))
    )
    op.create_index('ix_booking_customer_starts', 'booking', ['business_id', 'customer_id', 'starts'], unique=False)
    op.create_index('ix_booking_hold_expires', 'booking', ['hold_expires_at'], unique=False, postgresql_where=sa.text("state = 'held'"))
    op.create_index('ix_booking_ics_token', 'booking', ['ics_token'], unique=False)
    op.create_index('ix_booking_starts', 'booking', ['business_id', 'starts'], unique=False)
    op.create_table('choice_token',
    sa.Column('token', sa.Text(), nullable=False),
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('meaning', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['business_id', 'conversation_id'], ['conversation.business_id', 'conversation.id'], name=op.f('fk_choice_token_business_id_conversation_id_conversation')),
    sa.PrimaryKeyConstraint('token', name=op.f('pk_choice_token'))
    )
    op.create_index(op.f('ix_choice_token_business_id_conversation_id'), 'choice_token', ['business_id', 'conversation_id'], unique=False)
    op.create_index(op.f('ix_choice_token_message_id_number'), 'choice_token', ['message_id', 'number'], unique=False)
    op.create_table('dialogue',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('memory', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('answers', sa.Text(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=True),
    sa.Column('handoff_version', sa.Integer(), nullable=False),
    sa.CheckConstraint("answers IN ('bot', 'waiting', 'person')", name=op.f('ck_dialogue_answers')),
    sa.ForeignKeyConstraint(['business_id', 'conversation_id'], ['conversation.business_id', 'conversation.id'], name=op.f('fk_dialogue_business_id_conversation_id_conversation')),
    sa.PrimaryKeyConstraint('business_id', 'conversation_id', name=op.f('pk_dialogue'))
    )
    op.create_index(op.f('ix_dialogue_business_id_answers'), 'dialogue', ['business_id', 'answers'], unique=False)
    op.create_table('handoff_note',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('move', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['business_id', 'conversation_id'], ['conversation.business_id', 'conversation.id'], name=op.f('fk_handoff_note_business_id_conversation_id_conversation')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_handoff_note'))
    )
    op.create_index(op.f('ix_handoff_note_business_id_conversation_id'), 'handoff_note', ['business_id', 'conversation_id'], unique=False)
    op.create_table('thread_seen',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['business_id', 'conversation_id'], ['conversation.business_id', 'conversation.id'], name=op.f('fk_thread_seen_business_id_conversation_id_conversation')),
    sa.PrimaryKeyConstraint('business_id', 'user_id', 'conversation_id', name=op.f('pk_thread_seen'))
    )
    op.create_table('message',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('sender', sa.Text(), nullable=False),
    sa.Column('staff_user_id', sa.Uuid(), nullable=True),
    sa.Column('provider_id', sa.Text(), nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('choice', sa.Text(), nullable=True),
    sa.Column('in_reply_to', sa.Text(), nullable=True),
    sa.Column('attachments', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('choices', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('act', sa.Text(), nullable=True),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('understood', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('locale', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('status_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("sender IN ('customer', 'bot', 'staff')", name=op.f('ck_message_sender')),
    sa.ForeignKeyConstraint(['business_id', 'conversation_id'], ['conversation.business_id', 'conversation.id'], name=op.f('fk_message_business_id_conversation_id_conversation')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_message')),
    sa.UniqueConstraint('business_id', 'channel', 'provider_id', name=op.f('uq_message_business_id_channel_provider_id')),
    sa.UniqueConstraint('business_id', 'conversation_id', 'seq', name=op.f('uq_message_business_id_conversation_id_seq'))
    )
    op.create_index('ix_message_outbox', 'message', ['status', 'status_at'], unique=False, postgresql_where=sa.text("status IN ('queued', 'sending')"))
    op.create_index('ix_message_unanswered', 'message', ['business_id', 'conversation_id', 'seq'], unique=False, postgresql_where=sa.text("status = 'received'"))
    op.create_table('schedule_rule',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=False),
    sa.Column('weekday', sa.SmallInteger(), nullable=False),
    sa.Column('opens', sa.SmallInteger(), nullable=False),
    sa.Column('closes', sa.SmallInteger(), nullable=False),
    sa.CheckConstraint('opens >= 0 AND opens < closes AND closes <= 1440', name=op.f('ck_schedule_rule_minutes')),
    sa.CheckConstraint('weekday BETWEEN 0 AND 6', name=op.f('ck_schedule_rule_weekday')),
    sa.ForeignKeyConstraint(['business_id', 'staff_id'], ['staff.business_id', 'staff.id'], name=op.f('fk_schedule_rule_business_id_staff_id_staff')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_schedule_rule'))
    )
    op.create_index(op.f('ix_schedule_rule_business_id_staff_id'), 'schedule_rule', ['business_id', 'staff_id'], unique=False)
    op.create_table('skill',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('duration', sa.Integer(), nullable=True),
    sa.Column('price', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['business_id', 'service_id'], ['service.business_id', 'service.id'], name=op.f('fk_skill_business_id_service_id_service')),
    sa.ForeignKeyConstraint(['business_id', 'staff_id'], ['staff.business_id', 'staff.id'], name=op.f('fk_skill_business_id_staff_id_staff')),
    sa.PrimaryKeyConstraint('business_id', 'staff_id', 'service_id', name=op.f('pk_skill'))
    )
    op.create_table('time_off',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=False),
    sa.Column('starts', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('starts < ends', name=op.f('ck_time_off_order')),
    sa.ForeignKeyConstraint(['business_id', 'staff_id'], ['staff.business_id', 'staff.id'], name=op.f('fk_time_off_business_id_staff_id_staff')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_time_off'))
    )
    op.create_index(op.f('ix_time_off_business_id_staff_id_starts'), 'time_off', ['business_id', 'staff_id', 'starts'], unique=False)
    op.create_table('allocation',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('calendar_no', sa.BigInteger(), nullable=False),
    sa.Column('during', postgresql.TSTZRANGE(), nullable=False),
    postgresql.ExcludeConstraint((sa.text("int8range(calendar_no, calendar_no, '[]')"), '='), (sa.column('during'), '&&'), using='gist', name='ex_allocation_calendar_during'),
    sa.ForeignKeyConstraint(['business_id', 'booking_id'], ['booking.business_id', 'booking.id'], name=op.f('fk_allocation_business_id_booking_id_booking'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_allocation'))
    )
    op.create_index(op.f('ix_allocation_business_id_booking_id'), 'allocation', ['business_id', 'booking_id'], unique=False)
    op.create_table('booking_audit',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('move', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['business_id', 'booking_id'], ['booking.business_id', 'booking.id'], name=op.f('fk_booking_audit_business_id_booking_id_booking'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_booking_audit'))
    )
    op.create_index(op.f('ix_booking_audit_business_id_booking_id'), 'booking_audit', ['business_id', 'booking_id'], unique=False)
    op.create_table('payment',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('booking_version', sa.Integer(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('locale', sa.Text(), nullable=False),
    sa.Column('session_id', sa.Text(), nullable=True),
    sa.Column('url', sa.Text(), nullable=True),
    sa.Column('intent_id', sa.Text(), nullable=True),
    sa.Column('refund_id', sa.Text(), nullable=True),
    sa.Column('refund', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('requested', 'open', 'paid', 'paid_late', 'refund_pending', 'refunded', 'closed', 'failed')", name=op.f('ck_payment_state')),
    sa.CheckConstraint('amount > 0 AND refund >= 0 AND refund <= amount', name=op.f('ck_payment_amounts')),
    sa.ForeignKeyConstraint(['business_id', 'booking_id'], ['booking.business_id', 'booking.id'], name=op.f('fk_payment_business_id_booking_id_booking')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_payment'))
    )
    op.create_index('ix_payment_session', 'payment', ['session_id'], unique=False)
    op.create_index('uq_payment_live', 'payment', ['business_id', 'booking_id'], unique=True, postgresql_where=sa.text("state IN ('requested', 'open')"))
    op.create_table('reminder',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('booking_version', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.CheckConstraint("state IN ('due', 'queued', 'sent', 'skipped')", name=op.f('ck_reminder_state')),
    sa.ForeignKeyConstraint(['business_id', 'booking_id'], ['booking.business_id', 'booking.id'], name=op.f('fk_reminder_business_id_booking_id_booking'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_reminder')),
    sa.UniqueConstraint('business_id', 'booking_id', 'booking_version', 'kind', name=op.f('uq_reminder_business_id_booking_id_booking_version_kind'))
    )
    op.create_index('ix_reminder_due_at', 'reminder', ['due_at'], unique=False, postgresql_where=sa.text("state = 'due'"))



def downgrade() -> None:

    op.drop_index('ix_reminder_due_at', table_name='reminder', postgresql_where=sa.text("state = 'due'"))
    op.drop_table('reminder')
    op.drop_index('uq_payment_live', table_name='payment', postgresql_where=sa.text("state IN ('requested', 'open')"))
    op.drop_index('ix_payment_session', table_name='payment')
    op.drop_table('payment')
    op.drop_index(op.f('ix_booking_audit_business_id_booking_id'), table_name='booking_audit')
    op.drop_table('booking_audit')
    op.drop_index(op.f('ix_allocation_business_id_booking_id'), table_name='allocation')
    op.drop_table('allocation')
    op.drop_index(op.f('ix_time_off_business_id_staff_id_starts'), table_name='time_off')
    op.drop_table('time_off')
    op.drop_table('skill')
    op.drop_index(op.f('ix_schedule_rule_business_id_staff_id'), table_name='schedule_rule')
    op.drop_table('schedule_rule')
    op.drop_index('ix_message_unanswered', table_name='message', postgresql_where=sa.text("status = 'received'"))
    op.drop_index('ix_message_outbox', table_name='message', postgresql_where=sa.text("status IN ('queued', 'sending')"))
    op.drop_table('message')
    op.drop_table('thread_seen')
    op.drop_index(op.f('ix_handoff_note_business_id_conversation_id'), table_name='handoff_note')
    op.drop_table('handoff_note')
    op.drop_index(op.f('ix_dialogue_business_id_answers'), table_name='dialogue')
    op.drop_table('dialogue')
    op.drop_index(op.f('ix_choice_token_message_id_number'), table_name='choice_token')
    op.drop_index(op.f('ix_choice_token_business_id_conversation_id'), table_name='choice_token')
    op.drop_table('choice_token')
    op.drop_index('ix_booking_ics_token', table_name='booking')
    op.drop_index('ix_booking_starts', table_name='booking')
    op.drop_index('ix_booking_hold_expires', table_name='booking', postgresql_where=sa.text("state = 'held'"))
    op.drop_index('ix_booking_customer_starts', table_name='booking')
    op.drop_table('booking')
    op.drop_table('staff')
    op.drop_table('login_session')
    op.drop_index(op.f('ix_date_override_business_id_day'), table_name='date_override')
    op.drop_table('date_override')
    op.drop_index('ix_conversation_latest', table_name='conversation')
    op.drop_index('ix_conversation_customer', table_name='conversation')
    op.drop_table('conversation')
    op.drop_index(op.f('ix_staff_task_business_id_done_at'), table_name='staff_task')
    op.drop_table('staff_task')
    op.drop_table('service')
    op.drop_table('location')
    op.drop_table('customer')
    op.drop_table('console_user')
    op.drop_table('channel_account')
    op.drop_table('worker_beat')
    op.drop_index('ix_sandbox_webhook_due', table_name='sandbox_webhook', postgresql_where=sa.text('done_at IS NULL'))
    op.drop_index('ix_sandbox_webhook_lane', table_name='sandbox_webhook', postgresql_where=sa.text('done_at IS NULL'))
    op.drop_table('sandbox_webhook')
    op.drop_index(op.f('ix_sandbox_object_kind_created_at'), table_name='sandbox_object')
    op.drop_table('sandbox_object')
    op.drop_index(op.f('ix_sandbox_message_vendor_id'), table_name='sandbox_message')
    op.drop_index('ix_sandbox_message_phone', table_name='sandbox_message')
    op.drop_table('sandbox_message')
    op.drop_table('payment_event')
    op.drop_table('delivery_report')
    op.drop_table('clock_shift')
    op.drop_table('business')

    op.execute("DROP SEQUENCE calendar_number")

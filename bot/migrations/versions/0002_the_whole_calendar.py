"""the whole calendar."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


#: What `load_catalog` reads.
CATALOG_TABLES = (
    "location", "service", "segment", "add_on", "service_at", "service_resource", "staff", "skill", "resource",
    "schedule_rule", "date_override", "time_off", "staff_zone", "class_time", "booking_limit",
)


def upgrade() -> None:
    # Every calendar gets room for many units: its numbers begin ten thousand apart.
    op.execute("UPDATE staff SET calendar_no = calendar_no * 10000")
    op.execute("UPDATE allocation SET calendar_no = calendar_no * 10000")
    op.execute("ALTER SEQUENCE calendar_number INCREMENT BY 10000")
    op.execute("SELECT setval('calendar_number', (SELECT coalesce(max(calendar_no), 0) + 10000 FROM staff), false)")
    op.execute("CREATE SEQUENCE catalog_version")
    op.create_table('done_command',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('command', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_done_command_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'key', name=op.f('pk_done_command'))
    )
    op.create_table('add_on',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('synonyms', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('minutes', sa.Integer(), nullable=False),
    sa.Column('price', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.CheckConstraint('minutes >= 0 AND price >= 0', name=op.f('ck_add_on_amounts')),
    sa.ForeignKeyConstraint(['business_id', 'service_id'], ['service.business_id', 'service.id'], name=op.f('fk_add_on_business_id_service_id_service')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_add_on'))
    )
    op.create_index(op.f('ix_add_on_business_id_service_id'), 'add_on', ['business_id', 'service_id'], unique=False)
    op.create_table('booking_series',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('rule', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('results', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['business_id', 'customer_id'], ['customer.business_id', 'customer.id'], name=op.f('fk_booking_series_business_id_customer_id_customer')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_booking_series')),
    sa.UniqueConstraint('business_id', 'idempotency_key', name=op.f('uq_booking_series_business_id_idempotency_key'))
    )
    op.create_table('resource',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('location_id', sa.Uuid(), nullable=False),
    sa.Column('calendar_no', sa.BigInteger(), server_default=sa.text("nextval('calendar_number')"), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('names', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('units', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.CheckConstraint('units BETWEEN 1 AND 5000', name=op.f('ck_resource_units')),
    sa.ForeignKeyConstraint(['business_id', 'location_id'], ['location.business_id', 'location.id'], name=op.f('fk_resource_business_id_location_id_location')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_resource')),
    sa.UniqueConstraint('calendar_no', name=op.f('uq_resource_calendar_no'))
    )
    op.create_table('segment',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('part_id', sa.Uuid(), nullable=False),
    sa.Column('max_wait', sa.Integer(), nullable=False),
    sa.Column('same_staff', sa.Boolean(), nullable=False),
    sa.CheckConstraint('max_wait >= 0', name=op.f('ck_segment_max_wait')),
    sa.CheckConstraint('part_id <> service_id', name=op.f('ck_segment_other')),
    sa.ForeignKeyConstraint(['business_id', 'part_id'], ['service.business_id', 'service.id'], name=op.f('fk_segment_business_id_part_id_service')),
    sa.ForeignKeyConstraint(['business_id', 'service_id'], ['service.business_id', 'service.id'], name=op.f('fk_segment_business_id_service_id_service')),
    sa.PrimaryKeyConstraint('business_id', 'service_id', 'position', name=op.f('pk_segment'))
    )
    op.create_table('service_at',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('location_id', sa.Uuid(), nullable=False),
    sa.Column('offered', sa.Boolean(), nullable=False),
    sa.Column('price', sa.BigInteger(), nullable=True),
    sa.Column('deposit', sa.BigInteger(), nullable=True),
    sa.CheckConstraint('deposit IS NULL OR price IS NULL OR deposit <= price', name=op.f('ck_service_at_amounts')),
    sa.ForeignKeyConstraint(['business_id', 'location_id'], ['location.business_id', 'location.id'], name=op.f('fk_service_at_business_id_location_id_location')),
    sa.ForeignKeyConstraint(['business_id', 'service_id'], ['service.business_id', 'service.id'], name=op.f('fk_service_at_business_id_service_id_service')),
    sa.PrimaryKeyConstraint('business_id', 'service_id', 'location_id', name=op.f('pk_service_at'))
    )
    op.create_table('service_resource',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('units', sa.Integer(), nullable=False),
    sa.Column('covers', sa.Text(), nullable=False),
    sa.CheckConstraint("covers IN ('visit', 'work')", name=op.f('ck_service_resource_covers')),
    sa.CheckConstraint('units >= 1', name=op.f('ck_service_resource_units')),
    sa.ForeignKeyConstraint(['business_id', 'service_id'], ['service.business_id', 'service.id'], name=op.f('fk_service_resource_business_id_service_id_service')),
    sa.PrimaryKeyConstraint('business_id', 'service_id', 'kind', name=op.f('pk_service_resource'))
    )
    op.create_table('booking_limit',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('calendar_no', sa.BigInteger(), server_default=sa.text("nextval('calendar_number')"), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=True),
    sa.Column('service_id', sa.Uuid(), nullable=True),
    sa.Column('period', sa.Text(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('opens', sa.SmallInteger(), nullable=True),
    sa.Column('closes', sa.SmallInteger(), nullable=True),
    sa.CheckConstraint("period IN ('day', 'week', 'month', 'year')", name=op.f('ck_booking_limit_period')),
    sa.CheckConstraint('(opens IS NULL) = (closes IS NULL) AND (opens IS NULL OR opens < closes)', name=op.f('ck_booking_limit_hours')),
    sa.CheckConstraint('count BETWEEN 1 AND 10000', name=op.f('ck_booking_limit_count')),
    sa.CheckConstraint('num_nonnulls(staff_id, service_id) >= 1', name=op.f('ck_booking_limit_of')),
    sa.ForeignKeyConstraint(['business_id', 'service_id'], ['service.business_id', 'service.id'], name=op.f('fk_booking_limit_business_id_service_id_service')),
    sa.ForeignKeyConstraint(['business_id', 'staff_id'], ['staff.business_id', 'staff.id'], name=op.f('fk_booking_limit_business_id_staff_id_staff')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_booking_limit')),
    sa.UniqueConstraint('calendar_no', name=op.f('uq_booking_limit_calendar_no'))
    )
    op.create_index(op.f('ix_booking_limit_business_id'), 'booking_limit', ['business_id'], unique=False)
    op.create_table('class_session',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('calendar_no', sa.BigInteger(), server_default=sa.text("nextval('calendar_number')"), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('location_id', sa.Uuid(), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=True),
    sa.Column('starts', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends', sa.DateTime(timezone=True), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.CheckConstraint("state IN ('open', 'cancelled', 'ended')", name=op.f('ck_class_session_state')),
    sa.CheckConstraint('capacity BETWEEN 1 AND 10000', name=op.f('ck_class_session_capacity')),
    sa.CheckConstraint('starts < ends', name=op.f('ck_class_session_order')),
    sa.ForeignKeyConstraint(['business_id', 'location_id'], ['location.business_id', 'location.id'], name=op.f('fk_class_session_business_id_location_id_location')),
    sa.ForeignKeyConstraint(['business_id', 'service_id'], ['service.business_id', 'service.id'], name=op.f('fk_class_session_business_id_service_id_service')),
    sa.ForeignKeyConstraint(['business_id', 'staff_id'], ['staff.business_id', 'staff.id'], name=op.f('fk_class_session_business_id_staff_id_staff')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_class_session')),
    sa.UniqueConstraint('business_id', 'service_id', 'location_id', 'starts', name=op.f('uq_class_session_business_id_service_id_location_id_starts')),
    sa.UniqueConstraint('calendar_no', name=op.f('uq_class_session_calendar_no'))
    )
    op.create_table('class_time',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('location_id', sa.Uuid(), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=True),
    sa.Column('weekday', sa.SmallInteger(), nullable=False),
    sa.Column('minute', sa.SmallInteger(), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=True),
    sa.Column('first_day', sa.Date(), nullable=True),
    sa.Column('last_day', sa.Date(), nullable=True),
    sa.CheckConstraint('minute BETWEEN 0 AND 1439', name=op.f('ck_class_time_minute')),
    sa.CheckConstraint('weekday BETWEEN 0 AND 6', name=op.f('ck_class_time_weekday')),
    sa.ForeignKeyConstraint(['business_id', 'location_id'], ['location.business_id', 'location.id'], name=op.f('fk_class_time_business_id_location_id_location')),
    sa.ForeignKeyConstraint(['business_id', 'service_id'], ['service.business_id', 'service.id'], name=op.f('fk_class_time_business_id_service_id_service')),
    sa.ForeignKeyConstraint(['business_id', 'staff_id'], ['staff.business_id', 'staff.id'], name=op.f('fk_class_time_business_id_staff_id_staff')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_class_time'))
    )
    op.create_index(op.f('ix_class_time_business_id_service_id'), 'class_time', ['business_id', 'service_id'], unique=False)
    op.create_table('staff_zone',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=True),
    sa.Column('timezone', sa.Text(), nullable=False),
    sa.CheckConstraint('last_day IS NULL OR first_day <= last_day', name=op.f('ck_staff_zone_order')),
    sa.ForeignKeyConstraint(['business_id', 'staff_id'], ['staff.business_id', 'staff.id'], name=op.f('fk_staff_zone_business_id_staff_id_staff')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_staff_zone'))
    )
    op.create_index(op.f('ix_staff_zone_business_id_staff_id'), 'staff_zone', ['business_id', 'staff_id'], unique=False)
    op.create_table('move_proposal',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('booking_id', sa.Uuid(), nullable=False),
    sa.Column('booking_version', sa.Integer(), nullable=False),
    sa.Column('time_off_id', sa.Uuid(), nullable=True),
    sa.Column('starts', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends', sa.DateTime(timezone=True), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=True),
    sa.Column('parts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(state = 'open') = (expires_at IS NOT NULL)", name=op.f('ck_move_proposal_expires')),
    sa.CheckConstraint("state IN ('open', 'accepted', 'declined', 'expired')", name=op.f('ck_move_proposal_state')),
    sa.ForeignKeyConstraint(['business_id', 'booking_id'], ['booking.business_id', 'booking.id'], name=op.f('fk_move_proposal_business_id_booking_id_booking'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_move_proposal'))
    )
    op.create_index('ix_move_proposal_expires', 'move_proposal', ['expires_at'], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_index('uq_move_proposal_open', 'move_proposal', ['business_id', 'booking_id'], unique=True, postgresql_where=sa.text("state = 'open'"))
    op.create_table('waitlist_entry',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('customer_id', sa.Uuid(), nullable=False),
    sa.Column('conversation_id', sa.Uuid(), nullable=True),
    sa.Column('service_id', sa.Uuid(), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=True),
    sa.Column('location_id', sa.Uuid(), nullable=True),
    sa.Column('party', sa.Integer(), nullable=False),
    sa.Column('units', sa.Integer(), nullable=False),
    sa.Column('windows', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('offer_id', sa.Uuid(), nullable=True),
    sa.Column('passed', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(state = 'offered') = (offer_id IS NOT NULL)", name=op.f('ck_waitlist_entry_offer')),
    sa.CheckConstraint("state IN ('waiting', 'offered', 'booked', 'lapsed', 'withdrawn')", name=op.f('ck_waitlist_entry_state')),
    sa.ForeignKeyConstraint(['business_id', 'customer_id'], ['customer.business_id', 'customer.id'], name=op.f('fk_waitlist_entry_business_id_customer_id_customer')),
    sa.ForeignKeyConstraint(['business_id', 'offer_id'], ['booking.business_id', 'booking.id'], name=op.f('fk_waitlist_entry_business_id_offer_id_booking')),
    sa.ForeignKeyConstraint(['business_id', 'service_id'], ['service.business_id', 'service.id'], name=op.f('fk_waitlist_entry_business_id_service_id_service')),
    sa.ForeignKeyConstraint(['business_id', 'staff_id'], ['staff.business_id', 'staff.id'], name=op.f('fk_waitlist_entry_business_id_staff_id_staff')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_waitlist_entry')),
    sa.UniqueConstraint('business_id', 'idempotency_key', name=op.f('uq_waitlist_entry_business_id_idempotency_key'))
    )
    op.create_index('ix_waitlist_entry_customer', 'waitlist_entry', ['business_id', 'customer_id'], unique=False)
    op.create_index('ix_waitlist_entry_offer', 'waitlist_entry', ['business_id', 'offer_id'], unique=False, postgresql_where=sa.text('offer_id IS NOT NULL'))
    op.create_index('ix_waitlist_entry_waiting', 'waitlist_entry', ['business_id', 'priority', 'created_at'], unique=False, postgresql_where=sa.text("state = 'waiting'"))
    op.add_column('allocation', sa.Column('session_id', sa.Uuid(), nullable=True))
    op.add_column('allocation', sa.Column('proposed', sa.Boolean(), server_default='false', nullable=False))
    op.alter_column('allocation', 'booking_id',
               existing_type=sa.UUID(),
               nullable=True)
    op.create_index('ix_allocation_business_id_session_id', 'allocation', ['business_id', 'session_id'], unique=False, postgresql_where=sa.text('session_id IS NOT NULL'))
    op.create_foreign_key(op.f('fk_allocation_business_id_session_id_class_session'), 'allocation', 'class_session', ['business_id', 'session_id'], ['business_id', 'id'], ondelete='CASCADE')
    op.add_column('booking', sa.Column('session_id', sa.Uuid(), nullable=True))
    op.add_column('booking', sa.Column('series_id', sa.Uuid(), nullable=True))
    op.add_column('booking', sa.Column('series_no', sa.SmallInteger(), nullable=True))
    op.add_column('booking', sa.Column('party', sa.Integer(), server_default='1', nullable=False))
    op.add_column('booking', sa.Column('arrangement', sa.Text(), server_default='together', nullable=False))
    op.add_column('booking', sa.Column('units', sa.Integer(), server_default='1', nullable=False))
    op.add_column('booking', sa.Column('parts', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False))
    op.add_column('booking', sa.Column('add_ons', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False))
    op.add_column('booking', sa.Column('attendees', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False))
    op.add_column('booking', sa.Column('answers', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False))
    op.alter_column('booking', 'staff_id',
               existing_type=sa.UUID(),
               nullable=True)
    op.create_index('ix_booking_series', 'booking', ['business_id', 'series_id'], unique=False, postgresql_where=sa.text('series_id IS NOT NULL'))
    op.create_index('ix_booking_session', 'booking', ['business_id', 'session_id'], unique=False, postgresql_where=sa.text('session_id IS NOT NULL'))
    op.create_foreign_key(op.f('fk_booking_business_id_series_id_booking_series'), 'booking', 'booking_series', ['business_id', 'series_id'], ['business_id', 'id'])
    op.create_foreign_key(op.f('fk_booking_business_id_session_id_class_session'), 'booking', 'class_session', ['business_id', 'session_id'], ['business_id', 'id'])
    op.add_column('business', sa.Column('catalog_version', sa.BigInteger(), server_default=sa.text("nextval('catalog_version')"), nullable=False))
    op.add_column('business', sa.Column('has_subscribers', sa.Boolean(), server_default='false', nullable=False))
    op.add_column('location', sa.Column('currency', sa.Text(), nullable=True))
    op.add_column('location', sa.Column('languages', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False))
    op.add_column('location', sa.Column('position', sa.Integer(), server_default='0', nullable=False))
    op.add_column('location', sa.Column('active', sa.Boolean(), server_default='true', nullable=False))
    op.add_column('schedule_rule', sa.Column('resource_id', sa.Uuid(), nullable=True))
    op.add_column('schedule_rule', sa.Column('location_id', sa.Uuid(), nullable=True))
    op.alter_column('schedule_rule', 'staff_id',
               existing_type=sa.UUID(),
               nullable=True)
    op.create_foreign_key(op.f('fk_schedule_rule_business_id_resource_id_resource'), 'schedule_rule', 'resource', ['business_id', 'resource_id'], ['business_id', 'id'])
    op.create_foreign_key(op.f('fk_schedule_rule_business_id_location_id_location'), 'schedule_rule', 'location', ['business_id', 'location_id'], ['business_id', 'id'])
    op.add_column('service', sa.Column('processing_from', sa.Integer(), server_default='0', nullable=False))
    op.add_column('service', sa.Column('processing', sa.Integer(), server_default='0', nullable=False))
    op.add_column('service', sa.Column('unit', sa.Text(), server_default='visit', nullable=False))
    op.add_column('service', sa.Column('units_min', sa.Integer(), server_default='1', nullable=False))
    op.add_column('service', sa.Column('units_max', sa.Integer(), server_default='1', nullable=False))
    op.add_column('service', sa.Column('day_from', sa.SmallInteger(), nullable=True))
    op.add_column('service', sa.Column('day_until', sa.SmallInteger(), nullable=True))
    op.add_column('service', sa.Column('capacity', sa.Integer(), server_default='1', nullable=False))
    op.add_column('service', sa.Column('max_party', sa.Integer(), server_default='1', nullable=False))
    op.add_column('service', sa.Column('staff_roles', postgresql.JSONB(astext_type=sa.Text()), server_default='[""]', nullable=False))
    op.add_column('service', sa.Column('everyone', sa.Boolean(), server_default='false', nullable=False))
    op.add_column('service', sa.Column('approval', sa.Boolean(), server_default='false', nullable=False))
    op.add_column('service', sa.Column('lead_time', sa.Integer(), nullable=True))
    op.add_column('service', sa.Column('booking_window', sa.Integer(), nullable=True))
    op.add_column('service', sa.Column('questions', postgresql.JSONB(astext_type=sa.Text()), server_default='[]', nullable=False))
    op.add_column('service', sa.Column('category', sa.Text(), nullable=True))
    op.add_column('skill', sa.Column('role', sa.Text(), server_default='', nullable=False))
    op.add_column('staff', sa.Column('weight', sa.Integer(), server_default='100', nullable=False))
    op.add_column('staff', sa.Column('priority', sa.SmallInteger(), nullable=True))
    op.add_column('staff', sa.Column('feed_token', sa.Text(), nullable=True))
    op.create_unique_constraint(op.f('uq_staff_feed_token'), 'staff', ['feed_token'])
    op.add_column('time_off', sa.Column('resource_id', sa.Uuid(), nullable=True))
    op.add_column('time_off', sa.Column('kind', sa.Text(), server_default='absence', nullable=False))
    op.add_column('time_off', sa.Column('note', sa.Text(), nullable=True))
    op.alter_column('time_off', 'staff_id',
               existing_type=sa.UUID(),
               nullable=True)
    op.create_index('ix_time_off_business_id_ends', 'time_off', ['business_id', 'ends'], unique=False)
    op.create_foreign_key(op.f('fk_time_off_business_id_resource_id_resource'), 'time_off', 'resource', ['business_id', 'resource_id'], ['business_id', 'id'])
    op.drop_constraint(op.f('ck_booking_state'), 'booking', type_='check')
    op.drop_constraint(op.f('ck_booking_hold_expires'), 'booking', type_='check')
    op.create_check_constraint(op.f('ck_booking_state'), 'booking', "state IN ('held', 'pending_approval', 'confirmed', 'checked_in', 'completed', 'no_show', 'cancelled_by_customer', 'cancelled_by_business', 'declined', 'expired')")
    op.create_check_constraint(op.f('ck_booking_hold_expires'), 'booking', "(state IN ('held', 'pending_approval')) = (hold_expires_at IS NOT NULL)")
    op.create_check_constraint(op.f('ck_booking_numbers'), 'booking', "party >= 1 AND units >= 1")
    op.create_check_constraint(op.f('ck_booking_arrangement'), 'booking', "arrangement IN ('together', 'in_turn')")
    op.drop_index('ix_booking_hold_expires', table_name='booking')
    op.create_index('ix_booking_hold_expires', 'booking', ['hold_expires_at'], unique=False, postgresql_where=sa.text("state IN ('held', 'pending_approval')"))
    op.create_check_constraint(op.f('ck_allocation_whose'), 'allocation', "num_nonnulls(booking_id, session_id) = 1")
    op.create_check_constraint(op.f('ck_service_unit'), 'service', "unit IN ('visit', 'hour', 'day', 'night')")
    op.create_check_constraint(op.f('ck_service_units'), 'service', "1 <= units_min AND units_min <= units_max")
    op.create_check_constraint(op.f('ck_service_days'), 'service', "(unit IN ('day', 'night')) = (day_from IS NOT NULL AND day_until IS NOT NULL)")
    op.create_check_constraint(op.f('ck_service_processing'), 'service', "processing >= 0 AND (processing = 0 OR (processing_from > 0 AND processing_from + processing <= duration))")
    op.create_check_constraint(op.f('ck_service_capacity'), 'service', "capacity BETWEEN 1 AND 10000")
    op.create_check_constraint(op.f('ck_service_max_party'), 'service', "max_party >= 1")
    op.create_check_constraint(op.f('ck_staff_weight'), 'staff', "weight >= 0")
    op.create_check_constraint(op.f('ck_schedule_rule_whose'), 'schedule_rule', "num_nonnulls(staff_id, resource_id, location_id) = 1")
    op.create_check_constraint(op.f('ck_time_off_whose'), 'time_off', "num_nonnulls(staff_id, resource_id) = 1")
    op.create_check_constraint(op.f('ck_time_off_kind'), 'time_off', "kind IN ('absence', 'block', 'sick')")
    op.drop_constraint(op.f('pk_skill'), 'skill', type_='primary')
    op.create_primary_key(op.f('pk_skill'), 'skill', ['business_id', 'staff_id', 'service_id', 'role'])
    # What bookings of before say of themselves.
    op.execute("""
        UPDATE booking SET parts = jsonb_build_array(jsonb_build_object(
            'service', service_id, 'staff', jsonb_build_array(staff_id), 'resources', '[]'::jsonb, 'person', 0,
            'starts', to_char(starts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
            'ends', to_char(ends AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')))
    """)
    # A catalog that anybody has read is known to be old as soon as any row of it changes.
    op.execute("""
        CREATE FUNCTION renew_catalog() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE business SET catalog_version = nextval('catalog_version')
            WHERE id IN (SELECT DISTINCT business_id FROM changed);
            RETURN NULL;
        END $$
    """)
    for table in CATALOG_TABLES:
        for event, image in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            op.execute(
                f"CREATE TRIGGER renew_catalog_{event.lower()} AFTER {event} ON {table} "
                f"REFERENCING {image} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION renew_catalog()"
            )
    op.execute("""
        CREATE FUNCTION renew_own_catalog() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.catalog_version := nextval('catalog_version');
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER renew_own_catalog BEFORE UPDATE OF name, default_locale, timezone, currency, policy, settings,
        has_subscribers ON business FOR EACH ROW EXECUTE FUNCTION renew_own_catalog()
    """)


def downgrade() -> None:
    raise NotImplementedError("a calendar with rooms and classes does not fit into the first schema")

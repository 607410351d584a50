"""other programs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE booking_event_sequence")
    op.create_table('booking_event',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('no', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=True),
    sa.Column('booking_id', sa.Uuid(), nullable=True),
    sa.Column('move', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('booking', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_booking_event'))
    )
    op.create_index(op.f('ix_booking_event_at'), 'booking_event', ['at'], unique=False)
    op.create_index('ix_booking_event_new', 'booking_event', ['no'], unique=False, postgresql_where=sa.text('sequence IS NULL'))
    op.create_index('ix_booking_event_sequence', 'booking_event', ['business_id', 'sequence'], unique=False, postgresql_where=sa.text('sequence IS NOT NULL'))
    op.create_table('api_token',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('token_hash', sa.Text(), nullable=False),
    sa.Column('prefix', sa.Text(), nullable=False),
    sa.Column('scopes', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_api_token_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_api_token')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_api_token_token_hash'))
    )
    op.create_table('webhook_endpoint',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=True),
    sa.Column('events', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('disabled_because', sa.Text(), nullable=True),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('secret_no', sa.Integer(), nullable=False),
    sa.Column('old_secret_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('active', 'paused', 'disabled')", name=op.f('ck_webhook_endpoint_state')),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_webhook_endpoint_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_webhook_endpoint'))
    )
    op.create_table('api_request',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('token_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('status', sa.SmallInteger(), nullable=False),
    sa.Column('headers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['business_id', 'token_id'], ['api_token.business_id', 'api_token.id'], name=op.f('fk_api_request_business_id_token_id_api_token')),
    sa.PrimaryKeyConstraint('business_id', 'token_id', 'key', name=op.f('pk_api_request'))
    )
    op.create_index(op.f('ix_api_request_at'), 'api_request', ['at'], unique=False)
    op.create_table('webhook_delivery',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('event_id', sa.Uuid(), nullable=False),
    sa.Column('endpoint_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tries', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name=op.f('ck_webhook_delivery_due')),
    sa.CheckConstraint("state IN ('pending', 'delivered', 'failed', 'dropped')", name=op.f('ck_webhook_delivery_state')),
    sa.ForeignKeyConstraint(['business_id', 'endpoint_id'], ['webhook_endpoint.business_id', 'webhook_endpoint.id'], name=op.f('fk_webhook_delivery_business_id_endpoint_id_webhook_endpoint'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['business_id', 'event_id'], ['booking_event.business_id', 'booking_event.id'], name=op.f('fk_webhook_delivery_business_id_event_id_booking_event'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('business_id', 'id', name=op.f('pk_webhook_delivery')),
    sa.UniqueConstraint('business_id', 'event_id', 'endpoint_id', name=op.f('uq_webhook_delivery_business_id_event_id_endpoint_id'))
    )
    op.create_index(op.f('ix_webhook_delivery_business_id_endpoint_id_id'), 'webhook_delivery', ['business_id', 'endpoint_id', 'id'], unique=False)
    op.create_index('ix_webhook_delivery_due', 'webhook_delivery', ['due_at'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    # Deferred to the commit: the row that it copies is then as the transaction leaves it, in whatever order it was
    # written. A business without subscribers pays one look at its own row.
    op.execute("""
        CREATE FUNCTION record_booking_event() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT has_subscribers FROM business WHERE id = NEW.business_id) THEN
                INSERT INTO booking_event (business_id, id, booking_id, move, version, at, actor, booking)
                SELECT NEW.business_id, NEW.id, NEW.booking_id, NEW.move, NEW.version, NEW.at, NEW.actor,
                       to_jsonb(b) - ARRAY['ics_token', 'idempotency_key', 'policy_snapshot', 'answers', 'attendees']
                FROM booking b WHERE b.business_id = NEW.business_id AND b.id = NEW.booking_id;
            END IF;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE CONSTRAINT TRIGGER record_booking_event AFTER INSERT ON booking_audit
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION record_booking_event()
    """)


def downgrade() -> None:
    op.execute("DROP TRIGGER record_booking_event ON booking_audit")
    op.execute("DROP FUNCTION record_booking_event")
    for table in ("webhook_delivery", "webhook_endpoint", "booking_event", "api_request", "api_token"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE booking_event_sequence")

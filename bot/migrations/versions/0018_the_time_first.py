"""a hold takes its time first, and its audit says whether somebody may have to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TRIGGER = """
    CREATE CONSTRAINT TRIGGER record_booking_event AFTER INSERT ON booking_audit
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {when} EXECUTE FUNCTION record_booking_event()
"""


def upgrade() -> None:
    # A statement takes the time before it knows whether the booking can be written: who is too late writes nothing.
    op.execute(
        "ALTER TABLE allocation ALTER CONSTRAINT fk_allocation_business_id_booking_id_booking "
        "DEFERRABLE INITIALLY DEFERRED"
    )
    op.add_column('booking_audit', sa.Column('told', sa.Boolean(), server_default='true', nullable=False))
    op.execute("DROP TRIGGER record_booking_event ON booking_audit")
    op.execute(_TRIGGER.format(when="WHEN (NEW.told)"))


def downgrade() -> None:
    op.execute("DROP TRIGGER record_booking_event ON booking_audit")
    op.execute(_TRIGGER.format(when=""))
    op.drop_column('booking_audit', 'told')
    op.execute(
        "ALTER TABLE allocation ALTER CONSTRAINT fk_allocation_business_id_booking_id_booking NOT DEFERRABLE"
    )

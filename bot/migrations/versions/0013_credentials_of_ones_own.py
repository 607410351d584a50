"""credentials of a business's own, sealed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('credential',
    sa.Column('business_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.Column('hints', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('twilio', 'telegram', 'stripe')", name=op.f('ck_credential_kind')),
    sa.ForeignKeyConstraint(['business_id'], ['business.id'], name=op.f('fk_credential_business_id_business')),
    sa.PrimaryKeyConstraint('business_id', 'kind', name=op.f('pk_credential'))
    )


def downgrade() -> None:
    op.drop_table('credential')

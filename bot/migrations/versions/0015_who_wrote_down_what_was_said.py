"""who of the business wrote down what a customer said to them."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("consent_note", sa.Column("noted_by", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("consent_note", "noted_by")

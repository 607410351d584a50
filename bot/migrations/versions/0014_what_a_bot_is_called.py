"""what links call an account: a Telegram bot's username."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channel_account", sa.Column("handle", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("channel_account", "handle")

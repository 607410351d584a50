"""Write a migration from the difference between the models and the newest schema.

    python -m bot.migrations.revise "what it is for" 0002

Read what it wrote: sequences and exclusion constraints are not compared.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command

from bot.embedded import EmbeddedPostgres
from bot.migrate import alembic_config, migrate


def revise(message: str, revision: str) -> None:
    """Migrate an empty embedded database, then autogenerate against the models."""
    with tempfile.TemporaryDirectory(prefix="threadbook-revise-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        url = server.start()
        try:
            migrate(url)
            command.revision(alembic_config(url), message=message, autogenerate=True, rev_id=revision)
        finally:
            server.stop()


if __name__ == "__main__":
    revise(sys.argv[1], sys.argv[2])

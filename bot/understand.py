"""`threadbook understand`: the pipeline alone, over JSON lines, with the newest model."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TextIO

from bot.actions import all_actions


def understand(source: TextIO, target: TextIO) -> int:
    """Answer each line as it comes; needs a trained model, no database."""
    from nlu.command import understand_lines
    from nlu.engine import Engine
    from nlu.train import current_model

    folder = Path(os.environ.get("MODEL_DIR") or ".threadbook/models")
    model = current_model(folder)
    if model is None:
        sys.stderr.write(f"There is no trained model in {folder}: run `threadbook train` first.\n")
        return 1
    engine = Engine.load(model, all_actions())

    async def answer() -> None:
        async for line in understand_lines(engine, source):
            target.write(line.rstrip("\n") + "\n")
            target.flush()

    asyncio.run(answer())
    return 0

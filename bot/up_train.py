"""Training as `up` runs it, in a process of its own: `python -m bot.up_train FOLDER`.

Only lines that begin with `model: ` are for the person at the terminal; what libraries print goes to the log.
"""

import sys
from pathlib import Path

#: Begins a line of progress.
MARK = "model: "


def tell(line: str) -> None:
    """Print one line of progress."""
    sys.stdout.write(f"{MARK}{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    from nlu.train import train

    train(Path(sys.argv[1]), tell)

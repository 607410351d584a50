"""Runs one command and ends it when whoever started this is gone: `python -m bot.keeper SIGNAL COMMAND...`.

For systems whose kernel cannot do that by itself (`bot/processes.py`).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence


def keep(farewell: int, command: Sequence[str]) -> int:
    """Run the command until it ends or our parent does; return its exit code."""
    parent = os.getppid()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(signum, lambda *_: None)  # The command is in our group and is told as well.
    process = subprocess.Popen(command)
    while process.poll() is None:
        if os.getppid() != parent:
            process.send_signal(farewell)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
            break
        time.sleep(0.2)
    code = process.wait()
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(keep(int(sys.argv[1]), sys.argv[2:]))

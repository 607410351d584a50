"""Web and worker as processes that can be killed and replaced in milliseconds.

A parent imports everything and loads the model once; each process is a fork of it that runs the real
entry point. Commands come by lines on stdin (`web`, `worker`, `web PORT`), pids go out on stdout.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import uvicorn

from bot.actions import all_actions
from bot.app import create_app
from bot.logs import configure_logs
from bot.serving import settle_down
from bot.settings import Settings
from bot.worker import work
from nlu.engine import Engine


def main() -> None:
    configure_logs("WARNING")
    settings = Settings(_env_file=None)
    engine = Engine.load(Path(sys.argv[1]), all_actions())
    settle_down()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sys.stdin.close()
            run(line.strip(), settings, engine)
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def run(what: str, settings: Settings, engine: Engine) -> None:
    what, _, port = what.partition(" ")
    if what == "worker":
        asyncio.run(work(settings, engine, "nursery"))
        return
    while True:
        try:
            uvicorn.run(
                create_app(settings),
                host=settings.host,
                port=int(port or settings.port),
                ws="wsproto",
                log_config=None,
                access_log=False,
            )
        except SystemExit:
            time.sleep(0.05)  # the port of the one that was killed is not free yet
        else:
            return


if __name__ == "__main__":
    main()

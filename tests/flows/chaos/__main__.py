"""`python -m tests.flows.chaos`: SIGKILL, restarts and bad days while customers book (docs/channels.md)."""

import argparse
import asyncio
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.flows.chaos.run import Wanted, run


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python -m tests.flows.chaos", description=__doc__)
    root.add_argument("--minutes", type=float, default=10, help="how long things are killed")
    root.add_argument("--most", type=float, help="and if need be so long, until the last conversation has begun")
    root.add_argument("--seed", type=int, default=1, help="other victims, other faults, other wishes")
    root.add_argument("--conversations", type=int, default=1000, help="at most so many")
    root.add_argument("--at-once", type=int, default=48, help="conversations at the same time")
    root.add_argument("--model", type=Path, help="a trained model; unless named, the newest in .threadbook/models")
    root.add_argument("--json", type=Path, help="write the figures there")
    root.add_argument("--log", type=Path, help="and what web and worker logged there")
    return root


def main() -> int:
    """Run, report, and return 1 if a promise was not kept."""
    args = parser().parse_args()
    logging.disable(logging.WARNING)
    asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
    model = args.model
    if model is None:
        from nlu.train import current_model

        model = current_model(Path(".threadbook/models"))
    if model is None:
        sys.stderr.write("There is no trained model: run `threadbook train --out .threadbook/models` first.\n")
        return 2
    wanted = Wanted(
        args.minutes * 60, max(args.minutes, args.most or 0) * 60, args.seed, args.conversations, args.at_once
    )
    began = time.perf_counter()
    # A short path: PostgreSQL and Redis come back at the same socket.
    with tempfile.TemporaryDirectory(prefix="tb-", dir="/tmp") as folder:
        report = asyncio.run(run(Path(folder), model, wanted, sys.stdout.write))
        if args.log is not None:
            shutil.copyfile(Path(folder) / "log", args.log)
    report.figures |= {
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "seconds": round(time.perf_counter() - began),
    }
    if args.json is not None:
        args.json.write_text(json.dumps({**report.figures, "violations": report.violations}, indent=2) + "\n")
    sys.stdout.write(report.shown())
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())

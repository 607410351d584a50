"""`python -m tests.flows.simulator`: customers played by a program meet the whole system (docs/conversations.md)."""

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

import psycopg

from tests.conftest import TEMPLATE
from tests.databases import named
from tests.flows.simulator.persons import PERSONS
from tests.flows.simulator.talks import Talk
from tests.flows.simulator.town import Crowd, hold_talks
from tests.servers import start_postgres, start_redis

#: What the whole must reach.
SUCCESS = 0.95


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python -m tests.flows.simulator", description=__doc__)
    root.add_argument("--dialogues", type=int, default=500, help="how many talks")
    root.add_argument("--languages", default="en,es", help="comma-separated; the talks are shared among them")
    root.add_argument("--persons", default=",".join(PERSONS), help="comma-separated kinds of people")
    root.add_argument(
        "--bank",
        type=Path,
        default=os.environ.get("SIMULATOR_BANK") and Path(os.environ["SIMULATOR_BANK"]),
        help="another bank of English wordings: JSON lines of {need, text, domains}; also SIMULATOR_BANK",
    )
    root.add_argument("--seed", type=int, default=1, help="other people")
    root.add_argument("--at-once", type=int, default=24, help="talks at the same time")
    root.add_argument("--only", type=int, help="the talk of this number alone, shown whole")
    root.add_argument("--show", type=int, default=10, help="so many of the failed talks are shown")
    root.add_argument("--out", type=Path, help="write every failed talk into this file")
    root.add_argument("--model", type=Path, help="a trained model; unless named, that of the present data")
    root.add_argument("--json", type=Path, help="write the figures there")
    return root


def main() -> int:
    """Play, report, and return 1 if the aim is missed."""
    args = parser().parse_args()
    logging.disable(logging.WARNING)
    asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
    crowd = Crowd(
        args.dialogues,
        args.languages.split(","),
        args.persons.split(","),
        args.bank,
        args.seed,
        args.at_once,
        args.only,
    )
    began = time.monotonic()
    talks = _play(crowd, args.model)
    return _report(talks, args, time.monotonic() - began)


def _play(crowd: Crowd, model: Path | None) -> list[Talk]:
    from bot.actions import all_actions
    from bot.migrate import migrate
    from nlu.engine import Engine
    from nlu.train import train

    models = Path(os.environ.get("TEST_MODEL_DIR") or Path.cwd() / ".threadbook" / "models")
    model = model or train(models, lambda line: sys.stderr.write(f"{line}\n"))
    engine = Engine.load(model, all_actions())
    with (
        tempfile.TemporaryDirectory(prefix="threadbook-simulator-") as folder,
        start_postgres(Path(folder) / "postgres") as url,
        start_redis(Path(folder) / "redis") as redis,
    ):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(named(url, TEMPLATE))

        def new_database() -> str:
            name = f"simulated_{uuid4().hex[:8]}"
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            return named(url, name)

        return asyncio.run(hold_talks(crowd, engine, new_database, redis, _tell))


def _tell(talk: Talk) -> None:
    sys.stderr.write("." if talk.succeeded else "x")
    sys.stderr.flush()


def _report(talks: list[Talk], args: argparse.Namespace, seconds: float) -> int:
    out = sys.stdout.write
    failed = [talk for talk in talks if not talk.succeeded]
    shown = "\n".join(_shown(talk) for talk in failed)
    if args.out is not None:
        args.out.write_text(shown + "\n")
    out("\n" + "\n".join(_shown(talk) for talk in failed[: args.show]) + "\n\n")
    for title, key in (("language", "language"), ("person", "person"), ("agenda", "agenda")):
        groups: dict[str, list[Talk]] = defaultdict(list)
        for talk in talks:
            groups[getattr(talk, key)].append(talk)
        for name, group in sorted(groups.items()):
            done = sum(talk.succeeded for talk in group)
            out(f"{title:>9} {name:28} {done:4} of {len(group):4}  {done / len(group):6.1%}\n")
    wrong, dead = sum(bool(talk.wrong) for talk in talks), sum(talk.dead_end is not None for talk in talks)
    rate = 1 - len(failed) / len(talks)
    times = sorted(one for talk in talks for one in talk.answer_times)
    out(f"\n{len(talks)} talks, {len(times)} turns in {seconds:.0f} s; answer p50 {times[len(times) // 2]:.2f} s\n")
    out(f"success {rate:.1%}, wrong bookings {wrong}, dead ends {dead}\n")
    if args.json is not None:
        args.json.write_text(json.dumps([asdict(talk) for talk in talks], indent=1, default=str))
    return 0 if rate >= SUCCESS and not wrong and not dead else 1


def _shown(talk: Talk) -> str:
    what = "; ".join([*talk.wrong, *([talk.dead_end] if talk.dead_end else []), *talk.complaints])
    head = f"=== {talk.number} {talk.language} {talk.person} ({talk.agenda}): {what}"
    return f"{head}\n{talk.transcript}"


if __name__ == "__main__":
    raise SystemExit(main())

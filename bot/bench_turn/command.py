"""`threadbook bench turn`: a message from its webhook to its queued answer, beside stock Rasa, in one run."""

import asyncio
import os
import platform
import sys
import tempfile
from pathlib import Path

from bot.actions import all_actions
from bot.bench_core.report import Report
from bot.bench_turn.ours import our_system
from bot.bench_turn.stock import NotStarted, stock_rasa
from bot.bench_turn.turns import measure_thread, measure_turns
from bot.bench_turn.worker import measure_worker
from bot.embedded import EmbeddedPostgres, EmbeddedRedis, free_port
from bot.migrate import migrate
from bot.serving import settle_down
from bot.settings import Settings
from nlu.engine import Engine

#: Turns in the one long thread.
THREAD = 2000


def bench_turn(turns: int, *, thread: int = THREAD, out: Path | None = None, models: Path | None = None) -> int:
    """Measure and print; returns 1 if a target is missed, or when there is no trained model."""
    from nlu.train import current_model

    model = current_model(models or Path(".threadbook/models"))
    if model is None:
        sys.stderr.write("There is no trained model: run `threadbook train --out .threadbook/models` first.\n")
        return 1
    report = Report(sys.stdout.write)
    report.about = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()[0]}
    report.write(", ".join(f"{name} {value}" for name, value in report.about.items()) + "\n")
    with tempfile.TemporaryDirectory(prefix="threadbook-bench-") as folder:
        postgres, redis = EmbeddedPostgres(Path(folder) / "postgres"), EmbeddedRedis(Path(folder) / "redis")
        try:
            settings = Settings(
                database_url=postgres.start(),
                redis_url=redis.start(),
                port=free_port(),
                secret_key="bench" * 10,
                burst_seconds=0,
                _env_file=None,
            )
            migrate(settings.database_url)
            asyncio.run(_measure(settings, model, report, turns, thread))
        except NotStarted as error:
            sys.stderr.write(f"{error}\n")
            return 1
        finally:
            redis.stop()
            postgres.stop()
    if out is not None:
        report.save(out)
    return 0 if all(one.met is not False for one in report.figures) else 1


async def _measure(settings: Settings, model: Path, report: Report, turns: int, thread: int) -> None:
    engine = Engine.load(model, all_actions())
    settle_down()
    async with our_system(settings, model) as ours:
        async with stock_rasa(model) as stock:
            report.part(
                f"A turn, {turns} messages to both, talk by talk", await measure_turns(ours, stock, engine, turns)
            )
        report.part("A long thread", await measure_thread(ours, thread))
        await ours.sleep()
        report.part("A worker of its own", await measure_worker(settings, model, ours.customer))

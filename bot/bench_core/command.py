"""`threadbook bench core`: everything that booking costs, in one run."""

import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg

from bot.bench_core.availability import measure_availability
from bot.bench_core.growth import measure_growth
from bot.bench_core.holds import measure_holds
from bot.bench_core.memory import measure_memory
from bot.bench_core.report import Figure, Report
from bot.bench_core.server import server
from bot.bench_core.sizes import FULL, QUICK, Size

PARTS: dict[str, tuple[str, Callable[[str, Size], list[Figure]]]] = {
    "holds": ("Holds beside bare INSERTs (pgbench, the same constraint, the same server)", measure_holds),
    "availability": ("Free half hours of a month", measure_availability),
    "growth": ("Few bookings and many", measure_growth),
    "memory": ("Memory of a process that remembers catalogs", measure_memory),
}


def bench_core(
    *, quick: bool = False, out: Path | None = None, parts: Sequence[str] = tuple(PARTS), size: Size | None = None
) -> int:
    """Measure and print; 1 if a target is missed, which a hurried run does not tell."""
    size = size or (QUICK if quick else FULL)
    report = Report(sys.stdout.write)
    began = time.perf_counter()
    with server() as url:
        with psycopg.connect(url) as connection:
            version = connection.info.parameter_status("server_version")
            synchronous = connection.execute("SHOW fsync").fetchone()
        report.about = {
            "postgresql": version,
            "fsync": synchronous[0] if synchronous else None,
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
            "load": os.getloadavg()[0],
            "quick": quick,
        }
        report.write(", ".join(f"{name} {value}" for name, value in report.about.items()) + "\n")
        for part in parts:
            title, measure = PARTS[part]
            report.part(title, measure(url, size))
    report.about["seconds"] = round(time.perf_counter() - began)
    report.write(f"\n{report.about['seconds']} s\n")
    if out is not None:
        report.save(out)
    return 0 if quick or all(one.met is not False for one in report.figures) else 1

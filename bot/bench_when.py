"""`threadbook bench when`: our reading of when and five libraries, on the same texts in one run.

The texts are those of data/when, or a folder of cases with accepted answers, and then what each reader gets
right is counted too. Our own cases were written together with the grammar, so no accuracy is claimed on them.
"""

import json
import math
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from bot.bench_peers.environments import PEERS, NotInstalled, python_of
from bot.bench_peers.score import Span, Tally

_ROOT = Path(__file__).parents[1]
_HOME = Path(".threadbook/bench-when")
_READER = Path(__file__).parent / "bench_peers" / "read.py"
#: A reader that takes longer is ended; what it has answered counts.
_PATIENCE = 180
OURS = "threadbook"
LANGUAGES = ("en", "es", "fr", "de", "pt")


@dataclass
class Run:
    """What one reader answered."""

    name: str
    languages: frozenset[str]
    values: dict[str, list[Span]] = field(default_factory=dict)
    ms: dict[str, float] = field(default_factory=dict)
    peak_mb: float = math.nan


def bench_when(
    cases: Path | None = None, languages: Sequence[str] = LANGUAGES, *, with_peers: bool = True, limit: int = 0
) -> int:
    """Print the figures; returns 1 when there is no text to read."""
    texts = [text for language in languages for text in _texts(cases, language)[: limit or None]]
    if not texts:
        sys.stderr.write(f"There is no text for {', '.join(languages)} in {cases or 'data/when'}.\n")
        return 1
    runs = [run_reader(OURS, Path(sys.executable), frozenset(languages), texts)]
    for peer in PEERS if with_peers else ():
        if not peer.languages & set(languages):
            continue
        try:
            python = python_of(peer, _HOME)
        except NotInstalled as problem:
            sys.stdout.write(f"{peer.name} is left out: it cannot be installed ({problem}).\n")
            continue
        run = run_reader(peer.name, python, peer.languages, texts)
        if run.ms:
            runs.append(run)
        else:
            sys.stdout.write(f"{peer.name} is left out: it does not start.\n")
    _print(runs, texts, scored=cases is not None)
    return 0


def _texts(cases: Path | None, language: str) -> list[dict[str, Any]]:
    if cases is not None:
        path = cases / f"{language}.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
        return [case for case in map(json.loads, lines) if case.get("booking", True)]
    path = _ROOT / "data" / "when" / f"{language}.yml"
    if not path.exists():
        return []
    # The base loader keeps every scalar as it is written.
    file = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - it builds text only
    return [
        {
            "id": f"{language}-{number}",
            "lang": language,
            "text": case["say"],
            "locale": case.get("locale", file["locale"]),
            "now": file["now"],
            "tz": file["tz"],
        }
        for number, case in enumerate(file["cases"])
    ]


def run_reader(name: str, python: Path, languages: frozenset[str], texts: Iterable[dict[str, Any]]) -> Run:
    """Let one reader answer the texts of its languages, in a process of its own."""
    asked = [text for text in texts if text["lang"] in languages]
    lines = [json.dumps({key: text[key] for key in ("id", "text", "locale", "now", "tz")}) for text in asked]
    process = subprocess.Popen(  # noqa: S603 - the interpreter and the script are ours
        [str(python), "-W", "ignore", str(_READER), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": str(_ROOT) if name == OURS else "", "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"},
        text=True,
        encoding="utf-8",
    )
    timer = threading.Timer(_PATIENCE, process.kill)
    timer.start()
    try:
        out, _ = process.communicate("\n".join(lines))
    finally:
        timer.cancel()
        process.kill()
    run = Run(name, languages)
    for line in out.splitlines():
        answer = json.loads(line) if line.endswith("}") else {}
        if "peak_mb" in answer:
            run.peak_mb = answer["peak_mb"]
        elif answer:
            run.ms[answer["id"]] = answer["ms"]
            run.values[answer["id"]] = [(_moment(start), _moment(end)) for start, end in answer["values"]]
    return run


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _print(runs: Sequence[Run], texts: Sequence[dict[str, Any]], *, scored: bool) -> None:
    out = sys.stdout.write
    names = ("first %", "wrong %", "missed %") if scored else ()
    out(f"{'':6}{'texts':>6}  {'reader':18}" + "".join(f"{name:>10}" for name in names))
    out(f"{'p50 ms':>9}{'p95 ms':>9}{'times ours':>12}\n")
    languages = list(dict.fromkeys(text["lang"] for text in texts))
    for language in [*languages, "all"] if len(languages) > 1 else languages:
        chosen = [text for text in texts if language in (text["lang"], "all")]
        ours = [runs[0].ms[text["id"]] for text in chosen if text["id"] in runs[0].ms]
        for run in runs:
            if not set(languages if language == "all" else [language]) <= run.languages:
                continue
            spent = [run.ms[text["id"]] for text in chosen if text["id"] in run.ms]
            figures = ""
            if scored:
                tally = Tally()
                for case in chosen:
                    tally.add(case, run.values.get(case["id"], []))
                figures = "".join(f"{share:10.1f}" for share in tally.shares())
            lead = f"{language:6}{len(chosen):6}" if run is runs[0] else " " * 12
            out(f"{lead}  {run.name:18}{figures}{at(spent, 0.5):9.2f}{at(spent, 0.95):9.2f}")
            out(f"{at(spent, 0.5) / at(ours, 0.5):12.1f}\n")
    out("\nPeak memory, MB: " + ", ".join(f"{run.name} {run.peak_mb:.0f}" for run in runs) + "\n")


def at(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else math.nan

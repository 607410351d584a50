"""A web process looks through nothing, time and again, that is there to stay: meanwhile it would answer nobody."""

import gc

import pytest
import uvicorn
from fastapi import FastAPI

from bot.serving import serve


def test_what_is_loaded_is_out_of_the_collectors_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(uvicorn, "run", lambda *_, **__: seen.append((gc.get_freeze_count(), len(gc.get_objects()))))
    try:
        serve(FastAPI(), "127.0.0.1", 1)
    finally:
        gc.unfreeze()
    [(frozen, left)] = seen
    assert frozen > 50_000
    assert left < frozen / 20

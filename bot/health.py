"""`GET /health`: 200 once web, database, Redis and a worker with a loaded model are up."""

import contextlib

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.wiring import System

_WORKERS = text("SELECT count(*) FROM worker_beat WHERE beat_at > clock_timestamp() - interval '10 seconds'")


def router_for(system: System) -> APIRouter:
    """Return the health route."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> JSONResponse:
        """Say what is up; 503 names what is missing."""
        parts = {"web": True, "database": False, "worker": False, "redis": False}
        with contextlib.suppress(SQLAlchemyError, OSError):
            async with system.db.transaction() as session:
                workers = (await session.execute(_WORKERS)).scalar_one()
            parts["database"], parts["worker"] = True, workers > 0
        with contextlib.suppress(RedisError, OSError):
            parts["redis"] = bool(await system.redis.ping())
        missing = [name for name, up in parts.items() if not up]
        return JSONResponse(
            {"status": "down" if missing else "ok", "missing": missing}, status_code=503 if missing else 200
        )

    return router

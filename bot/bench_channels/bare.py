"""The measure of a webhook: FastAPI, a body read, one INSERT by SQLAlchemy and psycopg, 200. It verifies nothing."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from fastapi import FastAPI, Request, Response
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from booking_core.kit.db import sqlalchemy_url
from booking_core.kit.ids import new_id
from bot.serving import serve


class _Base(DeclarativeBase):
    """The one table lies in a schema of its own, beside nothing of ours."""


class BareMessage(_Base):
    """What a first draft of a webhook keeps."""

    __tablename__ = "bench_bare_message"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider_id: Mapped[str] = mapped_column(unique=True)
    address: Mapped[str]
    text: Mapped[str]


#: Made before the measurement.
TABLE = """
CREATE TABLE bench_bare_message (
    id uuid PRIMARY KEY, provider_id text NOT NULL UNIQUE, address text NOT NULL, text text NOT NULL
)
"""


def create_bare(url: str, pool_size: int) -> FastAPI:
    """Return the application; its pool is as large as ours."""
    engine = create_async_engine(sqlalchemy_url(url), pool_size=pool_size, max_overflow=pool_size)
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def keep(provider_id: str, address: str, text: str) -> Response:
        async with sessions.begin() as session:
            session.add(BareMessage(id=new_id(), provider_id=provider_id, address=address, text=text))
        return Response()

    @app.post("/webhooks/sms")
    async def sms(request: Request) -> Response:
        form = await request.form()
        return await keep(str(form["MessageSid"]), str(form["From"]), str(form["Body"]))

    @app.post("/webhooks/telegram")
    async def telegram(request: Request) -> Response:
        message = (await request.json())["message"]
        chat = message["chat"]["id"]
        return await keep(f"{chat}:{message['message_id']}", str(chat), message["text"])

    @app.post("/chat/messages")
    async def web(request: Request) -> Response:
        written = await request.json()
        return await keep(written["client_id"], request.headers["Authorization"], written["text"])

    @app.get("/health")
    async def health() -> Response:
        return Response()

    return app


if __name__ == "__main__":
    serve(create_bare(sys.argv[1], int(sys.argv[3])), "127.0.0.1", int(sys.argv[2]))

"""What customers sent, shown to who may read their thread: never as a page of its own that could run anything."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from bot.console.access import Area, Visitor, door
from bot.console.desk import Desk
from bot.console.pages import Pages
from channels.models import MediaFile


def add_routes(router: APIRouter, desk: Desk, pages: Pages) -> None:
    """Add the one address of a file."""
    guest = Depends(door(desk, Area.INBOX))

    @router.get("/media/{media_id}")
    async def media(media_id: UUID, visitor: Annotated[Visitor, guest]) -> Response:
        async with desk.db.transaction(visitor.business_id) as session:
            file = await session.get(MediaFile, (visitor.business_id, media_id))
            if file is None or file.state != "kept" or file.data is None or file.content_type is None:
                raise LookupError("no such file")
            shown = "inline" if file.content_type.startswith("image/") else "attachment"
            name = f"{media_id}.{file.content_type.partition('/')[2]}"
            headers = {"Content-Disposition": f'{shown}; filename="{name}"'}
            return Response(file.data, media_type=file.content_type, headers=headers)

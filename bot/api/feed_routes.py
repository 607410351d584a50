"""The secret addresses of people's calendar feeds."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from bot import feed_tokens
from bot.api.call import Call, changes, reads
from bot.api.fields import Shown
from bot.api.problems import Problem
from bot.api.tokens import Scope


class FeedOut(Shown):
    """Where a person's calendar can be subscribed to: whoever knows the address can read it."""

    url: str = Field(examples=["https://book.example.org/calendar/feed/3v1Yk.ics"])


def add_routes(router: APIRouter) -> None:
    """Add a person's feed."""

    @router.get("/staff/{staff_id}/calendar-feed", tags=["schedule"])
    async def read_calendar_feed(call: Annotated[Call, reads(Scope.SCHEDULE_WRITE)], staff_id: UUID) -> FeedOut:
        """The address of a person's feed; 404 where there is none yet."""
        member = await feed_tokens.load_member(call.session, call.business_id, staff_id)
        if member.feed_token is None:
            raise Problem("not_found")
        return FeedOut(url=feed_tokens.address(call.base_url, member.feed_token))

    @router.post("/staff/{staff_id}/calendar-feed", tags=["schedule"])
    async def renew_calendar_feed(call: Annotated[Call, changes(Scope.SCHEDULE_WRITE)], staff_id: UUID) -> FeedOut:
        """Give a person a new address for their feed; the one before is closed at once."""
        return FeedOut(
            url=feed_tokens.address(call.base_url, await feed_tokens.renew(call.session, call.business_id, staff_id))
        )

    @router.delete("/staff/{staff_id}/calendar-feed", tags=["schedule"], status_code=204)
    async def close_calendar_feed(call: Annotated[Call, changes(Scope.SCHEDULE_WRITE)], staff_id: UUID) -> None:
        """Close a person's feed."""
        await feed_tokens.close(call.session, call.business_id, staff_id)

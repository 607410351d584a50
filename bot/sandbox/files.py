"""Pictures and files from the customers' phones, where Twilio and Telegram keep them for us to fetch."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.clock import current_time
from bot.sandbox import telegram_phone, twilio_phone
from bot.sandbox.models import SandboxMessage, SandboxObject
from bot.sandbox.phone import ThisPhone
from bot.sandbox.stage import Stage, find, hex_id, letters_id, put
from bot.sandbox.twilio_accounts import seen_by
from bot.sandbox.twilio_objects import API

MEDIA = "media"


class Sent(BaseModel):
    """A file from a phone: what its sender says it is, and its bytes in Base64."""

    type: Annotated[str, Field(max_length=100)] = "image/jpeg"
    data: Annotated[str, Field(max_length=30_000_000)]
    text: Annotated[str, Field(max_length=1024)] = ""
    to: Annotated[str | None, Field(max_length=60)] = None


def add_files(router: APIRouter, stage: Stage) -> None:
    """Add sending a file to a phone's routes."""

    @router.post("/send-file", status_code=202)
    async def send_file(phone: ThisPhone, sent: Sent) -> dict[str, Any]:
        """Send a picture or another file to the business."""
        try:
            base64.b64decode(sent.data, validate=True)
        except binascii.Error:
            raise HTTPException(422, "data is Base64") from None
        async with stage.db.transaction() as session:
            body = {"type": sent.type, "data": sent.data}
            if phone.channel == "telegram":
                file = letters_id("BQAC", 40)
                await put(session, f"file:{file}", MEDIA, body, await current_time(session))
                message = await telegram_phone.send_file(stage, session, phone.address, file, sent.type, sent.text)
                return {"n": message.n}
            sid = hex_id("ME")
            message_sid = hex_id("MM")
            theirs = await seen_by(stage, session, sent.to)
            account = theirs.twilio.account_sid
            await put(session, sid, MEDIA, body | {"parent": message_sid}, await current_time(session))
            more = {
                "NumMedia": "1",
                "MediaContentType0": sent.type,
                "MediaUrl0": f"https://api.twilio.com/{API}/Accounts/{account}/Messages/{message_sid}/Media/{sid}",
            }
            if phone.channel == "whatsapp":
                more["MessageType"] = sent.type.partition("/")[0]
            message = await twilio_phone.arrive(
                theirs, session, phone.channel, phone.address, sent.text, "Sam", more, sid=message_sid
            )
            message.vendor = {**message.vendor, "media": [sid]}
            return {"n": message.n}


async def media_of(session: AsyncSession, sid: str, message_sid: str) -> Response | None:
    """Return a file's bytes as Twilio gives them; None where there is none."""
    kept = await find(session, sid, MEDIA)
    if kept is None or kept.body["parent"] != message_sid:
        return None
    return Response(base64.b64decode(kept.body["data"]), media_type=kept.body["type"])


async def listed_media(session: AsyncSession, account: str, message_sid: str) -> dict[str, Any]:
    """Return what came with a message as Twilio lists it."""
    message = await session.scalar(select(SandboxMessage).where(SandboxMessage.vendor_id == message_sid))
    sids = message.vendor.get("media", []) if message is not None else []
    found = [await session.get(SandboxObject, sid) for sid in sids]
    media = [
        {"sid": one.id, "account_sid": account, "parent_sid": message_sid, "content_type": one.body["type"]}
        for one in found
        if one is not None
    ]
    uri = f"/{API}/Accounts/{account}/Messages/{message_sid}/Media.json"
    return {"media_list": media, "page": 0, "page_size": 50, "uri": uri, "next_page_uri": None, "first_page_uri": uri}

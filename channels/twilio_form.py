"""The form that Twilio's webhooks come as, and whom it says that it is for."""

from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import ImmutableMultiDict

from channels import keys
from channels.contract import Malformed
from channels.lines import Addressed

Form = ImmutableMultiDict[str, str]
MOST_FIELDS = 500


async def read_form(request: Request) -> Form:
    """Return every field, empty ones too, since Twilio signs them; raises Malformed."""
    body = await request.body()
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise Malformed("too many fields") from None
    return Form(pairs)


async def addressed(request: Request) -> Addressed:
    """Return our number, the account, and of a report the business in its message's key; raises Malformed."""
    form = await read_form(request)
    if not form.get("MessageStatus"):
        return Addressed(form.get("To"), owner=form.get("AccountSid"))
    ids = keys.read_key(request.query_params.get("key") or "")
    return Addressed(form.get("From"), ids[0] if ids else None, form.get("AccountSid"))

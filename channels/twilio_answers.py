"""What the official client raises, as the errors that delivery knows."""

from twilio.base.exceptions import TwilioException
from twilio.http.response import Response

from channels.contract import SendError
from channels.twilio_errors import refusal


def as_send_error(error: TwilioException) -> SendError:
    """Most errors have a status and a code; a refused list only has the answer itself.

    The original is not chained: its text may quote whom we wrote to.
    """
    answer = next((part for part in error.args if isinstance(part, Response)), None)
    status = answer.status_code if answer is not None else getattr(error, "status", None)
    code = getattr(error, "code", None)
    if not isinstance(status, int):
        return SendError("twilio_client", retryable=False)
    return refusal(code if isinstance(code, int) else status, status)

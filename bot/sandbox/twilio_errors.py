"""What Twilio refuses, in its own words and numbers (https://www.twilio.com/docs/api/errors)."""

from fastapi.responses import JSONResponse

WORDS = {
    20001: "Invalid parameter: {what}",
    20003: "Authenticate",
    20404: "The requested resource {what} was not found",
    21211: "Invalid 'To' Phone Number: {what}",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {what}",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number provided ({what}) is not a valid message-capable Twilio phone number for this"
    " destination.",
    21609: "The 'StatusCallback' URL {what} is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21612: "Message cannot be sent with the current combination of 'To' ({what}) and/or 'From' parameters",
    21614: "'To' number is not a valid mobile number: {what}",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21655: "The ContentSid is Invalid: {what}",
    21656: "The Content Variables Parameter is invalid",
    21659: "'From' {what} is not a Twilio phone number or Short Code country mismatch",
    21701: "The Messaging Service does not exist: {what}",
    21910: "Invalid 'From' and 'To' pair. 'From' and 'To' should be of the same channel",
    63007: "Twilio could not find a Channel with the specified From address",
    63021: "Channel invalid content error: {what}",
}
_STATUS = {20003: 401, 20404: 404}


class TwilioRefused(Exception):
    """A request that Twilio would refuse."""

    def __init__(self, code: int, what: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.what = what

    def answer(self) -> JSONResponse:
        """Return the refusal as Twilio writes it."""
        status = _STATUS.get(self.code, 400)
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if status == 401 else {}
        return JSONResponse(
            {
                "code": self.code,
                "message": WORDS[self.code].format(what=self.what),
                "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
                "status": status,
            },
            status,
            headers,
        )

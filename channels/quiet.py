"""Quiet hours where the customer is: nothing goes out unasked while they may sleep."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone as number_zones

_UNKNOWN = "Etc/Unknown"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when to when, on the customer's wall; over midnight where `begins` is later than `ends`."""

    begins: time
    ends: time

    def __contains__(self, wall: time) -> bool:
        """Whether a wall time is quiet; the end is not."""
        if self.begins <= self.ends:
            return self.begins <= wall < self.ends
        return wall >= self.begins or wall < self.ends


def read_quiet_hours(setting: object) -> QuietHours | None:
    """Return `{"from": "21:00", "to": "08:00"}` of a business's settings; None where there is none.

    Raises ValueError for what is neither.
    """
    if setting is None:
        return None
    if not isinstance(setting, dict) or set(setting) != {"from", "to"}:
        raise ValueError("quiet hours are {from, to}")
    begins, ends = (time.fromisoformat(str(setting[end])) for end in ("from", "to"))
    return QuietHours(begins, ends) if begins != ends else None


def zone_of(channel: str, address: str, business_zone: str) -> ZoneInfo:
    """Return where a customer's clock hangs: by the number where it says so, else where the business is.

    A number of a country with several zones counts as the business's own where that is among them.
    """
    if channel not in ("sms", "whatsapp"):
        return ZoneInfo(business_zone)
    try:
        number = phonenumbers.parse(address.removeprefix("whatsapp:"))
    except phonenumbers.NumberParseException:
        return ZoneInfo(business_zone)  # a business-scoped id, or a short code
    zones = [zone for zone in number_zones.time_zones_for_number(number) if zone != _UNKNOWN]
    if not zones or business_zone in zones:
        return ZoneInfo(business_zone)
    return ZoneInfo(zones[0] if len(zones) == 1 else _middle(zones))


def _middle(zones: list[str]) -> str:
    """Return the zone in the middle of several, so that none is far off."""
    moment = datetime(2026, 1, 1)  # noqa: DTZ001 - only to order the zones, by their winter offset
    ordered = sorted(zones, key=lambda zone: (moment.replace(tzinfo=ZoneInfo(zone)).utcoffset() or timedelta(0), zone))
    return ordered[len(ordered) // 2]


def quiet_until(hours: QuietHours | None, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return when the quiet that reigns now ends; None while it does not."""
    local = now.astimezone(zone)
    if hours is None or local.time() not in hours:
        return None
    day = local.date() + timedelta(days=local.time() >= hours.ends)
    return datetime.combine(day, hours.ends, zone).astimezone(now.tzinfo)

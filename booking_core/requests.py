"""What somebody wants, all but when: the same words ask for free times and for a booking."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Arrangement(StrEnum):
    """How several people come: at the same time, or one after the other."""

    TOGETHER = "together"
    IN_TURN = "in_turn"


@dataclass(frozen=True, slots=True)
class VisitRequest:
    """One visit: a service, or several in this order, for one or more people.

    `staff_id`: who should do it (of several parts: each that this person can do); `units`: how many
    hours, days or nights, where the service is sold by them.
    """

    service_ids: tuple[UUID, ...]
    staff_id: UUID | None = None
    location_id: UUID | None = None
    party: int = 1
    arrangement: Arrangement = Arrangement.TOGETHER
    units: int = 1
    add_on_ids: tuple[UUID, ...] = ()

    @staticmethod
    def one(service_id: UUID, staff_id: UUID | None = None) -> "VisitRequest":
        """Return the plainest request: one service, perhaps with somebody."""
        return VisitRequest((service_id,), staff_id)

    @property
    def service_id(self) -> UUID:
        """The service that the visit is named after: the first."""
        return self.service_ids[0]

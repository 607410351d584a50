"""What somebody wants, all but when: the same words ask for free times and for a booking."""

from collections.abc import Iterable, Mapping
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

    `staff_id`: who should do it (of several parts: each that this person can do); `staff_by_service`: who
    should do just one of its services, or one part of a package, as pairs of service and person, which goes
    before `staff_id`; `units`: how many hours, days or nights, where the service is sold by them. `kept_staff`:
    who does which part of a visit that is to be moved; they do it again where nobody else is named and they can.
    `cast`: who fills which role of which part as the visit is placed, guests and all (None: whoever can); nobody
    else does.
    """

    service_ids: tuple[UUID, ...]
    staff_id: UUID | None = None
    location_id: UUID | None = None
    party: int = 1
    arrangement: Arrangement = Arrangement.TOGETHER
    units: int = 1
    add_on_ids: tuple[UUID, ...] = ()
    staff_by_service: tuple[tuple[UUID, UUID], ...] = ()
    kept_staff: tuple[tuple[UUID, UUID], ...] = ()
    cast: tuple[tuple[UUID | None, ...], ...] = ()

    def __post_init__(self) -> None:
        """Say the same wish in one way only: sorted, and of a single service as its `staff_id`."""
        named = dict(self.staff_by_service)
        if len(self.service_ids) == 1 and self.service_id in named:
            object.__setattr__(self, "staff_id", named.pop(self.service_id))
        object.__setattr__(self, "staff_by_service", as_pairs(named))

    @staticmethod
    def one(service_id: UUID, staff_id: UUID | None = None) -> "VisitRequest":
        """Return the plainest request: one service, perhaps with somebody."""
        return VisitRequest((service_id,), staff_id)

    @property
    def service_id(self) -> UUID:
        """The service that the visit is named after: the first."""
        return self.service_ids[0]

    @property
    def names_somebody(self) -> bool:
        """Whether a person is wished for, for all of it or for a part."""
        return self.staff_id is not None or bool(self.staff_by_service)


def as_pairs(named: Mapping[UUID, UUID] | Iterable[tuple[UUID, UUID]]) -> tuple[tuple[UUID, UUID], ...]:
    """Return who does which service as a request keeps it: in one order, whoever says it."""
    return tuple(sorted(dict(named).items()))

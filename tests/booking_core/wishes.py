"""What the small house in memory sells, and what somebody may want of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    name: str
    minutes: int
    interval: int
    price: int
    due: int = 0
    before: int = 0
    after: int = 0
    #: Nobody works between these minutes.
    idle: tuple[int, int] | None = None
    room: bool = False
    roles: tuple[tuple[str, ...], ...] = ()
    party: int = 1
    seats: int = 1
    approval: bool = False
    a_day: int | None = None
    parts: tuple[tuple[str, int], ...] = ()
    longer: tuple[str, int] | None = None
    dearer: tuple[str, int] | None = None


SERVICES = {
    one.name: one
    for one in (
        Service("Cut", 30, 30, 3000, 1000, 5, 10, roles=(("Ana", "Bruno"),), party=2, dearer=("Bruno", 3500)),
        Service("Trim", 20, 20, 1500, roles=(("Ana", "Bruno"),), party=2),
        Service("Massage", 40, 20, 5000, after=5, room=True, roles=(("Bruno", "Carla"),)),
        Service("Colour", 60, 20, 6000, 6000, idle=(20, 40), roles=(("Ana", "Carla"),), longer=("Carla", 70)),
        Service("Package", 60, 20, 6000, parts=(("Trim", 0), ("Massage", 20))),
        Service("Talk", 20, 20, 2000, 500, roles=(("Ana", "Bruno"),), approval=True, a_day=2),
        Service("Workshop", 60, 60, 4000, 1000, roles=(("Ana", "Carla"),), seats=3, party=3),
        Service("Duet", 40, 20, 7000, roles=(("Ana",), ("Bruno", "Carla"))),
    )
}


@dataclass(frozen=True)
class Request:
    """What somebody wants, all but when."""

    services: tuple[str, ...]
    staff: str | None = None
    party: int = 1
    in_turn: bool = False
    #: (service or part, who does it)
    people: tuple[tuple[str, str], ...] = ()

    @property
    def first(self) -> Service:
        return SERVICES[self.services[0]]

    def steps(self) -> list[tuple[Service, int]]:
        """Return each service of it, and how long one may wait for it."""
        return [
            (SERVICES[name], wait) for asked in self.services for name, wait in (SERVICES[asked].parts or ((asked, 0),))
        ]

    def whom(self, service: Service) -> tuple[str | None, bool]:
        """Return who was asked for a step, and whether it must be them: else only if they do it."""
        named = dict(self.people)
        if service.name in named:
            return named[service.name], True
        whole = [who for asked, who in self.people if service.name in {name for name, _ in SERVICES[asked].parts}]
        return (whole[0] if whole else self.staff), False

    def too_many(self) -> bool:
        most = min(one.party for asked in self.services for one in self._of(asked))
        return self.party > most

    @staticmethod
    def _of(asked: str) -> list[Service]:
        return [SERVICES[name] for name, _ in SERVICES[asked].parts] or [SERVICES[asked]]

"""A salon with threads: what the console's tests (and its screenshots) look at."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from sqlalchemy.ext.asyncio import AsyncSession

from booking_core.kit.ids import new_id, new_reference, new_secret
from booking_core.models import Booking, Business, Customer, Location, ScheduleRule, Service, Staff
from bot.models import Dialogue, HandoffNote, StaffTask, User
from channels.models import ChannelAccount, Conversation, Message

PASSWORD = "correct horse battery staple"
#: Right in form and quick to check; how long the real ones take has its own test.
HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
XSS = "<script>alert('x')</script><img src=x onerror=alert(1)>"


@dataclass
class Scene:
    business: Business
    users: dict[str, User]
    accounts: dict[str, ChannelAccount]
    staff: dict[str, Staff] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    location: Location | None = None


async def open_business(session: AsyncSession, slug: str = "marigold", *, tz: str = "Europe/Madrid") -> Scene:
    business = Business(
        slug=slug, name="Marigold Studio", default_locale="en-GB", timezone=tz, currency="EUR", policy={}, settings={}
    )
    session.add(business)
    await session.flush()
    accounts = {
        channel: ChannelAccount(business_id=business.id, id=new_id(), channel=channel, address=f"{channel}:{slug}")
        for channel in ("sms", "whatsapp", "telegram", "web")
    }
    users = {
        role: User(
            business_id=business.id,
            id=new_id(),
            email=f"{role}@{slug}.example",
            name=name,
            role=role,
            password_hash=HASH,
        )
        for role, name in (("owner", "Olivia Marin"), ("manager", "Mateo Ruiz"), ("staff", "Ana Soler"))
    }
    session.add_all([*accounts.values(), *users.values()])
    await session.flush()
    return Scene(business, users, accounts)


async def add_user(session: AsyncSession, scene: Scene, role: str, name: str, email: str) -> User:
    user = User(
        business_id=scene.business.id,
        id=new_id(),
        email=email,
        name=name,
        role=role,
        password_hash=scene.users["staff"].password_hash,
    )
    session.add(user)
    await session.flush()
    return user


async def add_thread(
    session: AsyncSession,
    scene: Scene,
    channel: str,
    address: str,
    said: list[tuple[str, str] | tuple[str, str, dict[str, Any]]],
    *,
    name: str | None = None,
    answers: str = "bot",
    person: User | None = None,
    outcome: str | None = None,
    ends: datetime | None = None,
    gap: timedelta = timedelta(minutes=1),
) -> UUID:
    """Write a thread as receiving and answering leave it: (who, text[, more columns]) in order."""
    ends = ends or datetime.now(UTC)
    first = ends - gap * (len(said) - 1)
    conversation = Conversation(
        business_id=scene.business.id,
        id=new_id(),
        account_id=scene.accounts[channel].id,
        channel=channel,
        address=address,
        display_name=name,
        locale="en",
        last_seq=len(said),
        last_message_at=ends,
        last_heard_at=ends,
        outcome=outcome,
    )
    session.add(conversation)
    await session.flush()
    for number, (sender, text, *more) in enumerate(said, start=1):
        at = first + gap * (number - 1)
        columns = {"status": "answered" if sender == "customer" else "delivered"} | (more[0] if more else {})
        session.add(
            Message(
                business_id=scene.business.id,
                id=new_id(),
                conversation_id=conversation.id,
                seq=number,
                channel=channel,
                sender=sender,
                text=text,
                status_at=at,
                created_at=at,
                provider_id=new_secret(9),
                **columns,
            )
        )
    if answers != "bot" or person:
        session.add(
            Dialogue(
                business_id=scene.business.id,
                conversation_id=conversation.id,
                memory={},
                answers=answers,
                person_id=person.id if person else None,
                handoff_version=1,
            )
        )
        session.add(
            HandoffNote(
                business_id=scene.business.id,
                id=new_id(),
                conversation_id=conversation.id,
                at=ends - timedelta(seconds=30),
                user_id=person.id if person else None,
                move="take" if person else "ask",
            )
        )
    await session.flush()
    return conversation.id


async def add_catalog(session: AsyncSession, scene: Scene) -> None:
    business_id = scene.business.id
    scene.location = Location(
        business_id=business_id,
        id=new_id(),
        name="Marigold Studio",
        address="Calle Mayor 12",
        timezone=scene.business.timezone,
    )
    session.add(scene.location)
    await session.flush()
    for position, name in enumerate(("Ana", "Bruno", "Carla")):
        scene.staff[name] = Staff(
            business_id=business_id,
            id=new_id(),
            location_id=scene.location.id,
            name=name,
            aliases=[],
            position=position,
        )
    for name, minutes, price in (("Haircut", 30, 2800), ("Cut & colour", 120, 9500), ("Beard trim", 20, 1500)):
        scene.services[name] = Service(
            business_id=business_id, id=new_id(), name=name, duration=minutes, price=price, deposit=0
        )
    session.add_all([*scene.staff.values(), *scene.services.values()])
    await session.flush()
    for member, (opens, closes) in zip(scene.staff.values(), ((540, 1020), (600, 1140), (540, 840)), strict=True):
        for weekday in range(6):
            session.add(
                ScheduleRule(
                    business_id=business_id,
                    id=new_id(),
                    staff_id=member.id,
                    weekday=weekday,
                    opens=opens,
                    closes=closes,
                )
            )
    await session.flush()


async def add_booking(
    session: AsyncSession,
    scene: Scene,
    staff: str,
    service: str,
    starts: datetime,
    customer: str,
    *,
    state: str = "confirmed",
    conversation_id: UUID | None = None,
    sure: bool = False,
) -> Booking:
    assert scene.location is not None
    now = datetime.now(UTC)
    person = Customer(business_id=scene.business.id, id=new_id(), name=customer, created_at=now)
    session.add(person)
    await session.flush()
    sold = scene.services[service]
    booking = Booking(
        business_id=scene.business.id,
        id=new_id(),
        reference=new_reference(),
        conversation_id=conversation_id,
        customer_id=person.id,
        service_id=sold.id,
        staff_id=scene.staff[staff].id,
        location_id=scene.location.id,
        starts=starts,
        ends=starts + timedelta(minutes=sold.duration),
        state=state,
        hold_expires_at=now + timedelta(minutes=10) if state == "held" else None,
        attendance_confirmed_at=now if sure else None,
        price=sold.price,
        due=0,
        currency="EUR",
        idempotency_key=new_secret(6),
        ics_token=new_secret(6),
        created_at=now,
        updated_at=now,
    )
    session.add(booking)
    await session.flush()
    return booking


async def add_task(
    session: AsyncSession, scene: Scene, kind: str, *, conversation_id: UUID | None = None, **data: Any
) -> StaffTask:
    task = StaffTask(
        business_id=scene.business.id,
        id=new_id(),
        conversation_id=conversation_id,
        kind=kind,
        key=new_secret(6),
        data=data,
        created_at=datetime.now(UTC),
    )
    session.add(task)
    await session.flush()
    return task

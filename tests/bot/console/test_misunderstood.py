"""What a manager marks as misunderstood, and what leaves the house of it."""

import re

import pytest
import yaml

from booking_core.kit.db import Database
from bot import misunderstood
from tests.bot.console.conftest import SignIn
from tests.bot.console.scene import Scene, add_catalog, add_thread

UNDERSTOOD = {
    "language": "en",
    "intent": "inform",
    "confidence": 0.41,
    "also": [],
    "entities": [{"entity": "name", "value": "Zoe Park", "text": "Zoe Park", "start": 4, "end": 12}],
    "when": None,
}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("call me on +34 600 11 22 33 please", "call me on {phone} please"),
        ("I live at 12 Maple Street, is it far?", "I live at {address}, is it far?"),
        ("vivo en la Calle Mayor 5, ¿está lejos?", "vivo en la {address}, ¿está lejos?"),
        ("my friend Zoe Park told me on Friday at 15:00", "my friend {name} told me on Friday at 15:00"),
        ("mail it to zoe@example.com or see https://x.example/a?b=1", "mail it to {email} or see {link}"),
        ("cancel AB2CD3 and order 1234567", "cancel {reference} and order {number}"),
        ("a haircut with Ana in March at 3", "a haircut with Ana in March at 3"),
    ],
)
def test_what_is_personal_becomes_a_placeholder(text: str, left: str) -> None:
    assert misunderstood.without_personal_data(text, ours={"ana"}) == left


def test_the_customer_s_own_name_goes_however_it_is_written() -> None:
    assert misunderstood.without_personal_data("zoe here, same as last time", names=["Zoe Park"]) == (
        "{name} here, same as last time"
    )


async def test_a_manager_marks_and_unmarks_and_the_export_names_nobody(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        await add_catalog(session, scene)
        thread = await add_thread(
            session,
            scene,
            "sms",
            "+34600111222",
            [
                ("customer", "I'm Zoe Park, the usual on Friday", {"understood": UNDERSTOOD}),
                ("bot", "What would you like to book?"),
                ("customer", "never mind", {"understood": UNDERSTOOD | {"intent": "stop", "entities": []}}),
            ],
            name="Zoe Park",
        )
    path = f"/console/transcripts/{thread}"
    manager = await signed_in("manager")
    message = re.findall(r'name="message" value="([^"]+)"', (await manager.get(path)).text)[0]
    answer = await manager.submit(f"{path}/misunderstood", message=message, marked=1)
    assert answer.status_code == 303
    assert "Marked as misunderstood" in (await manager.get(path)).text
    async with database.transaction() as session:
        found = await misunderstood.candidates(session, scene.business.slug)
    assert [(one.text, one.language, one.taken_for) for one in found] == [
        ("I'm {name}, the usual on Friday", "en", "inform")
    ]
    assert "Zoe" not in misunderstood.as_yaml(found)
    assert yaml.safe_load(misunderstood.as_yaml(found)) == [
        {"text": "I'm {name}, the usual on Friday", "language": "en", "taken_for": "inform"}
    ]
    await manager.submit(f"{path}/misunderstood", message=message, marked=0)
    async with database.transaction() as session:
        assert await misunderstood.candidates(session, scene.business.slug) == []


async def test_only_who_reads_transcripts_marks_them_and_only_messages_of_customers(
    database: Database, scene: Scene, signed_in: SignIn
) -> None:
    async with database.transaction() as session:
        thread = await add_thread(session, scene, "sms", "+34600111222", [("bot", "Hello!")])
    path = f"/console/transcripts/{thread}/misunderstood"
    staff, owner = await signed_in("staff"), await signed_in("owner")
    assert (await staff.submit(path, message=str(thread), marked=1)).status_code in {303, 403, 404}
    for nonsense in (str(thread), "no id"):
        assert (await owner.submit(path, message=nonsense, marked=1)).status_code == 404

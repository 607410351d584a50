"""What is wired from the settings: here, whose words open a WhatsApp list."""

import pytest

from bot import wiring
from bot.settings import Settings
from channels.twilio import Twilio


@pytest.mark.parametrize(("locale", "words"), [("en", "Choose"), ("es-ES", "Elegir")])
async def test_the_button_of_a_whatsapp_list_speaks_the_customers_language(locale: str, words: str) -> None:
    settings = Settings(
        _env_file=None,
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
        secret_key="0123456789abcdef0123456789abcdef",
    )
    system = wiring.build_system(settings)
    whatsapp = system.channels["whatsapp"]
    assert isinstance(whatsapp, Twilio)
    assert whatsapp._list_button is not None
    assert whatsapp._list_button(locale) == words
    await wiring.close_system(system)

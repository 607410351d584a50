"""Which language a page is written in: the person's own choice, else what the browser asks for."""

from starlette.requests import HTTPConnection

from bot.words import SOURCE_LANGUAGE, Words, language_of

LANGUAGE_COOKIE = "threadbook_language"
#: A language offers the console once it has this key.
_PROOF = "console.product"


def languages(words: Words) -> tuple[str, ...]:
    """Return the languages the console is translated into, English first."""
    return tuple(language for language in words.languages if _PROOF in words.keys(language))


def language_for(words: Words, connection: HTTPConnection) -> str:
    """Return the language for a request."""
    offered = languages(words)
    chosen = connection.cookies.get(LANGUAGE_COOKIE)
    if chosen in offered:
        return str(chosen)
    for wanted in _accepted(connection.headers.get("accept-language", "")):
        if wanted in offered:
            return wanted
    return SOURCE_LANGUAGE


def _accepted(header: str) -> list[str]:
    """Return the languages of an Accept-Language header, the most wanted first."""
    ranked: list[tuple[float, str]] = []
    for part in header[:200].split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            quality = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        if tag and quality > 0:
            ranked.append((quality, language_of(tag)))
    return [tag for _, tag in sorted(ranked, key=lambda item: -item[0])]

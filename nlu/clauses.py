"""Parts of a message that may mean different things: "yes, but how much is it?"."""

import re

#: Emoji that are whole answers; the tokenizer drops them.
SIGNS = {
    "affirm": "👍👌✅☑✔🙌🆗",
    "deny": "👎❌✖🙅",
    "thanks": "🙏",
    "greet": "👋",
    "book": "💇💅💈✂💆🧖🦷📅📆🗓",
}
_BREAK = re.compile(
    r"[.!?;\n…]+|,|\s[-–—]\s|[¿¡]|(?<!\w)(?:and|but|also|plus|y|e|pero|además|ademas|también|tambien)(?!\w)",
    re.IGNORECASE,
)
#: A yes at the beginning stands for itself, whatever follows.
_LEADING_YES = re.compile(
    r"\s*(?:yes please|yes|yeah|yep|yup|sure|okay|ok|perfect|great|lovely"
    r"|sí|vale|claro|perfecto|genial|estupendo)(?=\s+\w)",
    re.IGNORECASE,
)
_MOST = 8


def clauses_of(text: str) -> tuple[str, ...]:
    """Return the parts of a text that can be understood by themselves; empty if it is all one."""
    parts: list[str] = []
    lead = _LEADING_YES.match(text)
    if lead:
        parts.append(lead.group().strip())
        text = text[lead.end() :]
    parts += [part.strip() for part in _BREAK.split(text)]
    parts = [part for part in parts if any(char.isalpha() for char in part)]
    return tuple(parts[:_MOST]) if len(parts) > 1 else ()


def sign_of(text: str) -> str | None:
    """Return what an answer of nothing but emoji means."""
    if any(char.isalnum() for char in text):
        return None
    for intent, signs in SIGNS.items():
        if any(sign in text for sign in signs):
            return intent
    return None


def is_noise(text: str) -> bool:
    """Tell whether a text is one or two letters over and over: a sleeping cat, not a message."""
    letters = [char for char in text.casefold() if char.isalnum()]
    return len(letters) > 6 and len(set(letters)) <= 2

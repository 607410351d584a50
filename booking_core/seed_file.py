"""A business as one YAML file: read, checked, and every error with its line; docs/catalog.md describes it."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from booking_core.seed_check import problems
from booking_core.seed_model import Seed
from booking_core.seed_parts import LOCALE, SLUG, TIME_OFF
from booking_core.seed_yaml import Document, Problem, SeedError, read_document

__all__ = ["Seed", "SeedError", "SeedFile", "read_seed"]

_SAID = {
    "missing": "is missing",
    "extra_forbidden": "there is no such key here",
    "string_type": "must be text: put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be yes or no",
    "bool_parsing": "must be yes or no",
    "list_type": "must be a list",
    "dict_type": "must be keys with values",
    "model_type": "must be keys with values",
    "model_attributes_type": "must be keys with values",
}
_SHAPES = {
    SLUG: "must be small letters and digits, with single hyphens between them, such as marigold-studio",
    LOCALE: "must be a language of two letters, and a country if need be, such as es or es-MX",
    TIME_OFF: "must be absence, block or sick",
}


@dataclass(frozen=True, slots=True)
class SeedFile:
    """What a file says, and where it says so."""

    seed: Seed
    document: Document

    def refusal(self, where: tuple[str | int, ...], message: str) -> SeedError:
        """Return the error for something that cannot be done with this business as it stands."""
        return self.document.error([Problem(where, message)])


def read_seed(path: Path) -> SeedFile:
    """Read and check a file; the error names the line of everything that is wrong."""
    document = read_document(path)
    try:
        seed = Seed.model_validate(document.data)
    except ValidationError as error:
        raise document.error([_problem(one) for one in error.errors(include_url=False)]) from None
    if found := problems(seed):
        raise document.error(found)
    return SeedFile(seed, document)


def _problem(error: ErrorDetails) -> Problem:
    where = error["loc"]
    if error["type"] == "no_key":
        where = (*where, error["ctx"]["key"])
    if error["type"] == "extra_forbidden" or error["type"] in _SAID:
        return Problem(where, _SAID[error["type"]])
    shape = _SHAPES.get(error.get("ctx", {}).get("pattern", ""))
    message = shape or error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return Problem(where, message)

"""Stripe's requests judged by the types that Stripe's own client ships (generated from Stripe's description)."""

import sys
import types
import typing
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

import jsonschema
import stripe
from typing_extensions import get_type_hints, is_typeddict

_OPTIONS = set(stripe.RequestOptions.__annotations__)
_PLAIN = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}


def contract(form: Any) -> jsonschema.Draft7Validator:
    """Return a validator of a TypedDict of `stripe.params`."""
    definitions: dict[str, Any] = {}
    root = _schema(form, definitions)
    return jsonschema.Draft7Validator({**root, "definitions": definitions})


def _schema(form: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(form), get_args(form)
    if is_typeddict(form):
        return _object(form, definitions)
    if origin in (NotRequired, Required):
        return _schema(arguments[0], definitions)
    if origin in (Union, types.UnionType):
        # Enums are typed `Literal[...] | str`: here only the listed values pass.
        if any(get_origin(each) is Literal for each in arguments):
            arguments = tuple(each for each in arguments if each is not str)
        return {"anyOf": [_schema(each, definitions) for each in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is dict or getattr(origin, "__name__", "") == "UntypedStripeObject":
        return {"type": "object", "additionalProperties": _schema(arguments[-1], definitions)}
    return _PLAIN.get(form, {})


def _object(form: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if form.__name__ not in definitions:
        entry: dict[str, Any] = {}
        definitions[form.__name__] = entry
        names = {**vars(sys.modules[form.__module__]), "StripeContext": Any, "Mapping": typing.Mapping}
        hints = get_type_hints(form, globalns=names, include_extras=True)
        hints = {name: hint for name, hint in hints.items() if name not in _OPTIONS}
        entry.update(
            type="object",
            additionalProperties=False,
            properties={name: _schema(hint, definitions) for name, hint in hints.items()},
        )
        required = [name for name, hint in hints.items() if get_origin(hint) is not NotRequired]
        if required:
            entry["required"] = required
    return {"$ref": "#/definitions/" + form.__name__}

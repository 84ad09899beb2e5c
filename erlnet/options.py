"""Text on the command line -> typed option values of a frozen dataclass."""

from __future__ import annotations

import types
import typing
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin

from erlnet.errors import UserError
from erlnet.registry import did_you_mean


def option_types(dataclass_type: type) -> dict[str, Any]:
    """Option name -> its type."""
    hints = typing.get_type_hints(dataclass_type)
    return {f.name: hints[f.name] for f in fields(dataclass_type)}


def type_name(wanted: Any) -> str:
    """The type as a person reads it."""
    if get_origin(wanted) is Literal:
        return "one of " + ", ".join(map(str, get_args(wanted)))
    if get_origin(wanted) is tuple:
        return f"a list [{type_name(get_args(wanted)[0])}, ...]"
    if get_origin(wanted) in (types.UnionType, typing.Union):
        return " or ".join("none" if a is type(None) else type_name(a) for a in get_args(wanted))
    return {int: "a whole number", float: "a number", bool: "true or false", str: "text"}.get(wanted, str(wanted))


def parse_value(text: str, wanted: Any, where: str) -> Any:
    """`text` as a value of type `wanted`; UserError names `where` and what would do."""
    try:
        return _parse(text, wanted)
    except ValueError:
        if get_origin(wanted) is Literal:
            choices = list(map(str, get_args(wanted)))
            raise UserError(f"{where}={text}: {did_you_mean(text, choices)}") from None
        raise UserError(f"{where}={text}: expected {type_name(wanted)}") from None


def _parse(text: str, wanted: Any) -> Any:
    origin = get_origin(wanted)
    if origin is Literal:
        for choice in get_args(wanted):
            if text == str(choice):
                return choice
        raise ValueError
    if origin is tuple:
        inner = get_args(wanted)[0]
        if not (text.startswith("[") and text.endswith("]")):
            return (_parse(text, inner),)  # a list of one needs no brackets
        return tuple(_parse(part.strip(), inner) for part in text[1:-1].split(",") if part.strip())
    if origin in (types.UnionType, typing.Union):
        return _parse_union(text, get_args(wanted))
    if wanted is bool:
        return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _fail()
    if wanted is float:
        value = float(text)
        return value if value == value and abs(value) != float("inf") else _fail()
    if wanted in (int, str):
        return wanted(text)
    raise TypeError(f"option type {wanted} is not supported: use int, float, bool, str, Literal or tuple[X, ...]")


def _parse_union(text: str, choices: tuple[Any, ...]) -> Any:
    if type(None) in choices and text.lower() == "none":
        return None
    for choice in choices:
        if choice is not type(None):
            try:
                return _parse(text, choice)
            except ValueError:
                continue
    raise ValueError


def _fail() -> Any:
    raise ValueError

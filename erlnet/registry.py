"""Names -> components, lazily: listing reads entry points only and imports neither torch nor any plug-in."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from dataclasses import dataclass, is_dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from erlnet.errors import UserError
from erlnet.interfaces import SLOTS

GROUP = "erlnet.components"


@dataclass(frozen=True)
class Entry:
    """One registration: what an installed distribution says it offers."""

    slot: str
    name: str
    target: str  # "module:Class"
    distribution: str


@cache
def entries() -> tuple[Entry, ...]:
    """All registrations of all installed distributions, sorted; a source tree found twice on the path counts once."""
    found = set()
    for point in entry_points(group=GROUP):
        slot, _, name = point.name.partition(".")
        found.add(Entry(slot, name, point.value, point.dist.name if point.dist else "unknown"))
    return tuple(sorted(found, key=lambda e: (e.slot, e.name, e.distribution)))


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The tail of an error about an unknown word: a guess where one is close, then all choices."""
    choices = list(choices)
    close = difflib.get_close_matches(word, choices, n=1)
    guess = f"did you mean '{close[0]}'? " if close else ""
    return f"{guess}choices: {', '.join(choices) or 'none'}"


def check_slot(slot: str) -> None:
    if slot not in SLOTS:
        raise UserError(f"unknown slot '{slot}'; {did_you_mean(slot, SLOTS)}")


def names(slot: str) -> tuple[str, ...]:
    """The component names of a slot, sorted."""
    check_slot(slot)
    return tuple(dict.fromkeys(e.name for e in entries() if e.slot == slot))


def find(slot: str, name: str) -> Entry:
    """The one registration of `name`; UserError where there is none, or two owners."""
    known = names(slot)
    owners = [e for e in entries() if (e.slot, e.name) == (slot, name)]
    if not owners:
        raise UserError(f"slot '{slot}' has no component '{name}'; {did_you_mean(name, known)}")
    if len(owners) > 1:
        who = " and ".join(f"{e.distribution} ({e.target})" for e in owners)
        raise UserError(f"slot '{slot}': component '{name}' is registered twice, by {who}; uninstall one of them")
    return owners[0]


def load(slot: str, name: str) -> type[Any]:
    """The component's class; a plug-in that does not import breaks only its own selection."""
    entry = find(slot, name)
    module, _, attribute = entry.target.partition(":")
    try:
        component = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # a stranger's module may raise anything
        raise UserError(
            f"component {slot}={name} of distribution '{entry.distribution}' does not load "
            f"({type(error).__name__}: {error}); reinstall it or choose another"
        ) from error
    frozen = is_dataclass(component) and component.__dataclass_params__.frozen  # type: ignore[union-attr]
    if not (frozen and hasattr(component, "VERSION") and hasattr(component, "build")):
        raise UserError(
            f"component {slot}={name} of distribution '{entry.distribution}' "
            "is no frozen dataclass with VERSION and build"
        )
    return component

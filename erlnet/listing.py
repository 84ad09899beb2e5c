"""What `components` prints; imports components' option classes, never torch."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from erlnet import registry
from erlnet.interfaces import PROTOCOLS, SLOTS
from erlnet.options import option_types, type_name


def first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0] if text else ""


def list_slots() -> str:
    """Slot, components (default first marked), from entry points alone."""
    rows = []
    for slot, default in SLOTS.items():
        shown = [f"{n}*" if n == default else n for n in registry.names(slot)]
        rows.append(f"{slot:<14}{', '.join(shown)}")
    return "\n".join([*rows, "", "* default. Options: python -m erlnet components SLOT"])


def describe_slot(slot: str) -> str:
    """The slot's purpose, its components and their options; a broken plug-in is shown as such."""
    registry.check_slot(slot)
    lines = [f"{slot}: {first_line(PROTOCOLS[slot].__doc__).partition(': ')[2]}"]
    for name in registry.names(slot):
        default = " (default)" if name == SLOTS[slot] else ""
        try:
            owner = registry.find(slot, name).distribution
            component = registry.load(slot, name)
        except registry.UserError as error:
            lines.append(f"\n  {name}: does not load: {error}")
            continue
        lines.append(f"\n  {name}{default} [{owner}]  {first_line(component.__doc__)}")
        lines += [f"    {slot}.{row}" for row in _options(component)]
    return "\n".join(lines)


def _options(component: type[Any]) -> list[str]:
    types = option_types(component)
    return [f"{f.name}={_written(f.default)}  ({type_name(types[f.name])})" for f in fields(component)]


def _written(value: object) -> str:
    """A default as the command line would spell it."""
    if value is MISSING:
        return ""
    return f"[{','.join(map(str, value))}]" if isinstance(value, tuple) else str(value)

"""The command line's NAME=VALUE[,VALUE...] words, as text (docs/architecture.md, Command line)."""

from __future__ import annotations

import re

from erlnet.errors import UserError


def split_values(text: str) -> list[str]:
    """Splits at commas that stand outside of [...] and (...)."""
    parts, depth, current = [], 0, ""
    for character in text:
        depth += (character in "[(") - (character in "])")
        if character == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += character
    return [*parts, current.strip()]


def parse_assignment(word: str) -> tuple[str, list[str]]:
    """`a=b,c` -> ("a", ["b", "c"]); UserError where a name or a value is empty."""
    name, equals, text = word.partition("=")
    name = name.strip()
    if not equals or not name:
        raise UserError(f"'{word}' is not NAME=VALUE[,VALUE...]; see: python -m erlnet.ablate --help")
    values = split_values(text)
    if not all(values):
        raise UserError(f"{name}={text}: an empty value; write {name}=VALUE or {name}=VALUE,VALUE")
    repeated = {v for v in values if values.count(v) > 1}
    if repeated:
        raise UserError(f"{name}={text}: '{repeated.pop()}' stands twice")
    return name, values


def parse_assignments(words: list[str]) -> dict[str, list[str]]:
    """All words of a command; UserError where a name stands twice."""
    assignments: dict[str, list[str]] = {}
    for word in words:
        name, values = parse_assignment(word)
        if name in assignments:
            raise UserError(f"'{name}' is given twice; write {name}={','.join([*assignments[name], *values])} to sweep")
        assignments[name] = values
    return assignments


def parse_seeds(values: list[str]) -> tuple[int, ...]:
    """`0,1,2` or `range(3)` or `range(1,4)` -> seeds."""
    seeds: list[int] = []
    for value in values:
        match = re.fullmatch(r"range\((\d+)(?:,\s*(\d+))?\)", value)
        if match:
            bounds = [int(g) for g in match.groups() if g is not None]
            seeds += range(*bounds)
        elif value.isdecimal():
            seeds.append(int(value))
        else:
            raise UserError(f"seed={value}: expected whole numbers from 0, as in seed=0,1,2 or 'seed=range(3)'")
    if not seeds:
        raise UserError(f"seed={','.join(values)}: no seed in it")
    if len(set(seeds)) != len(seeds):
        raise UserError(f"seed={','.join(values)}: a seed stands twice")
    return tuple(seeds)

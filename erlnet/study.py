"""Studies: named sweeps in TOML (`ablations/`), and the first words of a command."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from erlnet.errors import UserError
from erlnet.grammar import parse_assignments
from erlnet.registry import did_you_mean


@dataclass(frozen=True)
class Command:
    """A command's words, with the study's own underneath: a word on the line overrides the file."""

    study: str | None
    assignments: dict[str, list[str]]
    title: str = ""
    also: tuple[dict[str, list[str]], ...] = ()  # variants beside the grid: what each has instead of the swept words


def study_folders() -> list[Path]:
    """Where a study's name is looked up: here, beside the package's source, where an installation put them."""
    source = Path(__file__).resolve().parent.parent / "ablations"
    return [Path("ablations"), source, Path(sys.prefix) / "share" / "erlnet" / "ablations"]


def known_studies() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in study_folders():
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


def parse_command(words: Sequence[str]) -> Command:
    """[STUDY] NAME=VALUE... ; UserError names the word that means nothing."""
    if not words or "=" in words[0]:
        return Command(None, parse_assignments(list(words)))
    name, *rest = words
    path = Path(name) if name.endswith(".toml") else known_studies().get(name)
    if path is None or not path.is_file():
        raise UserError(f"there is no study '{name}'; {did_you_mean(name, known_studies())} (or NAME=VALUE to sweep)")
    content = _read(path)
    given = parse_assignments(list(rest))
    also = tuple(_also(table, number, path) for number, table in enumerate(content.get("also", []), start=1))
    return Command(path.stem, _assignments(content, path) | given, content.get("title", ""), also)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"study {path}: {error}") from None
    unknown = set(content) - {"title", "sweep", "set", "also"}
    if unknown:
        raise UserError(f"study {path}: unknown key '{unknown.pop()}'; choices: title, sweep, set, also")
    for key, kind, what in (("title", str, "a text"), ("sweep", dict, "a table"), ("set", dict, "a table"),
                            ("also", list, "a list of tables, [[also]]")):  # fmt: skip
        if not isinstance(content.get(key, kind()), kind):
            raise UserError(f"study {path}: {key} must be {what}")
    return content


def _assignments(content: dict[str, Any], path: Path) -> dict[str, list[str]]:
    assignments: dict[str, list[str]] = {}
    for name, values in content.get("sweep", {}).items():
        if not isinstance(values, list) or not values:
            raise UserError(f"study {path}: sweep.{name} must be a list of values")
        assignments[name] = [_text(v) for v in values]
    for name, value in content.get("set", {}).items():
        assignments[name] = [_text(value)]
    return assignments


def _also(table: Any, number: int, path: Path) -> dict[str, list[str]]:
    if not isinstance(table, dict) or not table:
        raise UserError(f"study {path}: also number {number} must be a table of words with one value each")
    return {name: [_text(value)] for name, value in table.items()}


def _text(value: Any) -> str:
    """A TOML value as the command line would spell it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ",".join(_text(v) for v in value) + "]"
    return str(value)

"""VoxCeleb's identities, and what was found of either of the two sets."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from erlnet.data.items import Finding, Item

IDENTITY = re.compile(r"id\d{5}")
SUBSETS = ("dev", "test")
SIDES = {"dev": "train", "test": "test"}


@dataclass
class Found:
    speakers: set[str] = field(default_factory=set)  # all that have a folder in the selected subsets
    items: list[Item] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def is_first(identity: str) -> bool:
    """VoxCeleb1 counts its people from id10001, VoxCeleb2 stays below."""
    return identity.startswith("id1")


def subset_of_first(identity: str) -> str:
    """VoxCeleb1's official split: the forty people whose names begin with E are its test."""
    return "test" if "id10270" <= identity <= "id10309" else "dev"

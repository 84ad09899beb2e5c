"""Which side of the split a HDTF clip is on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from erlnet.data.items import Finding, Item
from erlnet.errors import UserError

Key = tuple[str, str, int]  # (subset, name, interval)
REPACKAGED = re.compile(r"(RD|WDA|WRA)_(.+)_(\d{3})(?:#(\d+))?")


def check_shares(test_share: float, val_share: float) -> None:
    if not (0 <= test_share < 1 and 0 <= val_share < 1 and test_share + val_share < 1):
        raise UserError(
            f"hdtf.test_share={test_share} and hdtf.val_share={val_share} must be 0 or more and leave some to train on"
        )


def identity_side(identity: str, test_share: float, val_share: float, seed: int) -> str:
    """ "test", "val" or "train" from a hash of seed and person: who else is there does not matter."""
    digest = hashlib.sha256(f"{seed}:{identity}".encode()).digest()
    at = int.from_bytes(digest[:8], "big") / 2**64  # [0,1), even over people
    if at < test_share:
        return "test"
    return "val" if at < test_share + val_share else "train"


def edtalk_sides(listed: Mapping[str, str]) -> tuple[dict[Key, str], list[Finding]]:
    """(interval -> its side, intervals whose chunks are on both) of EDTalk's rows like WDA_XavierBecerra_000#1.

    An interval on both sides counts as test, so that it cannot be learnt from.
    """
    sides: dict[Key, str] = {}
    torn = set()
    for row, side in listed.items():
        key = key_of(row)
        if key is None:  # a row of MEAD
            continue
        if sides.setdefault(key, side) != side:
            torn.add(key)
            sides[key] = "test"
    found = [
        Finding("leaking", f"EDTalk's lists have chunks of {subset}_{name}_{i:03d} on both sides; taken as test",
                "move its chunks to one list")
        for subset, name, i in sorted(torn)
    ]  # fmt: skip
    return sides, found


def without_torn(items: Iterable[Item]) -> list[Item]:
    """The items but those that are learnt from while another of the same `source` is tested."""
    items = list(items)
    tested = {item.source for item in items if item.split == "test"}
    return [item for item in items if item.split == "test" or item.source not in tested]


def key_of(stem: str) -> Key | None:
    match = REPACKAGED.fullmatch(stem)
    return (match[1], match[2], int(match[3])) if match else None

"""What a split must not do: put one recording, or one person where it is by identity, on two sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from erlnet.data.items import Finding, Item


def leaks(items: Iterable[Item], by_identity: bool = False) -> list[Finding]:
    """One finding a recording that is on two sides of the split, then, with `by_identity`, one about the people.

    Items without a side (split "") are cut by time later, where the run's own check looks at them.
    """
    items = [item for item in items if item.split]
    found = [
        Finding("leaking", f"recording {source} is on two sides: {_sides(group)}", ONE_SIDE)
        for source, group in _on_two_sides(items, lambda item: item.source)
    ]
    return found + shared_speakers(items) if by_identity else found


def shared_speakers(items: Iterable[Item]) -> list[Finding]:
    """One finding that counts and names the speakers who are on two sides of the split; none where there are none."""
    items = [item for item in items if item.split]
    shared = [speaker for speaker, _ in _on_two_sides(items, lambda item: item.speaker)]
    if not shared:
        return []
    people = len({item.speaker for item in items})
    what = f"{len(shared)} of {people} speakers are on two sides of the split: {', '.join(shared)}"
    return [Finding("leaking", what, UNSEEN)]


ONE_SIDE = "keep all that is cut from one recording on one side"
UNSEEN = "use a split by identity before calling the test people unseen"


def _on_two_sides(items, key) -> list[tuple[str, list[Item]]]:
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return sorted((k, group) for k, group in groups.items() if len({item.split for item in group}) > 1)


def _sides(group: list[Item]) -> str:
    """ "train: a, b; test: c", the first three names of each side."""
    names: dict[str, list[str]] = defaultdict(list)
    for item in group:
        names[item.split].append(item.name)
    return "; ".join(
        f"{side}: {', '.join(found[:3])}{f' and {len(found) - 3} more' if len(found) > 3 else ''}"
        for side, found in sorted(names.items(), reverse=True)
    )

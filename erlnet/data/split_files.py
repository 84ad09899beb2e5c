"""Frozen splits: a named file that says which frames are on which side, with a hash over what it says.

The first use of a split writes the file; every later one reads it, so that neither a new version's rule nor another
listing moves a frame to another side. A file can be handed on: `split=FILE.json` uses it on the same clips elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from erlnet.data.clip import Clip
from erlnet.data.splits import AUTO, OWN, SIDES, Split, check_split, make_split
from erlnet.errors import UserError
from erlnet.files import write_whole

FORMAT = 2


@dataclass(frozen=True)
class Row:
    """Frames [start, stop) of a prepared clip, under a name of their own.

    The clip's length and place tell whether another clip of its name shows the same frames: prepared anew with other
    options, or found one cut more or fewer, it does not.
    """

    name: str
    clip: str
    source: str
    start: int
    stop: int
    n_frames: int  # of the whole clip
    offset: int  # frames from the beginning of `source` to the clip's frame 0


@dataclass(frozen=True)
class FrozenSplit:
    name: str  # the rule's, or the data set's
    sides: dict[str, list[Row]]  # train, val, test

    @property
    def sha256(self) -> str:
        """Over the sides alone."""
        return hashlib.sha256(json.dumps(_plain(self.sides), sort_keys=True).encode()).hexdigest()


def split_clips(clips: Sequence[Clip], split: str, path: Path) -> Split:
    """The split frozen in `path`, or made by the rule `split` and frozen there; checked for leaks either way."""
    if path.is_file():
        result = thaw(read_frozen(path), clips)
        check_split(result, split)
        return result
    result = make_split(clips, split)
    write_frozen(path, freeze(result, clips, split))
    return result


def freeze(split: Split, clips: Sequence[Clip], name: str) -> FrozenSplit:
    """`split` of these whole clips, named "own" where their labels made it, else after the rule.

    `name`: what was asked for; another than those of `make_split` is kept as it is.
    """
    whole = {clip.folder: clip for clip in clips}
    labelled = any(clip.labels.split for clip in clips)
    sides = {side: [_row(run, whole[run.folder]) for run in split.side(side)] for side in SIDES}
    return FrozenSplit(OWN if labelled else AUTO.get(name, name), sides)


def _row(run: Clip, whole: Clip) -> Row:
    return Row(run.name, whole.name, whole.labels.source, run.start, run.stop, len(whole), whole.offset)


def thaw(frozen: FrozenSplit, clips: Sequence[Clip]) -> Split:
    """The frozen runs of these clips; clips that the file does not name are on no side. UserError for an absent one."""
    by_name = {clip.name: clip for clip in clips}
    result = Split([], [])
    for side, rows in frozen.sides.items():
        for row in rows:
            clip = by_name.get(row.clip)
            if clip is None or (what := _difference(row, clip)):
                what = "is not among the prepared clips" if clip is None else f"is another clip here: {what}"
                raise UserError(
                    f"split '{frozen.name}': '{row.clip}' {what}; use the split's own data, or another split"
                )
            whole = (row.start, row.stop, row.name) == (clip.start, clip.stop, clip.name)
            result.side(side).append(clip if whole else clip.cut(row.start, row.stop, row.name))
    return result


def _difference(row: Row, clip: Clip) -> str:
    """ "" where the clip is the one that was frozen."""
    if clip.labels.source != row.source:
        return f"of {clip.labels.source}, not {row.source}"
    if len(clip) != row.n_frames:
        return f"it has {len(clip)} frames, not {row.n_frames}"
    if clip.offset != row.offset:
        return f"it begins at frame {clip.offset} of {row.source}, not {row.offset}"
    return ""


def write_frozen(path: Path, frozen: FrozenSplit) -> None:
    content = {"format": FORMAT, "name": frozen.name, "sha256": frozen.sha256, "sides": _plain(frozen.sides)}
    write_whole(path, json.dumps(content, indent=1))


def read_frozen(path: Path) -> FrozenSplit:
    """UserError where the file is none, or says something else than its hash is of."""
    try:
        content = json.loads(path.read_text())
        if content["format"] != FORMAT:
            raise UserError(
                f"{path}: a split file of format {content['format']}, this version reads {FORMAT}; delete it to have "
                "the split made again"
            )
        sides = {side: [Row(**row) for row in content["sides"][side]] for side in SIDES}
        frozen, stated = FrozenSplit(content["name"], sides), content["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: no split file ({type(error).__name__}: {error})") from None
    if frozen.sha256 != stated:
        raise UserError(f"{path}: changed since it was frozen (its hash is of something else); take the original file")
    return frozen


def _plain(sides: dict[str, list[Row]]) -> dict[str, list[dict[str, Any]]]:
    return {side: [vars(row) for row in rows] for side, rows in sides.items()}

"""What the files of coefficient sequences are called, and which side of the split each is on. Imports nothing heavy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from erlnet.errors import UserError

FIELDS = ("speaker", "style", "recording")
_PART = re.compile(r"(.+?)(?:_clip(?:[-_]?\d.*)?|[-_]\d+)")  # a recording, and which part of it


@dataclass(frozen=True)
class Named:
    """What a file's name tells."""

    speaker: str
    style: str  # "" where it does not tell
    recording: str  # all of one recording go to one side of a split


def named(place: PurePath, pattern: str) -> Named:
    """`place` relative to the data's folder.

    Without a pattern the recording is the name without a `_clip3...` or a number at its end (talk2_clip3 and
    talk2_clip4 are talk2, talk_01 is talk), below the folders it lies in, and each recording is a speaker. UserError
    where the name does not follow the pattern.
    """
    match = _PART.fullmatch(place.stem)
    recording = str(place.parent / (match[1] if match else place.stem))
    if not pattern:
        return Named(recording, "", recording)
    told = compiled(pattern).fullmatch(place.stem)
    if told is None:
        raise UserError(
            f"{place}: its name does not follow sequences.names={pattern}; rename it, take it out, or set another"
        )
    found = told.groupdict()
    recording = found.get("recording", recording)
    speaker = found.get("speaker", recording)
    # Two speakers' recordings may be numbered alike.
    own = recording if "recording" not in found or speaker == recording else f"{speaker}/{recording}"
    return Named(speaker, found.get("style", ""), own)


def compiled(pattern: str) -> re.Pattern[str]:
    """`{speaker}_{style}_*` as a regular expression; ValueError for a field that is none of FIELDS or stands twice."""
    text, fields = "", []
    for part in re.split(r"(\{\w*\}|\*)", pattern):
        if part == "*":
            text += ".*"
        elif part.startswith("{") and part.endswith("}"):
            fields.append(part[1:-1])
            text += f"(?P<{part[1:-1]}>.+?)" if part[1:-1] in FIELDS else ""
        else:
            text += re.escape(part)
    if not fields or len(set(fields)) < len(fields) or not set(fields) <= set(FIELDS):
        raise ValueError(
            f"names={pattern}: expected one or more of {', '.join(f'{{{f}}}' for f in FIELDS)}, each once, with * for "
            "anything else, as in '{speaker}_{style}_*'"
        )
    return re.compile(text)


def sides(frames: Mapping[str, int], test_share: float, val_share: float, seed: int) -> dict[str, str]:
    """Group (a recording, a speaker) -> "train", "val" or "test", so that the sides' frames come near their shares.

    Groups are met in an order that a hash of seed and name gives; one goes to a side where that brings the side nearer
    to its share, and each side that has a share gets one at least. UserError where there are too few groups.
    """
    wanted = {side: share for side, share in (("test", test_share), ("val", val_share)) if share > 0}
    if len(frames) <= len(wanted):
        raise UserError(
            f"{len(frames)} in all ({', '.join(sorted(frames))}): too few to be put on {len(wanted) + 1} sides whole; "
            "bring more, or set sequences.split=none, which lets the run's split cut each file by time"
        )
    left = sorted(frames, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    total, out = sum(frames.values()), {}
    for number, (side, share) in enumerate(wanted.items(), start=1):
        aim, taken = share * total, 0
        kept = len(wanted) - number + 1  # groups that the sides after this one need
        for group in list(left):
            if len(left) > kept and abs(taken + frames[group] - aim) < abs(taken - aim):
                out[group] = side
                taken += frames[group]
                left.remove(group)
        if not taken:
            smallest = min(left, key=lambda group: frames[group])
            out[smallest] = side
            left.remove(smallest)
    return out | dict.fromkeys(left, "train")

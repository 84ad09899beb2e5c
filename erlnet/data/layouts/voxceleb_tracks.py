"""VoxCeleb's text boxes: which stretch of a YouTube video shows the speaker.

    Identity  :     id10270
    Reference :     5r0dWxy17C8
    Offset    :     -3
    FV Conf   :     20.230  (1)
    ASD Conf  :     2.765

    FRAME   X       Y       W       H
    000349  223     80      130     130

Frames are counted at 25 fps from the video's beginning. Boxes are px of VoxCeleb1's own copy of the video, whose size
the file does not say, or shares of the picture (VoxCeleb2: 0.319 0.067 0.424 0.753). Both are read, to see that a row
is whole, and neither is kept: see `VoxCelebLayout`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FPS = 25.0


@dataclass(frozen=True)
class Track:
    identity: str  # "" where the head does not say
    reference: str  # YouTube id; "" where the head does not say
    first: int  # frame at 25 fps
    last: int

    @property
    def start(self) -> float:
        """s after the video's beginning"""
        return self.first / FPS

    @property
    def stop(self) -> float:
        """s after the video's beginning, where the last frame ends"""
        return (self.last + 1) / FPS


def read_track(text: str) -> Track:
    """ValueError in one line where a row is malformed, frames do not go up, or there are none."""
    head: dict[str, str] = {}
    frames: list[int] = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        values = line.split()
        if not values or values[0].upper() == "FRAME":
            continue
        if ":" in line and not frames:
            name, _, value = line.partition(":")
            head[name.strip().lower()] = value.strip()
            continue
        if not _is_row(values):
            raise ValueError(f"line {number} '{line.strip()}' is not 'FRAME X Y W H'")
        if frames and int(values[0]) <= frames[-1]:
            raise ValueError(f"line {number}: frame {int(values[0])} comes after frame {frames[-1]}")
        frames.append(int(values[0]))
    if not frames:
        raise ValueError("it lists no frame")
    return Track(head.get("identity", ""), head.get("reference", ""), frames[0], frames[-1])


def _is_row(values: list[str]) -> bool:
    return len(values) == 5 and values[0].isdigit() and all(re.fullmatch(r"-?\d+(\.\d*)?", v) for v in values[1:])

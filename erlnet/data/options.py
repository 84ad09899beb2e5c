"""What a user may choose about preparing videos, whatever data set they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class PrepareOptions:
    """Options of every data set that is made of videos.

    `faces`: of several faces the one with most size and time, or refuse the video. `cuts`: one clip a shot, or refuse.
    `matte`: the person matte tells person from background if its asset is present, always, or never.
    """

    size: int = 512  # px, height and width of the clips; a multiple of 64
    faces: Literal["largest", "refuse"] = "largest"
    cuts: Literal["split", "refuse"] = "split"
    matte: Literal["auto", "always", "never"] = "auto"

    def __post_init__(self) -> None:
        if self.size % 64 or self.size < 64:
            raise ValueError(f"size={self.size}: expected a multiple of 64")

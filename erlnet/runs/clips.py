"""Prepared clips as the later stages read them: split, reduced, as streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from erlnet.data.clip import Clip, open_index
from erlnet.data.split_files import split_clips
from erlnet.data.splits import Split
from erlnet.head.streams import pack_expression, pack_pose
from erlnet.variant import GIVEN


def open_split(prepare: Path, config: Mapping[str, Any]) -> Split:
    """The sides of a finished `prepare` stage's clips; reduced where the stage's config names a size.

    The split is frozen beside the index when it is first made. One that a user gave as a file lies in OUT/splits.
    """
    split = split_clips(open_index(prepare), config["split"], frozen_path(prepare, config["split"]))
    size = config.get("size")
    if size is None:
        return split
    return Split(*([c.reduced_to(size) for c in split.side(side)] for side in ("train", "test", "val")))


def frozen_path(prepare: Path, split: str) -> Path:
    """Where the split of a `prepare` stage OUT/stages/prepare/KEY is frozen; `split` as in a variant."""
    out, name = prepare.parents[2], f"{split}.json"
    return (out if GIVEN in split else prepare) / "splits" / name


def streams_of(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """(expression stream (T,E+5), pose stream (T,6)) of a clip, as tracked."""
    c = clip.coefficients
    return pack_expression(c.expression, c.jaw, c.lids), pack_pose(c.head_to_world, c.root)


def style_clip(train: Sequence[Clip], labels: Any) -> Clip:
    """The first training clip of the same speaker and style, else of the same speaker, else the first."""
    for same in (
        lambda c: (c.labels.speaker, c.labels.style) == (labels.speaker, labels.style),
        lambda c: c.labels.speaker == labels.speaker,
        lambda c: True,
    ):
        for clip in train:
            if same(clip):
                return clip
    raise ValueError("no training clip")

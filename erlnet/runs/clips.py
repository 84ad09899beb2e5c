"""Prepared clips as the later stages read them: split, reduced, as streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from erlnet.data.clip import Clip, open_index
from erlnet.data.splits import Split, make_split
from erlnet.head.streams import pack_expression, pack_pose


def open_split(prepare: Path, config: Mapping[str, Any]) -> Split:
    """Train and test clips of a finished `prepare` stage; reduced where the stage's config names a size."""
    split = make_split(open_index(prepare), config["split"])
    size = config.get("size")
    if size is None:
        return split
    return Split([c.reduced_to(size) for c in split.train], [c.reduced_to(size) for c in split.test])


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

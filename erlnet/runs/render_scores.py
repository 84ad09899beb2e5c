"""Scores of rendered frames against the true ones, region by region: the same pure metrics as the report's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from erlnet.data.clip import Clip
from erlnet.metrics.families import build_family
from erlnet.metrics.pairs import FrameSource, Row, Unavailable
from erlnet.metrics.protocol import IMAGE_REGIONS
from erlnet.runs.score_stages import clip_pair

FAMILIES = ("ssim", "psnr", "lpips")
_PRINTED = (("ssim", "frame"), ("ssim", "mouth"), ("ssim", "neck"), ("psnr", "frame"), ("lpips", "frame"))


@dataclass(frozen=True)
class Scores:
    """Of every system over the same frames."""

    frames: int
    rows: list[tuple[str, Row]] = field(default_factory=list)  # (system, row)
    left_out: dict[str, str] = field(default_factory=dict)  # system or metric -> why it has no scores

    def means(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """System -> metric -> region -> mean over the frames that have a value; None where none has."""
        found: dict[str, dict[str, dict[str, list[float]]]] = {}
        for system, row in self.rows:
            values = found.setdefault(system, {}).setdefault(row.metric, {}).setdefault(row.region, [])
            if row.value is not None:
                values.append(row.value)
        return {
            system: {
                m: {r: float(np.mean(v)) if v else None for r, v in regions.items()} for m, regions in told.items()
            }
            for system, told in found.items()
        }

    def told(self) -> dict[str, Any]:
        return {"frames": self.frames, "means": self.means(), "left_out": self.left_out, "regions": list(IMAGE_REGIONS)}

    def lines(self) -> list[str]:
        """The table as a person reads it."""
        head = ["", *(f"{metric} {region}" for metric, region in _PRINTED)]
        table = [head]
        for system, told in self.means().items():
            values = [told.get(metric, {}).get(region) for metric, region in _PRINTED]
            table.append([system, *("n/a" if value is None else f"{value:.3f}" for value in values)])
        widths = [max(len(row[i]) for row in table) for i in range(len(head))]
        told_lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]
        return told_lines + [f"{name}: {why}" for name, why in self.left_out.items()]


@dataclass(frozen=True)
class _First:
    """The first frames of a source."""

    source: FrameSource
    count: int

    def __len__(self) -> int:
        return self.count

    def frames(self, start: int, stop: int) -> np.ndarray:
        return self.source.frames(start, stop)


def score(truth: Clip, systems: Mapping[str, FrameSource]) -> Scores:
    """All systems over the frames that the truth and each of them have; one of another size is not scored.

    Scaling would be a part of the score; LPIPS is left out, with what to do, where its weights are not here.
    """
    size = truth.size
    left_out, fair = {}, {}
    for name, source in systems.items():
        height, width = source.frames(0, 1).shape[-2:]
        if (height, width) == size:
            fair[name] = source
        else:
            left_out[name] = (
                f"not scored: its frames are {width}x{height} px, the true ones {size[1]}x{size[0]}; it is scaled for "
                "the film alone"
            )
    count = min(len(truth), *(len(source) for source in fair.values()))
    clip = truth.cut(0, count, truth.name)
    pairs = {name: clip_pair(clip, _First(source, count)) for name, source in fair.items()}
    rows: list[tuple[str, Row]] = []
    for family in FAMILIES:
        try:
            judge = build_family(family)
            rows += [(name, row) for name, pair in pairs.items() for row in judge.score([pair], None)]
        except Unavailable as missing:
            left_out[family] = str(missing)
    order = {name: index for index, name in enumerate(pairs)}
    return Scores(count, sorted(rows, key=lambda named: order[named[0]]), left_out)

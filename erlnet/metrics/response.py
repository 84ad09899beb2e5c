"""The response matrix: what every metric says to every planted fault, at five strengths."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from math import isinf
from pathlib import Path

import numpy as np

from erlnet.metrics.faults import FAULTS, Fault, PlantedFrames
from erlnet.metrics.faults_scene import HeldFrames, Scene
from erlnet.metrics.pairs import ClipPair, Family, FrameSource, Row

TRUTH = "truth"
_LESS_IS_WORSE = ("ssim", "psnr")


@dataclass(frozen=True)
class Response:
    """One cell. `strength` is 0 for the truth; `value` is None where the metric has none."""

    clip: str
    fault: str
    strength: float
    metric: str
    region: str
    value: float | None


def respond(
    scenes: Mapping[str, Scene], families: Sequence[Family], faults: Sequence[Fault] = FAULTS
) -> Iterator[Response]:
    """Cells clip by clip, fault by fault; the truth first. A value a frame counts by its mean over the frames."""
    for clip, scene in scenes.items():
        yield from _cells(clip, TRUTH, 0.0, scene, scene.source, families)
        for fault in faults:
            for strength in fault.strengths:
                # Made once for all families: a clip of a matrix is short and may lie in memory.
                planted = HeldFrames(PlantedFrames(scene, fault, strength).frames(0, len(scene)))
                yield from _cells(clip, fault.id, float(strength), scene, planted, families)


def _cells(
    clip: str, fault: str, strength: float, scene: Scene, rendered: FrameSource, families: Sequence[Family]
) -> Iterator[Response]:
    pair = ClipPair(clip, clip, scene.source, rendered, scene.regions, scene.landmarks)
    for family in families:
        for (metric, region), value in means(family.score([pair], None)).items():
            yield Response(clip, fault, strength, metric, region, value)


def means(rows: Sequence[Row]) -> dict[tuple[str, str], float | None]:
    """(metric, region) -> mean of the rows that have a value; None where none has."""
    values: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        known = values.setdefault((row.metric, row.region), [])
        if row.value is not None:
            known.append(row.value)
    return {column: float(np.mean(known)) if known else None for column, known in values.items()}


def worse(metric: str, value: float) -> float:
    """The value turned so that more is worse; PSNR as mean squared error, or its cap would drown all else."""
    if metric == "psnr":
        return float(10 ** (-value / 10))
    return -value if metric in _LESS_IS_WORSE else value


def rises(cells: Sequence[Response], fault: Fault, metric: str, region: str) -> bool:
    """Whether the metric gets strictly worse from the truth over the five strengths, in every clip."""
    clips = {cell.clip for cell in cells}
    for clip in clips:
        row = [
            cell.value
            for cell in cells
            if cell.clip == clip and cell.fault in (TRUTH, fault.id) and (cell.metric, cell.region) == (metric, region)
        ]
        known = [worse(metric, value) for value in row if value is not None]
        if len(known) < 1 + len(fault.strengths) or any(a >= b for a, b in pairwise(known)):
            return False
    return bool(clips)


def write_csv(path: Path, cells: Sequence[Response]) -> None:
    """All cells, five digits; an empty cell where there is no value, `inf` for a strength without end."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Response)])
        for cell in cells:
            *named, value = astuple(cell)
            writer.writerow([*named, "" if value is None else f"{value:.5g}"])


def read_csv(path: Path) -> list[Response]:
    """What `write_csv` wrote."""
    with open(path, newline="") as file:
        return [
            Response(
                row["clip"], row["fault"], float(row["strength"]), row["metric"], row["region"],
                float(row["value"]) if row["value"] else None,
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


def shade(
    cells: Sequence[Response], clip: str, columns: Sequence[tuple[str, str]], rows: Sequence[tuple[Fault, float]]
) -> np.ndarray:
    """(rows, columns) in [0,1], NaN without a value: |value - truth| over the column's largest."""
    at = {(c.fault, c.strength, c.metric, c.region): c.value for c in cells if c.clip == clip}
    change = np.full((len(rows), len(columns)), np.nan)
    for j, (metric, region) in enumerate(columns):
        truth = at.get((TRUTH, 0.0, metric, region))
        for i, (fault, strength) in enumerate(rows):
            value = at.get((fault.id, float(strength), metric, region))
            if value is not None and truth is not None:
                change[i, j] = abs(worse(metric, value) - worse(metric, truth))
    largest = np.nanmax(change, axis=0, initial=0.0)
    return change / np.where(largest > 0, largest, 1)


def write_markdown(path: Path, cells: Sequence[Response], faults: Sequence[Fault] = FAULTS) -> None:
    """A table a clip: values at the weakest, middle and strongest fault.

    `^`: all five rise strictly, at last to a hundredth of the metric's largest change in that clip or more.
    """
    columns = list(dict.fromkeys((cell.metric, cell.region) for cell in cells))
    lines = []
    for clip in dict.fromkeys(cell.clip for cell in cells):
        of_clip = [cell for cell in cells if cell.clip == clip]
        at = {(c.fault, c.strength, c.metric, c.region): c.value for c in of_clip}
        matters = shade(cells, clip, columns, [(fault, fault.strengths[4]) for fault in faults]) >= 0.01
        heads = [f"{metric}, {region}" for metric, region in columns]
        lines += [f"### {clip}", "", f"| fault: strengths | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
        for fault, reaches in zip(faults, matters):
            shown = (fault.strengths[0], fault.strengths[2], fault.strengths[4])
            row = [fault.title + ": " + ", ".join("all" if isinf(s) else f"{s:g}" for s in shown)]
            for (metric, region), reach in zip(columns, reaches):
                text = " ".join(_number(at.get((fault.id, float(s), metric, region))) for s in shown)
                row.append(text + (" ^" if reach and rises(of_clip, fault, metric, region) else ""))
            lines.append(f"| {' | '.join(row)} |")
        lines.append("")
    path.write_text("\n".join(lines))


def _number(value: float | None) -> str:
    """Three digits; what is under .0005 is 0."""
    return "n/a" if value is None else f"{value if abs(value) >= 5e-4 else 0:.3g}"

"""The family `neck`: one pass over a clip and its render, one row a metric."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from erlnet.interfaces import Progress
from erlnet.metrics.neck import numbers as n
from erlnet.metrics.neck.contour import across, contour
from erlnet.metrics.neck.distance import flow_error, head_shift, neck_distance
from erlnet.metrics.neck.flow import Flow, dense_flow, grey, texture, window
from erlnet.metrics.neck.seam import edge_across, seam
from erlnet.metrics.neck.torso import torso_motion, torso_shift
from erlnet.metrics.neck.zones import Zones, zones
from erlnet.metrics.pairs import ClipPair, Row, batches, read_both


@dataclass(frozen=True)
class View:
    """One frame of the reference and its render, and where to look."""

    reference: np.ndarray  # (3,H,W) uint8
    rendered: np.ndarray
    grey: np.ndarray  # (H,W) uint8, of the reference
    rendered_grey: np.ndarray
    zones: Zones
    textured: np.ndarray  # (H,W) bool, places of the reference that flow can be measured at

    @property
    def scale(self) -> float:
        return len(self.grey) / n.AT_HEIGHT


@dataclass
class Sums:
    """What a clip's rows are made of: numbers a frame, None where a frame has none, and counts of points."""

    values: dict[str, list[float | None]] = field(default_factory=dict)
    points: int = 0
    matched: int = 0
    edges: int = 0
    edges_found: int = 0
    shifts: list[tuple[tuple[float, float], tuple[float, float]]] = field(default_factory=list)

    def add(self, metric: str, value: float | None) -> None:
        self.values.setdefault(metric, []).append(value)

    def mean(self, metric: str) -> float | None:
        """Over the frames that have a value."""
        known = [value for value in self.values.get(metric, []) if value is not None]
        return float(np.mean(known)) if known else None


class NeckFamily:
    """Rows a clip; memory does not grow with its length. Unavailable without OpenCV (the extra `track`)."""

    name = "neck"

    def __init__(self, flow: Flow = dense_flow):
        """`flow` replaces OpenCV's (one that remembers, a test's)."""
        self._flow = flow

    def score(self, pairs: list[ClipPair], progress: Progress | None = None) -> list[Row]:
        """Every metric of erlnet.metrics.neck.cards for every clip; None where a clip has no value."""
        rows: list[Row] = []
        done, total = 0, sum(len(pair) for pair in pairs)
        for pair in pairs:
            sums, first, before = Sums(), None, None
            for view in views(pair):
                first = first or view
                _add_still(sums, view, self._flow)
                if before is not None:
                    _add_step(sums, before, view, self._flow)
                _add_torso(sums, first, view, self._flow)
                before = view
                done += 1
                if progress is not None:
                    progress.update(done, total)
            rows += _rows(pair.name, sums)
        return rows


def views(pair: ClipPair) -> Iterator[View]:
    """The clip frame by frame, read in batches; ValueError where reference and render differ in size."""
    for start, stop in batches(pair):
        references, renders = read_both(pair, start, stop)
        for bits, reference, rendered in zip(pair.region_bits(start, stop), references, renders, strict=True):
            picture = grey(reference)
            textured = texture(picture, picture.shape[0] / n.AT_HEIGHT) >= n.MIN_TEXTURE
            yield View(reference, rendered, picture, grey(rendered), zones(bits), textured)


def _add_still(sums: Sums, view: View, flow: Flow) -> None:
    """What one frame's render shows beside its reference."""
    there = flow(view.grey, view.rendered_grey)
    back = flow(view.rendered_grey, view.grey)
    shift = head_shift(there, back, view.zones.head & view.textured)
    neck = neck_distance(there, back, view.zones.neck & view.textured, shift)
    sums.add("neck_distance", neck.distance)
    sums.points, sums.matched = sums.points + neck.points, sums.matched + neck.matched
    edges = contour(view.grey, view.zones.neck, view.scale)
    if shift is None:
        sums.add("collar_distance", None)
    else:
        gone = across(edges, view.grey, view.rendered_grey, shift, view.scale)
        found = np.isfinite(gone)
        sums.edges, sums.edges_found = sums.edges + len(found), sums.edges_found + int(found.sum())
        sums.add("collar_distance", float(np.abs(gone[found]).mean()) if found.sum() >= n.MIN_POINTS else None)
    normal, band = view.zones.normal, view.zones.seam
    both = [edge_across(frame, normal, view.scale) for frame in (view.reference, view.rendered)]
    found_seam = seam(both[0], both[1], band, view.scale)
    sums.add("neck_seam", found_seam and found_seam[0])
    sums.add("neck_softness", found_seam and found_seam[1])


def _add_step(sums: Sums, before: View, after: View, flow: Flow) -> None:
    """How the render goes from one frame to the next."""
    points = before.zones.neck & before.textured
    part = window(points, before.scale)
    if part is None:
        return sums.add("neck_flow_error", None)
    reference = flow(before.grey[part], after.grey[part])
    back = flow(after.grey[part], before.grey[part])
    rendered = flow(before.rendered_grey[part], after.rendered_grey[part])
    return sums.add("neck_flow_error", flow_error(reference, back, rendered, points[part]))


def _add_torso(sums: Sums, first: View, view: View, flow: Flow) -> None:
    """Where the torso has gone since the reference's first frame, in reference and render."""
    points = first.zones.torso & first.textured
    part = window(points, first.scale)
    if part is None:
        return
    reference = torso_shift(flow(first.grey[part], view.grey[part]), points[part])
    rendered = torso_shift(flow(first.grey[part], view.rendered_grey[part]), points[part])
    if reference is not None and rendered is not None:
        sums.shifts.append((reference, rendered))


def _rows(clip: str, sums: Sums) -> list[Row]:
    coverage = sums.matched / sums.points if sums.points else 0.0
    edge_coverage = sums.edges_found / sums.edges if sums.edges else 0.0
    shifts = np.array(sums.shifts, np.float64).reshape(-1, 2, 2)
    values = {
        "neck_distance": sums.mean("neck_distance") if coverage >= n.MIN_COVERAGE else None,
        "neck_match_failure": 1 - coverage if sums.points else None,
        "neck_flow_error": sums.mean("neck_flow_error"),
        "collar_distance": sums.mean("collar_distance") if edge_coverage >= n.MIN_COVERAGE else None,
        "collar_match_failure": 1 - edge_coverage if sums.edges else None,
        "neck_seam": sums.mean("neck_seam"),
        "neck_softness": sums.mean("neck_softness"),
    }
    rows = [Row(clip, None, metric, "neck", value) for metric, value in values.items()]
    return [*rows, Row(clip, None, "torso_motion", "torso", torso_motion(shifts[:, 0], shifts[:, 1]))]

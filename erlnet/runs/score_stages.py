"""Stages `evaluate` and `references`: one metric family over the test clips, as `scores.csv`."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from erlnet.data.clip import FPS, Clip
from erlnet.metrics.cards import READS
from erlnet.metrics.families import build_family
from erlnet.metrics.pairs import ClipPair, FrameSource, Row
from erlnet.metrics.references import reference_frames
from erlnet.runs.clips import open_split
from erlnet.runs.rendered import RenderedFrames
from erlnet.runs.task import Task

COLUMNS = ("row", "clip", "frame", "metric", "region", "value")  # row: the reference's name, empty for a variant


def clip_pair(clip: Clip, rendered: FrameSource) -> ClipPair:
    sound = (lambda: clip.audio) if clip.has_sound else None
    return ClipPair(clip.name, clip.labels.speaker, clip, rendered, clip.regions, clip.landmarks, FPS, sound)


def run_evaluate(task: Task) -> dict[str, Any]:
    """Scores one render stage's frames, one driving mode's motion, or one codec, by one family."""
    import torch

    torch.set_num_threads(task.threads)
    family = task.config["family"]["family"]
    if READS[family] != "render":
        from erlnet.runs import motion_scores

        score = {"motion": motion_scores.evaluate_motion, "style": motion_scores.evaluate_style,
                 "codebook": motion_scores.evaluate_codebook}[family]  # fmt: skip
        found, figures = score(task)
        write_scores(task.out / "scores.csv", [("", row) for row in found])
        return {"rows": len(found)} | figures
    test = open_split(task.inputs["prepare"], task.config).test
    frames = task.inputs["render"] / "frames"
    pairs = [clip_pair(clip, RenderedFrames(frames / clip.name)) for clip in test]
    rows = build_family(task.config["family"]["family"], task.out.parent / "detections.npz").score(pairs, task.progress)
    write_scores(task.out / "scores.csv", [("", row) for row in rows])
    return {"rows": len(rows)}


def run_references(task: Task) -> dict[str, Any]:
    """Scores every reference row: floors that know nothing of the test frame, and controls."""
    import torch

    torch.set_num_threads(task.threads)
    if READS[task.config["family"]["family"]] != "render":
        from erlnet.runs import motion_scores

        by_family = {"motion": motion_scores.motion_references, "style": motion_scores.style_references}
        named = by_family[task.config["family"]["family"]](task)
        write_scores(task.out / "scores.csv", named)
        return {"rows": len(named)}
    split = open_split(task.inputs["prepare"], task.config)
    family = build_family(task.config["family"]["family"], task.out.parent / "detections.npz")
    named = []
    for name in task.config["rows"]:
        pairs = [clip_pair(clip, reference_frames(name, split.train, clip)) for clip in split.test]
        named += [(name, row) for row in family.score(pairs, task.progress)]
    write_scores(task.out / "scores.csv", named)
    return {"rows": len(named)}


def write_scores(path: Path, rows: Iterable[tuple[str, Row]]) -> None:
    """Full precision; an empty cell where there is no frame or no value."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for name, row in rows:
            value = "" if row.value is None else repr(float(row.value))
            writer.writerow([name, row.clip, "" if row.frame is None else row.frame, row.metric, row.region, value])

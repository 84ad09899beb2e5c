"""Stages `evaluate` and `references` of the families that look at motion: files around erlnet.metrics.motion."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from erlnet.audio.logmel import LogMelEncoder
from erlnet.data.clip import Clip
from erlnet.data.splits import Split
from erlnet.head.streams import pack_expression, pack_pose
from erlnet.metrics.motion.baselines import delayed, matching, mean_motion
from erlnet.metrics.motion.decoupling import Swap
from erlnet.metrics.motion.family import Faces, RealMotion, motion_rows
from erlnet.metrics.motion.mesh import FaceMesh
from erlnet.metrics.motion.record import Motion, MotionPair
from erlnet.metrics.motion.ridge import MotionRidge, fit_motion_ridge
from erlnet.metrics.motion.sound_pose import loudness
from erlnet.metrics.motion.style_family import Restyled, choose_judge, style_rows
from erlnet.metrics.motion_cards import MOTION_CARDS, MOTION_IN_MODE
from erlnet.metrics.pairs import Row
from erlnet.metrics.ridge_sync import BANDS, band_means
from erlnet.runs.clips import open_split
from erlnet.runs.drive_stages import another_style, read_signal, style_clips, wanted_styles
from erlnet.runs.task import Task, component_of, read_config

_STILL = 1e-6  # sd of a channel within a clip: less never moved
ALL = tuple(card.id for card in MOTION_CARDS if card.family == "motion")


def motion_of(clip: Clip) -> Motion:
    """A clip's own motion, as tracked."""
    c = clip.coefficients
    stream, pose = pack_expression(c.expression, c.jaw, c.lids), pack_pose(c.head_to_world, c.root)
    blank = Motion(clip.name, clip.labels.speaker, clip.labels.style or None, c.expression, c.jaw, c.lids, pose)
    return blank.with_streams(stream, pose)


def meshes_of(prepare: Path, clips: Sequence[Clip]) -> dict[str, FaceMesh | None]:
    """Clip -> its person's face; None where the clip's coefficients are of no head model (dataset=sequences)."""
    model = component_of(read_config(prepare)["head_model"], "head_model").build()
    anybody = FaceMesh(model, np.zeros(model.n_shape))  # type: ignore[attr-defined, arg-type]
    found: dict[str, FaceMesh | None] = {}
    for clip in clips:
        c = clip.coefficients
        fits = c.shape.shape == (model.n_shape,) and c.expression.shape[1] == model.n_expression  # type: ignore[attr-defined]
        found[clip.name] = anybody.of_shape(c.shape) if fits else None
    return found


def real_motion(split: Split) -> RealMotion:
    sounding = all(clip.has_sound for clip in (*split.train, *split.test))
    loud = {clip.name: loudness(clip.audio, len(clip)) for clip in split.test} if sounding else {}
    train_loud = [loudness(clip.audio, len(clip)) for clip in split.train] if sounding else []
    return RealMotion([motion_of(clip) for clip in split.train], loud, train_loud)


def evaluate_motion(task: Task) -> tuple[list[Row], dict[str, Any]]:
    """Family `motion` of one driving mode's signals."""
    split = open_split(task.inputs["prepare"], task.config)
    pairs = []
    for clip in split.test:
        signal, truth = read_signal(task.inputs["drive"], clip), motion_of(clip)
        pairs.append(MotionPair(truth, truth.with_streams(signal["expression"], signal["pose"])))
    faces = Faces(meshes_of(task.inputs["prepare"], split.test))
    return motion_rows(pairs, faces, real_motion(split), MOTION_IN_MODE[task.config["driving"]]), {}


def motion_references(task: Task) -> list[tuple[str, Row]]:
    """Family `motion` of the rows that are no model; no ridge without sound, or where no training face moves."""
    split = open_split(task.inputs["prepare"], task.config)
    real = real_motion(split)
    truths = [motion_of(clip) for clip in split.test]
    faces = Faces(meshes_of(task.inputs["prepare"], split.test))
    made: dict[str, list[Motion]] = {
        "truth": truths,
        "mean_motion": [mean_motion(real.train, truth) for truth in truths],
        "delayed": [delayed(truth) for truth in truths],
    }
    if real.loud and any((m.stream.std(axis=0) > _STILL).any() for m in real.train):
        made["ridge"] = _by_ridge(split, real, truths)
    rows = []
    for name in (n for n in task.config["rows"] if n in made):
        pairs = [MotionPair(truth, other) for truth, other in zip(truths, made[name])]
        rows += [(name, row) for row in motion_rows(pairs, faces, real, ALL)]
    return rows


def _by_ridge(split: Split, real: RealMotion, truths: Sequence[Motion]) -> list[Motion]:
    """Expression by ridge regression from the sound, at the level of the speaker's and style's mean; the head still."""
    encoder = LogMelEncoder(BANDS, 0.0, 8000.0, -80.0)

    def heard(clip: Clip) -> np.ndarray:
        return band_means(encoder(clip.audio, len(clip)))

    ridge: MotionRidge = fit_motion_ridge([(heard(c), m.stream) for c, m in zip(split.train, real.train)])
    made = []
    for clip, truth in zip(split.test, truths):
        still = mean_motion(real.train, truth)
        level = np.concatenate([m.stream for m in matching(real.train, truth)]).mean(axis=0)
        made.append(truth.with_streams(ridge(heard(clip), level), still.pose))
    return made


def evaluate_style(task: Task) -> tuple[list[Row], dict[str, Any]]:
    """Family `style` of a `restyle` stage. No rows where the data have no two styles to tell apart."""
    split = open_split(task.inputs["prepare"], task.config)
    restyled = [_restyled(task.inputs["restyle"], clip, split) for clip in split.test]
    return _style_rows(task, split, restyled)


def style_references(task: Task) -> list[tuple[str, Row]]:
    """`truth`: the judge on the test clips as they are. `passthrough`: the style clip's own motion."""
    split = open_split(task.inputs["prepare"], task.config)
    found = []
    for name in task.config["rows"]:
        clips = [_as_it_is(clip) if name == "truth" else _passed_through(clip, split) for clip in split.test]
        found += [(name, row) for row in _style_rows(task, split, clips)[0]]
    return found


def _style_rows(task: Task, split: Split, clips: Sequence[Restyled]) -> tuple[list[Row], dict[str, Any]]:
    train = [motion_of(clip) for clip in split.train]
    trained, saw = choose_judge([motion_of(clip) for clip in split.val], train)
    meshes = meshes_of(task.inputs["prepare"], split.test)
    rows = style_rows(clips, trained.judge, train, meshes)
    if trained.judge is None:
        return rows, {"judge": None, "reason": trained.reason}
    return rows, {"judge": saw, "judge_accuracy": trained.accuracy, "judge_held_out": trained.held_out}


def _restyled(folder: Path, clip: Clip, split: Split) -> Restyled:
    truth = motion_of(clip)
    with np.load(folder / f"restyled-{clip.name}.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    names = sorted({name.rsplit("-", 1)[0] for name in arrays})
    made = {n: truth.with_streams(arrays[f"{n}-expression"], arrays[f"{n}-pose"]) for n in names}
    asked = {n.removeprefix("asked-"): motion for n, motion in made.items() if n.startswith("asked-")}
    return Restyled(truth, asked, _swap(clip, split, made))


def _as_it_is(clip: Clip) -> Restyled:
    truth = motion_of(clip)
    return Restyled(truth, {truth.style: truth} if truth.style else {})


def _passed_through(clip: Clip, split: Split) -> Restyled:
    """Each stream is the style clip's own, cut or repeated to the sound's length: what the decoupling score calls 0."""
    truth = motion_of(clip)
    made = {}
    for name, (for_expression, for_pose) in wanted_styles(split.train, clip.labels, _styles(split, clip)).items():
        stream, pose = motion_of(for_expression).stream, motion_of(for_pose).pose
        made[name] = truth.with_streams(_as_long(stream, len(truth)), _as_long(pose, len(truth)))
    asked = {n.removeprefix("asked-"): motion for n, motion in made.items() if n.startswith("asked-")}
    return Restyled(truth, asked, _swap(clip, split, made))


def _styles(split: Split, clip: Clip) -> dict[str, Clip]:
    return style_clips(split.train, clip.labels)


def _swap(clip: Clip, split: Split, made: Mapping[str, Motion]) -> Swap | None:
    if "swap-same" not in made:  # one style, or one clip of the style
        return None
    styles = _styles(split, clip)
    own = styles.get(clip.labels.style) or next(iter(styles.values()))
    return Swap(
        motion_of(own), motion_of(another_style(styles, own)), made[f"asked-{own.labels.style}"],
        made["swap-expression"], made["swap-pose"], made["swap-same"],
    )  # fmt: skip


def _as_long(rows: np.ndarray, length: int) -> np.ndarray:
    """There and back again until it is long enough, so that no frame jumps."""
    there_and_back = np.concatenate([np.arange(len(rows)), np.arange(len(rows) - 2, 0, -1)])
    return rows[there_and_back[np.arange(length) % max(len(there_and_back), 1)]]


def evaluate_codebook(task: Task) -> tuple[list[Row], dict[str, Any]]:
    """Family `codebook`, as the codec's training measured it over one epoch of the training clips."""
    figures = json.loads((task.inputs["codec"] / "metrics.json").read_text())
    usage, perplexity = ([v for k, v in figures.items() if k.endswith(f"_{what}")] for what in ("usage", "perplexity"))
    values = {
        "codebook_usage": float(np.mean(usage)),
        "codebook_usage_least": float(min(usage)),
        "codebook_perplexity": float(np.mean(perplexity)),
        "bits_per_second": float(figures["bits_per_second"]),
    }
    return [Row("one epoch", None, metric, "none", value) for metric, value in values.items()], {}

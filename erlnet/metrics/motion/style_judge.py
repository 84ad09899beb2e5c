"""A judge of style, trained apart on real motion: which style does a clip look like?

It sees a clip as mean, standard deviation and mean absolute frame-to-frame difference of every channel
(`erlnet.metrics.motion.summary`), standardised over its training clips, not by speaker, each held to +-5. Multinomial
logistic regression with an L2 penalty of .1 |W|^2 / 2 beside the mean log-loss: convex, so the same clips give the same
judge.

Whoever reads a judge's word on made motion needs three things beside it: how often it is right on real motion of a
speaker it never saw (`held_out`), what it says of a passthrough of the style clip itself, and that sync is no worse:
a judge looks at style alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize

from erlnet.metrics.motion.record import Motion
from erlnet.metrics.motion.summary import Scale, fit_scale, summary

Streams = Literal["both", "expression", "pose"]
MIN_CLIPS = 3  # of each style by each speaker who shows it
_PENALTY = 0.1
_BOUND = 5.0  # standard deviations: made motion may lie far from any real one


@dataclass(frozen=True, eq=False)
class StyleJudge:
    styles: tuple[str, ...]  # in alphabetical order; columns of what it says
    streams: Streams
    scale: Scale
    weights: np.ndarray  # (K,S)
    bias: np.ndarray  # (S,)

    def __call__(self, motions: Sequence[Motion]) -> Float[np.ndarray, "N S"]:
        """Probability of each style for each motion; their own labels are not looked at."""
        rows = np.stack([_features(motion, self.streams) for motion in motions])
        return np.asarray(np.exp(_log_softmax(_held(self.scale, rows) @ self.weights + self.bias)))


@dataclass(frozen=True, eq=False)
class TrainedJudge:
    """`judge` is None where none can be had, and `reason` says why. `held_out` is the share of each speaker's real
    clips that a judge of the other speakers' gets right, and `accuracy` the mean over speakers."""

    judge: StyleJudge | None
    reason: str
    held_out: dict[str, float]

    @property
    def accuracy(self) -> float | None:
        return float(np.mean(list(self.held_out.values()))) if self.held_out else None


def train_judge(motions: Sequence[Motion], streams: Streams = "both") -> TrainedJudge:
    """From real motions with a style label; those without are not used.

    Needs two styles, two speakers who show them all, and three clips of each style by each speaker. With `streams`
    it looks at one stream alone, which tells what leaked from one style stream to the other.
    """
    used = [motion for motion in motions if motion.style is not None]
    styles = tuple(sorted({str(motion.style) for motion in used}))
    speakers = tuple(dict.fromkeys(motion.speaker for motion in used))
    if len(styles) < 2:
        return TrainedJudge(None, f"{len(styles)} labelled styles; a judge needs at least 2", {})
    if len(speakers) < 2:
        return TrainedJudge(None, f"{len(speakers)} speaker; a judge needs at least 2, to be tried on one unseen", {})
    counts = Counter((motion.speaker, motion.style) for motion in used)
    for who in speakers:
        for style in styles:
            if counts[who, style] < MIN_CLIPS:
                few = f"{counts[who, style]} clips of '{style}' by speaker {who}"
                return TrainedJudge(None, f"{few}; a judge needs at least {MIN_CLIPS}", {})
    held_out = {}
    for who in speakers:
        judge = _fit([motion for motion in used if motion.speaker != who], styles, streams)
        held_out[who] = accuracy(judge, [motion for motion in used if motion.speaker == who])
    return TrainedJudge(_fit(used, styles, streams), "", held_out)


def reached(judge: StyleJudge, motions: Sequence[Motion]) -> list[str]:
    """The likeliest style of each motion."""
    return [judge.styles[i] for i in judge(motions).argmax(axis=1)]


def accuracy(judge: StyleJudge, motions: Sequence[Motion]) -> float:
    """Share of motions that show their label's style (a made motion's: the style asked for). ValueError without any."""
    if not motions:
        raise ValueError("no motion to judge")
    return float(np.mean([a == b.style for a, b in zip(reached(judge, motions), motions, strict=True)]))


def _features(motion: Motion, streams: Streams) -> np.ndarray:
    parts = {"expression": [motion.stream], "pose": [motion.pose], "both": [motion.stream, motion.pose]}[streams]
    return np.concatenate([summary(part) for part in parts])


def _held(scale: Scale, rows: np.ndarray) -> np.ndarray:
    return scale(rows).clip(-_BOUND, _BOUND)


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    scores = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))


def _fit(motions: Sequence[Motion], styles: tuple[str, ...], streams: Streams) -> StyleJudge:
    features = np.stack([_features(motion, streams) for motion in motions])
    scale = fit_scale(features)
    rows = _held(scale, features)
    truth = np.eye(len(styles))[[styles.index(str(motion.style)) for motion in motions]]
    shape = rows.shape[1], len(styles)
    split = shape[0] * shape[1]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = flat[:split].reshape(shape), flat[split:]
        logs = _log_softmax(rows @ weights + bias)
        error = (np.exp(logs) - truth) / len(rows)
        gradient = np.concatenate([(rows.T @ error + _PENALTY * weights).ravel(), error.sum(axis=0)])
        return float(-(truth * logs).sum() / len(rows) + _PENALTY / 2 * (weights**2).sum()), gradient

    start = np.zeros(split + len(styles))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "gtol": 1e-7, "ftol": 1e-12})
    return StyleJudge(styles, streams, scale, found.x[:split].reshape(shape), found.x[split:])

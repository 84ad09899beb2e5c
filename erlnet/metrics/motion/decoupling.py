"""Does each style stream move its own motion stream and leave the other alone? The decoupling score of a whole ADF.

For each piece of sound the ADF is asked five times: with the style clip A for both streams (`base`), with the
expression of another style's clip B, with B's pose, and with a third clip of A's style for both (`same_style`, what
changes when nothing should).

1. A motion stream counts as its summary (mean, sd, speed of every channel), standardised by the real training clips.
2. Differences of two summaries are averaged *as vectors* over all items that go from one style to another, and the root
   mean square over channels is taken after that. What a style does is the same in every item and stays; what a clip
   does by accident cancels. Item by item, two real clips of one style differ more than half as much as clips of two
   styles (demo, 4 s: .9 against 1.6), and even a passthrough would drown in that. Then the mean over pairs of styles.
3. own = the effect on a stream of swapping its own style, other = that of swapping the other stream's. noise = how
   large either would read by accident: the root mean square change of `same_style` item by item, over the root of the
   number of style clips that differ (the smaller of how many A and how many B there were). Not the size of its mean:
   where style clips take turns, what one item gains another loses, and that mean is 0 whatever the noise.
4. Both effects are divided by the size of what was swapped, the difference of the two style clips in the stream that
   was swapped, measured the same way: two styles may differ much in the face and little in the head, and a swap that
   changes little must not pass for one that had no effect. So own_gain 1 = the made stream changes as much as the style
   clip did. score = other_gain / own_gain.

score: 0 decoupled, 1 each stream listens to both alike, above 1 to the wrong one, held to 100. It has no value where
the stream does not listen at all: the greater effect under twice the noise, or under a twentieth of what was swapped.
(With the own effect alone in that condition, streams that are swapped would read as no value, and they are the worst.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from erlnet.metrics.motion.jackknife import pseudo_values
from erlnet.metrics.motion.record import Motion
from erlnet.metrics.motion.summary import Scale, fit_scale, summary

HIGHEST = 100.0
MIN_EFFECT = 2.0  # times the noise
MIN_GAIN = 0.05  # of what was swapped
MIN_SWAP = 0.1  # standard deviations between real clips; style clips that differ less were not really swapped

STREAMS = ("expression", "pose")


@dataclass(frozen=True, eq=False)
class Swap:
    """What the ADF made of one clip's sound, and the real style clips that it was given."""

    style_clip: Motion  # A, real
    other_clip: Motion  # B, real, of another style
    base: Motion  # made with A for both streams
    expression_swapped: Motion  # expression style from B, pose style from A
    pose_swapped: Motion  # expression style from A, pose style from B
    same_style: Motion  # made with a third clip of A's style for both

    def __post_init__(self) -> None:
        if self.style_clip.style is None or self.style_clip.style == self.other_clip.style:
            raise ValueError(f"{self.base.name}: style clips {self.style_clip.name} and {self.other_clip.name} must be "
                             f"of two styles, not '{self.style_clip.style}' and '{self.other_clip.style}'")  # fmt: skip


@dataclass(frozen=True)
class Decoupling:
    """One stream's. Effects are in standard deviations between real clips, root mean square over channels."""

    score: float | None
    reason: str  # why there is none
    own: float
    other: float
    noise: float
    own_gain: float | None  # of what was swapped; None where the style clips hardly differ
    other_gain: float | None
    by_clip: list[float] | None  # pseudo-values of the score, in the order of `clips`
    clips: tuple[str, ...]


@dataclass(frozen=True)
class StreamScales:
    expression: Scale
    pose: Scale


def stream_scales(train: Sequence[Motion]) -> StreamScales:
    """From real training clips; ValueError where they do not differ."""
    return StreamScales(fit_scale([summary(m.stream) for m in train]), fit_scale([summary(m.pose) for m in train]))


def decoupling(swaps: Sequence[Swap], scales: StreamScales) -> dict[str, Decoupling]:
    """`expression` and `pose`. ValueError without swaps."""
    if not swaps:
        raise ValueError("a decoupling score needs at least one swap")
    return {stream: _of_stream(stream, swaps, scales) for stream in STREAMS}


def _of_stream(stream: str, swaps: Sequence[Swap], scales: StreamScales) -> Decoupling:
    rest = STREAMS[1 - STREAMS.index(stream)]
    groups = [(swap.style_clip.style, swap.other_clip.style) for swap in swaps]
    clips = tuple(dict.fromkeys(swap.base.name for swap in swaps))
    moved = {
        "own": [_moved(getattr(s, f"{stream}_swapped"), s.base, stream, scales) for s in swaps],
        "other": [_moved(getattr(s, f"{rest}_swapped"), s.base, stream, scales) for s in swaps],
        "own_swap": [_moved(s.other_clip, s.style_clip, stream, scales) for s in swaps],
        "other_swap": [_moved(s.other_clip, s.style_clip, rest, scales) for s in swaps],
    }

    changes = [_moved(s.same_style, s.base, stream, scales) for s in swaps]

    def judged(left: Sequence[int]) -> tuple[float | None, str, dict[str, float]]:
        names = {clips[i] for i in left}
        items = [i for i, swap in enumerate(swaps) if swap.base.name in names]
        if {groups[i] for i in items} != set(groups):
            return None, "only one clip was asked for in some pair of styles", {}
        chosen = [groups[i] for i in items]
        effects = {key: _effect([rows[i] for i in items], chosen) for key, rows in moved.items()}
        effects["noise"] = _noise([swaps[i] for i in items], [changes[i] for i in items], chosen)
        return *_score(effects), effects

    score, reason, e = judged(range(len(clips)))
    gains = [e[key] / e[f"{key}_swap"] if e[f"{key}_swap"] >= MIN_SWAP else None for key in ("own", "other")]
    by_clip = pseudo_values(len(clips), lambda left: judged(left)[0])
    return Decoupling(score, reason, e["own"], e["other"], e["noise"], gains[0], gains[1], by_clip, clips)


def _score(e: dict[str, float]) -> tuple[float | None, str]:
    if min(e["own_swap"], e["other_swap"]) < MIN_SWAP:
        return None, "the style clips of the two styles hardly differ"
    own, other = e["own"] / e["own_swap"], e["other"] / e["other_swap"]
    if max(e["own"], e["other"]) < MIN_EFFECT * e["noise"]:
        return None, f"neither style stream has an effect of {MIN_EFFECT:g} times the noise"
    if max(own, other) < MIN_GAIN:
        return None, "the stream ignores style"
    return min(other / own, HIGHEST) if own > other / HIGHEST else HIGHEST, ""


def _moved(after: Motion, before: Motion, stream: str, scales: StreamScales) -> np.ndarray:
    scale: Scale = getattr(scales, stream)
    rows = [summary(m.stream if stream == "expression" else m.pose) for m in (after, before)]
    a, b = scale(np.stack(rows))
    return np.asarray(a - b)


def _effect(rows: Sequence[np.ndarray], groups: Sequence[tuple]) -> float:
    """Mean over pairs of styles of the root mean square of the mean difference."""
    sizes = []
    for group in dict.fromkeys(groups):
        mean = np.mean([row for row, other in zip(rows, groups, strict=True) if other == group], axis=0)
        sizes.append(np.sqrt((mean**2).mean()))
    return float(np.mean(sizes))


def _noise(swaps: Sequence[Swap], changes: Sequence[np.ndarray], groups: Sequence[tuple]) -> float:
    """What `_effect` would read of changes that mean nothing."""
    sizes = []
    for group in dict.fromkeys(groups):
        chosen = [i for i, other in enumerate(groups) if other == group]
        different = min(len({getattr(swaps[i], side).name for i in chosen}) for side in ("style_clip", "other_clip"))
        sizes.append(np.sqrt(np.mean([(changes[i] ** 2).mean() for i in chosen]) / different))
    return float(np.mean(sizes))

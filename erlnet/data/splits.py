"""Which frames are learnt from and which are scored. A test clip is a run of frames of a prepared clip.

Within one video, neighbouring frames are nearly copies: a test frame beside a train frame is leaked. So a gap on
either side of every test run belongs to neither, and `check_leaks` looks at every pair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from erlnet.data.clip import FPS, Clip
from erlnet.errors import UserError

GAP = round(0.4 * FPS)  # frames between train and test
BLOCK = (2 * FPS, round(2.5 * FPS))  # shortest and longest held-out block, frames
MIN_BLOCKS = 6
HELD_OUT = 0.2  # share of a long video's frames that is held out; a short one's blocks come to a quarter
SHORTEST = 10 * FPS  # a video under this cannot be split
LAST_SHARE = 0.1  # `last` holds out this share,
LAST_SEGMENT = FPS  # in segments of at least this length
_LAST_MIN = 2 * LAST_SEGMENT  # and never less than two of them

SPLITS = ("blocks", "last")

Run = tuple[int, int]  # frames [start, stop)


@dataclass(frozen=True)
class Split:
    train: list[Clip]
    test: list[Clip]


def make_split(clips: Sequence[Clip], split: str) -> Split:
    """Train and test clips; a data set's own labels count first, else `split` cuts every video ("blocks" or "last").

    Raises UserError for an unknown name or where there is too little to split, ValueError where train and test touch.
    """
    if any(clip.labels.split for clip in clips):
        result = Split(
            [clip for clip in clips if clip.labels.split == "train"],
            [clip for clip in clips if clip.labels.split == "test"],
        )
    else:
        result = _cut(clips, split)
    if not result.train or not result.test:
        raise UserError(
            f"split '{split}' leaves {len(result.train)} train and {len(result.test)} test clips; both are needed"
        )
    check_leaks(result)
    return result


def blocks(n_frames: int) -> tuple[list[Run], list[Run]]:
    """(train runs, test runs) of one video: at least six blocks of 2 to 2.5 s, spread evenly, gaps dropped.

    Blocks and gaps together take at most half of a video: under 34 s there are fewer than six blocks, but two at least.
    """
    short, long = BLOCK
    n = max(MIN_BLOCKS, ceil(HELD_OUT * n_frames / long))
    n = max(2, min(n, n_frames // (2 * (short + 2 * GAP))))
    length = min(max(round(HELD_OUT * n_frames / n), short), long)
    # Train runs before, between and after the blocks, as equal as whole frames allow.
    spare = n_frames - n * (length + 2 * GAP)
    starts = [(i + 1) * spare // (n + 1) + i * (length + 2 * GAP) + GAP for i in range(n)]
    test = [(start, start + length) for start in starts]
    edges = [-GAP, *[edge for run in test for edge in run], n_frames + GAP]
    train = [(before + GAP, after - GAP) for before, after in zip(edges[::2], edges[1::2])]
    return train, test


def last(n_frames: int) -> tuple[list[Run], list[Run]]:
    """(train runs, test runs) of one video: the last tenth in segments of at least 1 s, a gap before it."""
    held_out = max(round(LAST_SHARE * n_frames), _LAST_MIN)
    start = n_frames - held_out
    n = held_out // LAST_SEGMENT
    edges = [start + i * held_out // n for i in range(n + 1)]
    return [(0, start - GAP)], list(pairwise(edges))


def check_leaks(split: Split) -> None:
    """Raises ValueError where a train and a test frame of one source overlap or lie within GAP of each other."""
    by_source: dict[str, list[tuple[int, int, bool, str]]] = defaultdict(list)
    for clips, is_test in ((split.train, False), (split.test, True)):
        for clip in clips:
            by_source[clip.labels.source].append((clip.start, clip.stop, is_test, clip.name))
    for source, runs in by_source.items():
        # Sorted by start, a run may still reach past several that follow, so the furthest ends are kept for each kind.
        furthest: dict[bool, tuple[int, str]] = {}
        for start, stop, is_test, name in sorted(runs):
            end, other = furthest.get(not is_test, (start - GAP, ""))
            if start < end + GAP:
                raise ValueError(f"leak in {source}: '{other}' ends at frame {end}, '{name}' starts at {start}")
            furthest[is_test] = max(furthest.get(is_test, (stop, name)), (stop, name))


def _cut(clips: Iterable[Clip], split: str) -> Split:
    rules = {"blocks": blocks, "last": last}
    if split not in rules:
        raise UserError(f"no split '{split}' for data without its own (choices: {', '.join(rules)})")
    result = Split([], [])
    skipped = []
    for clip in clips:
        if len(clip) < SHORTEST:
            skipped.append(f"'{clip.name}' {len(clip) / FPS:.1f} s")
            continue
        train, test = rules[split](len(clip))
        result.train.extend(clip.cut(a, b, f"{clip.name}.train{i:02d}") for i, (a, b) in enumerate(train) if b > a)
        result.test.extend(clip.cut(a, b, f"{clip.name}.test{i:02d}") for i, (a, b) in enumerate(test))
    if skipped:
        raise UserError(
            f"too short for split '{split}', which needs {SHORTEST / FPS:.0f} s of each video: {', '.join(skipped)}"
        )
    return result

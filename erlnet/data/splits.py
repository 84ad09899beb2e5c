"""Which frames are learnt from and which are scored. A test clip is a run of frames of a prepared clip.

Within one video, neighbouring frames are nearly copies: a test frame beside a train frame is leaked. So a gap on
either side of every test run belongs to neither, and `check_leaks` looks at every pair. Three ways are kept apart:
`val` frames are neither learnt from nor scored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
SIDES = ("train", "val", "test")
_NAMED = 3  # clips that an error lists

Run = tuple[int, int]  # frames [start, stop)


@dataclass(frozen=True)
class Split:
    train: list[Clip]
    test: list[Clip]
    val: list[Clip] = field(default_factory=list)

    def side(self, name: str) -> list[Clip]:
        return {"train": self.train, "val": self.val, "test": self.test}[name]


def make_split(clips: Sequence[Clip], split: str) -> Split:
    """The sides of all clips: "own" takes the labels that each has, a rule cuts every video where none has one.

    `AUTO` names take the labels where there are some, else a rule. Raises UserError for an unknown name, for a rule
    where the data has sides of its own, where some clips have one and others none, where there is too little to split,
    and where train and test touch.
    """
    if decided_by(clips, split) == OWN:
        result = Split(*([clip for clip in clips if clip.labels.split == side] for side in ("train", "test", "val")))
    else:
        result = _cut(clips, AUTO.get(split, split))
    check_split(result, split)
    return result


def decided_by(clips: Sequence[Clip], split: str) -> str:
    """ "own" or the rule that makes the sides of these clips; UserError where `split` cannot be followed."""
    if split not in (OWN, *AUTO, *RULES):
        raise UserError(f"no split '{split}' (choices: {', '.join((OWN, *AUTO, *RULES))})")
    without = [clip.name for clip in clips if not clip.labels.split]
    labelled = len(clips) - len(without)
    if labelled and without:
        more = f" and {len(without) - _NAMED} more" if len(without) > _NAMED else ""
        raise UserError(
            f"split={split}: {labelled} of {len(clips)} clips have a side of their own and these have none: "
            f"{', '.join(without[:_NAMED])}{more}; give all of them a side, or prepare the two kinds apart"
        )
    if split == OWN and not labelled:
        raise UserError(f"split=own: no clip has a side of its own; cut each video by split={', '.join(RULES)}")
    if split in RULES and labelled:
        raise UserError(
            f"split={split}: the clips have sides of their own, '{clips[0].name}' is {clips[0].labels.split}; use "
            "split=own"
        )
    return OWN if labelled else AUTO.get(split, split)


def check_split(split: Split, name: str) -> None:
    """UserError where a side is empty or two sides touch; made on every load."""
    if not split.train or not split.test:
        raise UserError(
            f"split '{name}' leaves {len(split.train)} train and {len(split.test)} test clips; both are needed: select "
            "more of the data, or split within each person (for MEAD mead.split=tail)"
        )
    check_leaks(split)


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


def by_time(n_frames: int) -> tuple[list[Run], list[Run], list[Run]]:
    """(train, test, val runs) of one video: 80, 10 and 10 % in the order train, val, test, gaps between them."""
    val = round(0.8 * n_frames)
    _, test = last(n_frames)
    return [(0, val - GAP)], test, [(val, test[0][0] - GAP)]


def check_leaks(split: Split) -> None:
    """UserError where a test frame lies within GAP of a train or val frame of the same source, or in it."""
    by_source: dict[str, list[tuple[int, int, bool, str]]] = defaultdict(list)
    for clips, is_test in ((split.train, False), (split.val, False), (split.test, True)):
        for clip in clips:
            start, stop = clip.offset + clip.start, clip.offset + clip.stop
            by_source[clip.labels.source].append((start, stop, is_test, clip.name))
    for source, runs in by_source.items():
        # Sorted by start, a run may still reach past several that follow, so the furthest ends are kept for each kind.
        furthest: dict[bool, tuple[int, str]] = {}
        for start, stop, is_test, name in sorted(runs):
            end, other = furthest.get(not is_test, (start - GAP, ""))
            if start < end + GAP:
                raise UserError(
                    f"leak in {source}: '{other}' ends at frame {end}, '{name}' on the other side of the split starts "
                    f"at {start}; keep {GAP} frames between them or leave one out"
                )
            furthest[is_test] = max(furthest.get(is_test, (stop, name)), (stop, name))


RULES: dict[str, Callable[[int], tuple[list[Run], ...]]] = {"blocks": blocks, "last": last, "time": by_time}
OWN = "own"
AUTO = {"auto": "blocks", "auto-time": "time"}  # the data's own sides where it has some, else this rule


def _cut(clips: Iterable[Clip], split: str) -> Split:
    """Every clip cut by the rule; of a recording with several shots those under SHORTEST are learnt from whole."""
    result = Split([], [])
    too_short = []
    by_source: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_source[clip.labels.source].append(clip)
    for shots in by_source.values():
        longest = max(shots, key=len)
        if len(longest) < SHORTEST:
            too_short.append(f"'{longest.name}' {len(longest) / FPS:.1f} s")
            continue
        free = -GAP  # the first frame of the recording that no earlier shot has touched, gap aside
        for clip in sorted(shots, key=lambda c: c.offset):
            skip = max(free + GAP - clip.offset, 0)  # where one shot follows another at once
            length = len(clip) - skip
            sides = RULES[split](length) if length >= SHORTEST else ([(0, max(length, 0))], [], [])
            for side, runs in zip(("train", "test", "val"), sides):
                cuts = [(a + skip, b + skip) for a, b in runs if b > a]
                result.side(side).extend(clip.cut(a, b, f"{clip.name}.{side}{i:02d}") for i, (a, b) in enumerate(cuts))
            free = clip.offset + len(clip)
    if too_short:
        raise UserError(
            f"too short for split '{split}', which needs {SHORTEST / FPS:.0f} s of each video: {', '.join(too_short)}"
        )
    return result

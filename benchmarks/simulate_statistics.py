"""Thousands of made-up studies through the report's own path, from score tables to the verdict sentence.

    python benchmarks/simulate_statistics.py [--studies 1000] [--out docs/statistics.csv]

How often the sentence calls a winner where there is none, and how often it finds a difference that is there. The spread
of a design is given as sds of the *paired difference* (variant minus baseline) for clip, seed and rest; each side gets
its half of the variance. One row of the table for every cell; the same seeds give the same table.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from erlnet.metrics.cards import CARDS
from erlnet.report.analysis import analyse
from erlnet.report.inputs import SCORE_COLUMNS, Check, Primary, Study, TruthClip, VariantResult
from erlnet.report.sentences import headline

WORDS = ("better", "worse", "equivalent", "undecided")
PRIMARY = Primary("ssim", "neck", "tracked")
FRAMES = 4  # of every clip; what they do beside the clip's mean has no part in a verdict
STATED = (0.006, 0.006, 0.004)  # sds for clip, seed, rest


@dataclass(frozen=True)
class Cell:
    """One kind of study."""

    kind: str
    clips: int
    seeds: int
    sds: tuple[float, float, float] = STATED
    difference: float = 0.0
    variants: int = 1  # beside the baseline
    speakers: int = 1
    speaker_sd: float = 0.0  # of the paired difference


def cells() -> Iterator[Cell]:
    designs = [(clips, seeds) for clips in (4, 12, 30) for seeds in (3, 5)]
    for clips, seeds in designs:
        yield Cell("one system twice", clips, seeds, (0.0, 0.006, 0.004))
    for clips, seeds in designs:
        yield Cell("no difference", clips, seeds)
    for clips, seeds in designs:
        yield Cell("difference of .012", clips, seeds, difference=0.012)
    few = ((4, 3), (12, 5), (30, 3))
    for clips, seeds in few:
        yield Cell("no difference, 3 variants", clips, seeds, variants=3)
    for clips, seeds in few:
        yield Cell("no difference, seeds alike", clips, seeds, (0.006, 0.0, 0.004))
    for clips, seeds in few[:2]:
        yield Cell("difference of .030", clips, seeds, difference=0.030)
    for clips, seeds in few:  # equivalence is false here, and just so
        yield Cell("difference of the margin", clips, seeds, (0.002, 0.002, 0.001), difference=0.005)
    for clips, seeds in few[:2]:
        yield Cell("no difference, small spread", clips, seeds, (0.002, 0.002, 0.001))
    yield Cell("no difference, one seed", 12, 1)
    yield Cell("no difference over people", 12, 5, speakers=4, speaker_sd=0.006)
    yield Cell("no difference over people", 30, 5, speakers=10, speaker_sd=0.006)


def study(cell: Cell, rng: np.random.Generator) -> Study:
    """One made-up study: a baseline and variants with their score tables, a value for every frame."""
    difficulty = rng.normal(0.8, 0.03, (cell.clips, 1))
    speaker = np.arange(cell.clips) * cell.speakers // cell.clips
    arms = []
    for index in range(cell.variants + 1):
        half = [sd / 2**0.5 for sd in (*cell.sds, cell.speaker_sd)]
        values = difficulty + (cell.difference if index else 0.0)
        values = values + rng.normal(0, half[0], (cell.clips, 1)) + rng.normal(0, half[1], (1, cell.seeds))
        values = values + rng.normal(0, half[2], (cell.clips, cell.seeds))
        values = values + rng.normal(0, half[3], (cell.speakers, 1))[speaker]
        arms.append(arm("base" if not index else f"variant{index}", values, rng))
    clips = tuple(TruthClip(f"c{c:02d}", None, 25, speaker=f"s{speaker[c]}") for c in range(cell.clips))
    return Study(
        "simulated", "", PRIMARY, "base", tuple(arms), (), ("tracked",), CARDS, clips, "folder", "blocks"
    )  # fmt: skip


def arm(name: str, values: np.ndarray, rng: np.random.Generator) -> VariantResult:
    """`values` (n_clips, n_seeds): what the frames of each clip come to."""
    clips, seeds = values.shape
    wobble = rng.normal(0, 0.01, (clips, seeds, FRAMES))
    each = values[:, :, None] + wobble - wobble.mean(axis=2, keepdims=True)
    c, s, t = (index.ravel() for index in np.indices(each.shape))
    columns = (s, np.array([f"c{i:02d}" for i in range(clips)])[c], "tracked", t, "ssim", "neck", each.ravel())
    scores = pd.DataFrame(dict(zip(SCORE_COLUMNS, columns)))
    passed = Check("passed")
    return VariantResult(name, "done", seeds=tuple(range(seeds)), scores=scores, health=passed, mouth_guard=passed)


def words(sentence: str) -> set[str]:
    """Which verdicts a headline speaks of."""
    summed = re.search(r"Of \d+ compared with base: (.*)\.$", sentence)
    if summed:
        return {part.split(" ", 1)[1] for part in summed[1].split(", ")}
    one = re.search(r" is (better|worse) than ", sentence) or re.search(r" are (equivalent) on ", sentence)
    return {one[1]} if one else {sentence.split(":")[0].lower()}


def simulate(cell: Cell, studies: int, seed: int = 0) -> dict[str, Any]:
    """Shares of the studies whose verdict sentence holds each word."""
    rng = np.random.default_rng([seed, cell.clips, cell.seeds, sum(cell.kind.encode())])
    found: Counter[str] = Counter()
    for _ in range(studies):
        analysis = analyse(study(cell, rng))
        said = words(headline(analysis))
        found.update(said)
        found["called"] += bool(said & {"better", "worse"})
        p = [c.people.p_value() for c in analysis.primary if c.people]
        found["called over speakers"] += any(value is not None and value < 0.05 for value in p)
    shares = {word: round(found[word] / studies, 4) for word in ("called", *WORDS)}
    over = round(found["called over speakers"] / studies, 4) if cell.speakers > 1 else ""
    clip_sd, seed_sd, rest_sd = cell.sds
    return {
        "kind": cell.kind, "clips": cell.clips, "seeds": cell.seeds, "speakers": cell.speakers,
        "variants": cell.variants, "clip_sd": clip_sd, "seed_sd": seed_sd, "rest_sd": rest_sd,
        "speaker_sd": cell.speaker_sd, "difference": cell.difference, "studies": studies, **shares,
        "called_over_speakers": over,
    }  # fmt: skip


def table_line(row: dict[str, Any]) -> str:
    """A line of the table in docs/statistics.md."""
    design = f"{row['clips']} x {row['seeds']}"
    if row["speakers"] > 1:
        design += f", {row['speakers']} speakers"
    sds = " ".join(f"{row[name]:.3f}".lstrip("0") for name in ("clip_sd", "seed_sd", "rest_sd"))
    shares = [f"{100 * row[name]:.1f}" for name in ("called", "better", "equivalent", "undecided")]
    return f"| {row['kind']} | {design} | {sds} | {' | '.join(shares)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("docs/statistics.csv"))
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for cell in cells():
        rows.append(simulate(cell, asked.studies))
        print(table_line(rows[-1]), flush=True)
    with asked.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()

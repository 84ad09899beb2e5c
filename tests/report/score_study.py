"""Studies of scores alone, without frames, for the tests of verdicts and summary."""

from __future__ import annotations

import numpy as np
import pandas as pd

from erlnet.metrics.cards import CARDS
from erlnet.report.inputs import SCORE_COLUMNS, Check, Primary, ReferenceResult, Study, VariantResult


def noisy(level, rng_seed, seeds=(0,), clips=12, spread=0.01, seed_spread=0.0, metric="ssim", region="neck"):
    """Scores of `clips` clips around `level`, tracked; the clips' own difficulty is the same for every call."""
    difficulty = np.random.default_rng(99).normal(0, 0.02, clips)
    rng = np.random.default_rng(rng_seed)
    rows = []
    for seed in seeds:
        luck = rng.normal(0, seed_spread) if seed_spread else 0.0
        values = level + difficulty + luck + rng.normal(0, spread, clips)
        rows += [(seed, f"c{i:02d}", "tracked", None, metric, region, v) for i, v in enumerate(values)]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def arm(name, scores, status="done", health=Check("passed"), mouth_guard=Check("passed"), error=None, unavailable=()):  # noqa: B008
    seeds = tuple(sorted(scores["seed"].unique().tolist())) if scores is not None else (0,)
    return VariantResult(
        name, status, {"fusion": name}, {}, "0" * 12, error, seeds, scores, health, mouth_guard, unavailable=unavailable
    )


def study(*arms, floor: float | None = None) -> Study:
    """The first arm is the baseline."""
    references = () if floor is None else (ReferenceResult("mean_frame", "floor", noisy(floor, 0)),)
    return Study(
        "fusion", "python -m erlnet.ablate fusion=…", Primary("ssim", "neck", "tracked"), arms[0].name, arms,
        references, ("tracked",), CARDS, (), "demo", "blocks",
    )  # fmt: skip

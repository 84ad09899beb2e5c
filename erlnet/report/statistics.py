"""From one number per frame to a mean with an interval: pure functions on tables, no files and no words.

Frames are never samples. A score is one number per (clip, seed); a table holds clips in rows and seeds in columns.

One seed: a t interval over clips. It says nothing about how another training run would come out.
Several seeds: clips and seeds are crossed random effects. With S seeds, C clips and the mean squares of the two-way
analysis of variance,

    Var(mean) = (MS_clip + MS_seed) / (C S)        df = (MS_clip + U)^2 / (MS_clip^2 / (C - 1) + U^2 / (S - 1))

after Satterthwaite. Two choices keep small designs honest. The unbiased variance takes MS_rest off; left in, it can
never come out negative, and costs a few per cent of width. And U is the upper 75 % confidence limit of MS_seed: three
trainings that agree by chance would else lend the mean degrees of freedom that it has not got, and 30 clips x 3 seeds
called 7.5 % of null studies. docs/statistics.md has what comes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtri, nctdtr, stdtr, stdtrit

from erlnet.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

KEY = ["metric", "region", "driving"]
LEVEL = 0.05
SEED_CONFIDENCE = 0.75  # of the limit under which the mean square of the seeds lies


@dataclass(frozen=True)
class Estimate:
    """A mean and what is known of its error; `standard_error` and `df` are None where one clip tells nothing."""

    mean: float
    standard_error: float | None
    df: float | None
    n_clips: int
    n_seeds: int

    def interval(self, level: float = 1 - LEVEL) -> tuple[float, float] | None:
        """Two-sided t interval, None where there is no standard error."""
        if self.standard_error is None or self.df is None:
            return None
        half = float(stdtrit(self.df, (1 + level) / 2)) * self.standard_error
        return self.mean - half, self.mean + half

    def p_value(self) -> float | None:
        """Two-sided, against a mean of zero; None where there is no standard error."""
        if self.standard_error is None or self.df is None:
            return None
        if self.standard_error == 0:
            return 0.0 if self.mean else 1.0
        return 2 * float(stdtr(self.df, -abs(self.mean) / self.standard_error))

    def equivalence_p(self, margin: float) -> float | None:
        """Two one-sided tests (Schuirmann 1987): the larger p of mean <= -margin and mean >= margin."""
        if self.standard_error is None or self.df is None:
            return None
        if self.standard_error == 0:
            return 0.0 if abs(self.mean) < margin else 1.0
        return float(stdtr(self.df, -(margin - abs(self.mean)) / self.standard_error))

    def power(self, difference: float, level: float = LEVEL) -> float | None:
        """How often such a design finds a true mean of `difference` with its right sign, two-sided, given its error."""
        if self.standard_error is None or self.df is None:
            return None
        if self.standard_error == 0:
            return 1.0 if difference else level / 2
        return self._found(abs(difference) / self.standard_error, self.df, level)

    def detectable(self, power: float = 0.8, level: float = LEVEL) -> float | None:
        """The smallest true difference that this design finds with that power, two-sided, given its error."""
        if self.standard_error is None or self.df is None:
            return None
        low, high = 0.0, 1e4
        for _ in range(80):  # power grows with the shift, so halving finds it
            shift = (low + high) / 2
            if self._found(shift, self.df, level) < power:
                low = shift
            else:
                high = shift
        return high * self.standard_error

    @staticmethod
    def _found(shift: float, df: float, level: float) -> float:
        """P(t > critical) of a noncentral t; `shift` in standard errors."""
        return 1 - float(nctdtr(df, shift, float(stdtrit(df, 1 - level / 2))))


def estimate(table: np.ndarray) -> Estimate:
    """Mean and error of a table (n_clips, n_seeds); ValueError for an empty table, one with holes or infinities."""
    n_clips, n_seeds = table.shape
    if not table.size or not np.isfinite(table).all():
        raise ValueError(f"a table of {n_clips} clips x {n_seeds} seeds with holes has no mean")
    mean = float(table.mean())
    if n_clips == 1:
        return Estimate(mean, None, None, n_clips, n_seeds)
    ms_clip = n_seeds * float(table.mean(axis=1).var(ddof=1))
    if n_seeds == 1:
        return Estimate(mean, float(np.sqrt(ms_clip / n_clips)), n_clips - 1.0, n_clips, n_seeds)
    ms_seed = n_clips * float(table.mean(axis=0).var(ddof=1))
    total = ms_clip + ms_seed
    return Estimate(
        mean, float(np.sqrt(total / table.size)), _satterthwaite(ms_clip, ms_seed, table.shape), *table.shape
    )


def _satterthwaite(ms_clip: float, ms_seed: float, shape: tuple[int, int]) -> float:
    """Degrees of freedom of MS_clip + MS_seed, the latter at its upper confidence limit."""
    df_clip, df_seed = shape[0] - 1.0, shape[1] - 1.0
    upper = ms_seed * df_seed / float(chdtri(df_seed, SEED_CONFIDENCE))
    below = ms_clip**2 / df_clip + upper**2 / df_seed
    return (ms_clip + upper) ** 2 / below if below else df_clip


def clip_scores(scores: pd.DataFrame) -> dict[tuple[str, str, str], pd.Series]:
    """One value per clip and seed: the mean over the frames that have one, NaN where none has.

    `scores` has the columns seed, clip, driving, frame, metric, region, value. The result maps (metric, region,
    driving) to a Series with the index (clip, seed). A value that a metric gives once per clip, or once for several
    short clips joined, arrives as a single row and passes through. UserError for an infinite score: it has no mean.
    """
    infinite = scores[np.isinf(scores["value"].to_numpy(float))]
    if len(infinite):
        row = infinite.iloc[0]
        raise UserError(
            f"{row['metric']} of clip {row['clip']}, seed {row['seed']}, is infinite, which has no mean: "
            "cap the metric, or leave the value empty"
        )
    means = scores.groupby([*KEY, "clip", "seed"], observed=True)["value"].mean()
    return {key: values.droplevel(KEY) for key, values in means.groupby(level=KEY)}


@dataclass(frozen=True)
class Paired:
    """Differences of two arms over the clips and seeds that both have."""

    table: np.ndarray  # (n_clips, n_seeds), arm minus baseline
    clips: tuple[str, ...]
    seeds: tuple[int, ...]
    dropped: tuple[str, ...]  # clips that one side lacks, wholly or for some seed
    dropped_seeds: tuple[int, ...] = ()  # seeds that one side lacks


def score_table(values: pd.Series) -> tuple[np.ndarray, list[str], list[int], list[str]]:
    """Index (clip, seed) -> a table (n_clips, n_seeds) without holes, its clips, its seeds, and the clips left out."""
    return _whole(values.unstack("seed"))


def _whole(wide: pd.DataFrame) -> tuple[np.ndarray, list[str], list[int], list[str]]:
    """`score_table` of clips by seeds; a seed without any value goes, then every clip that lacks one."""
    known = wide.notna().to_numpy()
    seeds = known.any(axis=0)
    clips = known.any(axis=1) & known[:, seeds].all(axis=1)
    table = wide.to_numpy(float)[np.ix_(clips, seeds)]
    return table, list(wide.index[clips]), list(wide.columns[seeds]), list(wide.index[~clips])


def paired_differences(values: pd.Series, baseline: pd.Series) -> Paired:
    """Arm minus baseline for two Series with index (clip, seed), over the intersection of clips and of seeds."""
    ours, theirs = values.unstack("seed"), baseline.unstack("seed")
    seeds = [seed for seed in ours.columns if seed in theirs.columns]
    every = sorted(set(ours.index) | set(theirs.index))
    difference = ours.reindex(every)[seeds] - theirs.reindex(every)[seeds]
    table, clips, kept_seeds, dropped = _whole(difference)
    lost = sorted((set(ours.columns) | set(theirs.columns)) - set(kept_seeds))
    return Paired(table, tuple(clips), tuple(kept_seeds), tuple(dropped), tuple(lost))


def group_means(table: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """(n_clips, n_seeds), a group for every clip -> (n_groups, n_seeds): the mean over each group's clips.

    For a claim about people the unit is the speaker, however many clips show each: `estimate(group_means(...))`.
    """
    names = np.array(groups)
    return np.stack([table[names == name].mean(axis=0) for name in dict.fromkeys(groups)])


def holm(p_values: list[float]) -> list[float]:
    """Holm's step-down adjustment (1979): controls the chance of any false call in the family."""
    order = np.argsort(p_values, kind="stable")
    adjusted, running = np.empty(len(p_values)), 0.0
    for rank, index in enumerate(order):
        running = max(running, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(running, 1.0)
    return adjusted.tolist()


def benjamini_hochberg(p_values: list[float]) -> list[float]:
    """Benjamini and Hochberg's step-up adjustment (1995): controls the share of false calls."""
    order = np.argsort(p_values, kind="stable")[::-1]
    adjusted, running = np.empty(len(p_values)), 1.0
    for step, index in enumerate(order):
        running = min(running, p_values[index] * len(p_values) / (len(p_values) - step))
        adjusted[index] = running
    return adjusted.tolist()

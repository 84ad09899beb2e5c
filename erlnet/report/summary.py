"""`summary.json` and `summary.csv`: the report for programs. Plain values, null and never NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from erlnet.report.analysis import Analysis, Score
from erlnet.report.comparisons import Comparison

SCHEMA = 1


def summary(analysis: Analysis) -> dict[str, Any]:
    """The content of `summary.json`, schema 1."""
    study = analysis.study
    return plain(
        {
            "schema": SCHEMA,
            "study": study.name,
            "command": study.command,
            "primary": {
                "metric": study.primary.metric,
                "region": study.primary.region,
                "driving": study.primary.driving,
            },
            "baseline": study.baseline,
            "variants": [
                {
                    "name": v.name,
                    "config": v.config,
                    "options": v.options,
                    "hash": v.hash,
                    "status": v.status,
                    "error": v.error,
                    "n_seeds": len(v.seeds),
                    "health": {"status": v.health.status, "values": v.health.values},
                    "mouth_guard": {"status": v.mouth_guard.status, "values": v.mouth_guard.values},
                    "scores": _score_rows(analysis, v.name),
                    "budget": [vars(point) for point in v.budget],
                    "cost": {
                        "seconds": v.cost.seconds,
                        "peak_rss_bytes": v.cost.peak_rss_bytes,
                        "parameters": v.cost.parameters,
                        "multiply_adds_per_frame": v.cost.multiply_adds_per_frame,
                    },
                    "plan": {"stages": v.plan.stages, "shared_with": v.plan.shared_with},
                    "unavailable": [
                        {"metric": u.metric, "reason": u.reason, "remedy": u.remedy} for u in analysis.unavailable(v)
                    ],
                }
                for v in study.variants
            ],
            "references": [
                {"name": r.name, "role": r.role, "scores": _score_rows(analysis, r.name)} for r in study.references
            ],
            "comparisons": [_comparison_row(c) for c in analysis.comparisons],
            "environment": study.environment,
        }
    )


CSV_COLUMNS = (
    "kind", "name", "status", "metric", "region", "driving", "mean", "ci_low", "ci_high", "n_clips", "n_seeds",
    "higher_is_better", "unit", "gain", "difference", "difference_ci_low", "difference_ci_high", "p", "p_adjusted",
    "verdict",
)  # fmt: skip


def summary_table(analysis: Analysis) -> list[dict[str, Any]]:
    """The rows of `summary.csv`: every score with, where there is one, its difference to the baseline."""
    study = analysis.study
    rows = []
    named = [("variant", v.name, v.status) for v in study.variants]
    named += [(r.role, r.name, "done") for r in study.references]
    for kind, name, status in named:
        cells = _score_rows(analysis, name) or [{}]  # a variant that failed keeps a row
        for cell in cells:
            row = {"kind": kind, "name": name, "status": status} | cell
            found = cell and analysis.comparison(name, (cell["metric"], cell["region"], cell["driving"]))
            if found:
                full = _comparison_row(found)
                row |= {k: full[k] for k in ("difference", "p", "p_adjusted", "verdict")}
                row |= {"difference_ci_low": full["ci_low"], "difference_ci_high": full["ci_high"]}
            rows.append(plain({column: row.get(column) for column in CSV_COLUMNS}))
    return rows


def _score_rows(analysis: Analysis, name: str) -> list[dict[str, Any]]:
    return [_score_row(analysis, score) for score in analysis.scores.get(name, {}).values()]


def _score_row(analysis: Analysis, score: Score) -> dict[str, Any]:
    card = analysis.study.cards[score.metric]
    low, high = (score.estimate and score.estimate.interval()) or (None, None)
    return {
        "metric": score.metric,
        "region": score.region,
        "driving": score.driving,
        "mean": score.mean,
        "ci_low": low,
        "ci_high": high,
        "n_clips": score.estimate.n_clips if score.estimate else 0,
        "n_seeds": score.estimate.n_seeds if score.estimate else 0,
        "higher_is_better": card.higher_is_better,
        "unit": card.unit,
        "gain": score.gain,
    }


def _comparison_row(c: Comparison) -> dict[str, Any]:
    """`power` is that for a true difference of `margin`, `detectable` the difference found with power .8, both at 5 %
    shared over the variants on the primary endpoint; the speakers' interval takes speakers as units.
    """
    low, high = c.difference.interval() or (None, None)
    speakers_low, speakers_high = (c.people and c.people.interval()) or (None, None)
    return {
        "variant": c.variant,
        "baseline": c.baseline,
        "metric": c.metric,
        "region": c.region,
        "driving": c.driving,
        "difference": c.difference.mean,
        "ci_low": low,
        "ci_high": high,
        "p": c.p,
        "p_adjusted": c.p_adjusted,
        "verdict": c.verdict,
        "n_clips": c.difference.n_clips,
        "n_seeds": c.difference.n_seeds,
        "n_speakers": c.n_speakers or None,
        "clips_left_out": list(c.paired.dropped),
        "seeds_left_out": list(c.paired.dropped_seeds),
        "exploratory": not c.is_primary,
        "margin": c.margin,
        "power": c.power,
        "detectable": c.detectable,
        "speakers_ci_low": speakers_low,
        "speakers_ci_high": speakers_high,
    }


def plain(value: Any) -> Any:
    """JSON-able: arrays and tuples become lists, NaN and infinities null, paths text, numpy scalars Python's."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

"""What the page's tables hold: scores by driving and region, gate and guard, costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from erlnet.report.analysis import Analysis
from erlnet.report.comparisons import Key
from erlnet.report.inputs import MetricCard, VariantResult


def score_tables(analysis: Analysis) -> list[dict[str, Any]]:
    """By driving mode, then by region: rows are variants and references, columns metrics."""
    study, found = analysis.study, []
    for driving in dict.fromkeys(key[2] for key in analysis.keys):
        regions = []
        for region in dict.fromkeys(key[1] for key in analysis.keys if key[2] == driving):
            keys = [key for key in analysis.keys if key[1:] == (region, driving)]
            rows = [_table_row(analysis, v.name, "variant", keys) for v in study.variants if v.name in analysis.scores]
            rows += [_table_row(analysis, r.name, r.role, keys) for r in study.references]
            regions.append(
                {
                    "region": region,
                    "columns": [study.cards[key[0]] for key in keys],
                    "rows": [row for row in rows if any(row["cells"])],
                    "open": region in ("frame", "mouth", study.primary.region),
                }
            )
        found.append({"driving": driving, "regions": regions})
    return found


def _table_row(analysis: Analysis, name: str, role: str, keys: Sequence[Key]) -> dict[str, Any]:
    cells: list[dict[str, Any] | None] = []
    for key in keys:
        score = analysis.scores.get(name, {}).get(key)
        if score is None:
            cells.append(None)
            continue
        bounds = score.estimate.interval() if score.estimate else None
        cells.append(
            {
                "score": score,
                "half": (bounds[1] - bounds[0]) / 2 if bounds else None,
                "comparison": analysis.comparison(name, key) if role == "variant" else None,
                "primary": key == analysis.primary_key,
            }
        )
    return {"name": name, "role": role, "is_baseline": name == analysis.study.baseline, "cells": cells}


def check_tables(variants: Sequence[VariantResult]) -> list[dict[str, Any]]:
    """Health gate and mouth guard: rows are variants, columns the values that were looked at."""
    done = [v for v in variants if v.status == "done"]
    found = []
    for title, checks, meaning in (
        ("Health gate", [v.health for v in done],
         "Do the two branches do what they are for: Head-NeRF the head, Static-NeRF the torso? A variant that fails is "
         "neither winner nor loser."),
        ("Mouth guard", [v.mouth_guard for v in done],
         "Does the mouth move as it should? Whole-frame scores hardly see a shut or late mouth. A variant that fails "
         "cannot be called better."),
    ):  # fmt: skip
        if all(check.status == "n/a" and set(check.values) <= {"reason"} for check in checks):
            continue
        columns = list(dict.fromkeys(name for check in checks for name in check.values))
        rows = [(v.name, c.status, [c.values.get(name) for name in columns]) for v, c in zip(done, checks)]
        found.append(
            {
                "title": title,
                "meaning": meaning,
                "rule": next((c.rule for c in checks if c.rule), ""),
                "columns": columns,
                "rows": rows,
            }
        )
    return found


def budget_table(variants: Sequence[VariantResult]) -> dict[str, Any] | None:
    """The primary endpoint over shares of the renderer's steps; None where no variant has been scored so."""
    shown = [v for v in variants if v.budget]
    if not shown:
        return None
    shares = sorted({point.share for v in shown for point in v.budget})
    rows = []
    for v in shown:
        values = {point.share: point.value for point in v.budget}
        rows.append((v.name, v.budget[-1].steps, [values.get(share) for share in shares]))
    return {"shares": shares, "rows": rows, "metric": shown[0].budget[0].metric}


def shown_cards(analysis: Analysis) -> list[MetricCard]:
    """The cards of every metric that has a column, or that is unavailable."""
    study = analysis.study
    ids = {key[0] for key in analysis.keys} | {u.metric for v in study.variants for u in analysis.unavailable(v)}
    return [card for name, card in study.cards.items() if name in ids]


def cost_table(variants: Sequence[VariantResult]) -> dict[str, Any]:
    """Rows: every stage and every network that some variant has."""
    shown = [v for v in variants if v.cost.seconds is not None or v.cost.stages]
    stages = list(dict.fromkeys(stage for v in shown for stage in v.cost.stages))
    networks = list(dict.fromkeys(network for v in shown for network in v.cost.parameters))
    rendered = any(v.cost.multiply_adds_per_frame is not None for v in shown)
    return {"variants": shown, "stages": stages, "networks": networks, "rendered": rendered}

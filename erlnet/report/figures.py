"""The two charts of the primary endpoint: differences to the baseline, and the values themselves."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from erlnet.report.analysis import Analysis, ScoredRow
from erlnet.report.charts import Row, interval_chart
from erlnet.report.comparison_text import endpoint

GREY = "#8a8a8a"


def difference_figure(analysis: Analysis, colours: Mapping[str, str]) -> Markup | None:
    """Every variant's difference to the baseline on the primary endpoint, clip by clip."""
    if not analysis.primary:
        return None
    card = analysis.study.cards[analysis.study.primary.metric]
    rows = []
    for c in analysis.primary:
        low, high = c.difference.interval() or (None, None)
        points = tuple(zip(c.paired.clips, c.paired.table.mean(axis=1).tolist()))
        rows.append(Row(c.variant, c.difference.mean, low, high, points, colours[c.variant]))
    base = analysis.primary[0].baseline
    ends = {True: (f"{base} better", "variant better"), False: ("variant better", f"{base} better")}
    title = f"Difference to {base} on {endpoint(analysis)} with 95 % intervals"
    direction = card.higher_is_better
    return interval_chart(
        rows, card.unit, title, True, analysis.primary[0].margin, None if direction is None else ends[direction]
    )


def value_figure(analysis: Analysis, colours: Mapping[str, str]) -> Markup | None:
    """The primary metric itself, of variants and reference rows."""
    key, study, rows = analysis.primary_key, analysis.study, []
    shown: list[ScoredRow] = [*study.variants, *(r for r in study.references if r.name != "truth")]
    for result in shown:
        score = analysis.scores.get(result.name, {}).get(key)
        if score is None or score.estimate is None:
            continue
        points = tuple(analysis.values[result.name][key].groupby(level="clip").mean().dropna().items())
        low, high = score.estimate.interval() or (None, None)
        colour, is_reference = colours.get(result.name, GREY), result.name not in colours
        rows.append(Row(result.name, score.estimate.mean, low, high, points, colour, is_reference))
    if not rows:
        return None
    title = f"{endpoint(analysis)} of every row with 95 % intervals"
    return interval_chart(rows, study.cards[key[0]].unit, title)

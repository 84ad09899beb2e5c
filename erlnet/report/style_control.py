"""The style-control matrix: style asked for against style reached, as a judge sees it.

The scores hold it as series without a card: metric `style_reached`, region `ASKED>REACHED`, value 1 where the judge
took the motion asked for in ASKED for REACHED, else 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erlnet.report.inputs import Study

if TYPE_CHECKING:
    import pandas as pd

REACHED = "style_reached"


def style_matrices(study: Study) -> list[dict[str, Any]]:
    """One matrix a row of the study: shares of the test clips (and seeds), a line for each style asked for."""
    rows = [(v.name, "variant", v.scores) for v in study.variants if v.status == "done"]
    rows += [(r.name, r.role, r.scores) for r in study.references]
    found = []
    for name, role, scores in rows:
        matrix = _matrix(scores)
        if matrix:
            found.append({"name": name, "role": role} | matrix)
    return found


def _matrix(scores: pd.DataFrame | None) -> dict[str, Any] | None:
    if scores is None:
        return None
    cells = scores[scores["metric"] == REACHED]
    if not len(cells):
        return None
    shares = cells.groupby("region")["value"].mean()
    pairs = {tuple(region.split(">", 1)): float(share) for region, share in shares.items()}
    styles = sorted({style for pair in pairs for style in pair})
    asked = sorted({asked for asked, _ in pairs})
    lines = [(style, [pairs.get((style, reached)) for reached in styles]) for style in asked]
    return {"styles": styles, "lines": lines}

"""Rows of one HDTF text file, with what is malformed in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from erlnet.data.items import Finding

# kind -> (what a row's values must look like, how a row is written)
_FORMS = {
    "video_url": (r"\S*://\S+", "name URL"),
    "annotion_time": (r"\d+(:\d\d){1,2}-\d+(:\d\d){1,2}( \d+(:\d\d){1,2}-\d+(:\d\d){1,2})*", "name mm:ss-mm:ss ..."),
    "resolution": (r"\d+", "name height"),
    "crop_wh": (r"\d+ \d+ \d+ \d+", "name min_w w min_h h"),
    "crop_ratio": (r"\d+(\.\d+)?", "name ratio"),
}


@dataclass(frozen=True)
class Row:
    values: tuple[str, ...]
    line: int  # from 1


def read_rows(path: Path, kind: str, findings: list[Finding]) -> dict[str, Row]:
    """name (without .mp4) -> its row, in the file's order; empty where there is no file, which is a finding.

    A byte-order mark, trailing spaces and empty lines are nothing; malformed and repeated rows are findings.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError:
        remedy = "download it from the authors' repository, into the folder of the other text files"
        findings.append(Finding("missing", f"{path.name} cannot be read", remedy))
        return {}
    pattern, form = _FORMS[kind]
    rows: dict[str, Row] = {}
    for number, line in enumerate(lines, 1):
        name, *values = line.split() or [""]
        name = re.sub(r"\.mp4$", "", name, flags=re.IGNORECASE)
        if not line.strip():
            continue
        if not re.fullmatch(pattern, " ".join(values)):
            what = f"{path.name} line {number}: '{line.strip()}' is not '{form}'"
            findings.append(Finding("mismatch", what, "the row was passed over; correct it"))
        elif name in rows:
            same = "the same" if rows[name].values == tuple(values) else "another"
            what = f"{path.name} line {number}: {name} is repeated with {same} row, first at line {rows[name].line}"
            findings.append(Finding("mismatch", what, "the first row counts; take one of the two out"))
        else:
            rows[name] = Row(tuple(values), number)
    return rows

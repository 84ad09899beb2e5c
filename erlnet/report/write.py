"""Writes a study's report: `report.html`, `summary.json`, `summary.csv`; `report_files/` where the media are large."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from erlnet.report.analysis import analyse
from erlnet.report.inputs import Study
from erlnet.report.page import FILES, render_page
from erlnet.report.summary import CSV_COLUMNS, summary, summary_table

BUDGET = 25_000_000  # bytes of one page; above it the media lie beside it


def write_report(study: Study, out: Path, budget: int = BUDGET) -> Path:
    """Writes the report of `study` into the folder `out` and returns the path of `report.html`.

    Each file is written whole under a temporary name and then renamed, so a reader never meets half a report.
    """
    analysis = analyse(study)
    page, files = render_page(analysis, budget)
    table = io.StringIO()
    writer = csv.DictWriter(table, CSV_COLUMNS)
    writer.writeheader()
    writer.writerows(summary_table(analysis))
    text = json.dumps(summary(analysis), indent=1, allow_nan=False) + "\n"

    out.mkdir(parents=True, exist_ok=True)
    if files:
        _replace_folder(out / FILES, files)
    _replace(out / "summary.csv", table.getvalue().encode())
    _replace(out / "summary.json", text.encode())
    _replace(out / "report.html", page.encode())
    if not files:
        shutil.rmtree(out / FILES, ignore_errors=True)  # of an earlier, larger report
    return out / "report.html"


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)


def _replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    for name, content in files.items():
        (temporary / name).write_bytes(content)
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)

"""A manifest of videos: a CSV file with the header path,speaker,style,split."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from erlnet.data.items import Finding, Item
from erlnet.data.layouts.listing import VIDEOS, empty_file, shown
from erlnet.errors import UserError
from erlnet.registry import did_you_mean

COLUMNS = ("path", "speaker", "style", "split")
SIDES = ("train", "val", "test")


def read_manifest(path: Path, root: Path) -> tuple[list[Item], list[Finding]]:
    """Items in the file's order, and rows that cannot be used; paths are relative to the manifest's folder.

    UserError where the file cannot be read, lacks a column, holds no row, or a row's speaker, style or split says
    nothing that can be used: a clip on the wrong side would be learnt from.
    """
    items: list[Item] = []
    findings: list[Finding] = []
    seen: dict[Path, int] = {}
    n_rows = 0
    for line, row in _rows(path):
        n_rows += 1
        place = f"{path} line {line}"
        _check(row, place)
        video = path.parent / row["path"]
        short = f"{path.name} line {line}: {row['path']}"
        file = video.resolve()  # two spellings of a path, or a link, are one video
        if file in seen:
            what = f"{short} is listed again, first at line {seen[file]}"
            findings.append(Finding("mismatch", what, "the first row counts; take the other out"))
            continue
        seen[file] = line
        if video.suffix.lower() not in VIDEOS:
            what = f"{short} is no video ({', '.join(VIDEOS)})"
            findings.append(Finding("mismatch", what, "take the row out, or convert the file"))
        elif not video.is_file():
            findings.append(Finding("missing", f"{short} is not there", "bring the file, or take the row out"))
        elif not video.stat().st_size:
            findings.append(empty_file(video, root))
        else:
            name = f"{row['speaker']}-{row['style']}-{video.stem}"
            items.append(Item(name, video, row["speaker"], row["style"], shown(video, root), row["split"]))
    if not n_rows:
        raise UserError(f"ldst.manifest: {path} lists no video; add rows of {','.join(COLUMNS)}")
    return items, findings + _half_split(items, path)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, column -> stripped text); empty lines are nothing."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            header = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            lacking = [name for name in COLUMNS if name not in header]
            if lacking:
                raise UserError(
                    f"ldst.manifest: {path} lacks the column {', '.join(lacking)}; its first line must hold "
                    f"{','.join(COLUMNS)}, not '{','.join(header)}'"
                )
            for row in reader:
                yield reader.line_num, {name: (row[name] or "").strip() for name in COLUMNS}
    except FileNotFoundError:
        raise UserError(f"ldst.manifest: {path} is not there; give it relative to the data's root") from None
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"ldst.manifest: {path} cannot be read ({error}); save it as a UTF-8 CSV file") from None


def _check(row: dict[str, str], place: str) -> None:
    for column in ("path", "speaker", "style"):
        if not row[column]:
            raise UserError(f"ldst.manifest: {place} has no {column}; fill it in")
    if row["split"] and row["split"] not in SIDES:
        raise UserError(
            f"ldst.manifest: {place} has the split '{row['split']}'; {did_you_mean(row['split'], SIDES)}, or nothing"
        )


def _half_split(items: list[Item], path: Path) -> list[Finding]:
    """A run takes a data set's own sides or cuts by time, not both: it refuses a mixture."""
    without = [item for item in items if not item.split]
    if not without or len(without) == len(items):
        return []
    what = f"{path.name}: {len(without)} of {len(items)} rows have no split, {without[0].source} first"
    return [Finding("mismatch", what, "a run refuses the mixture: give all rows a split, or none")]

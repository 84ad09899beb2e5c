"""HDTF's text files: what was annotated, and where the five files of a subset disagree.

{RD,WDA,WRA}_video_url.txt        name URL
{RD,WDA,WRA}_annotion_time.txt    name.mp4 mm:ss-mm:ss mm:ss-mm:ss ...    (spelt so)
{RD,WDA,WRA}_resolution.txt       name.mp4 height                         px of the video that the crops were read from
{RD,WDA,WRA}_crop_wh.txt          name_<i>.mp4 min_w w min_h h            px, i counts the annotated intervals from 0
{RD,WDA,WRA}_crop_ratio.txt       name_<i>.mp4 ratio                      how far a face's square is widened
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from erlnet.data.items import Box, Finding
from erlnet.data.layouts.hdtf_rows import Row, read_rows

SUBSETS = ("RD", "WDA", "WRA")
TIMES = "annotion_time"
_YOUTUBE = re.compile(r"(?:v=|youtu\.be/)([\w-]{11})")


@dataclass(frozen=True)
class Interval:
    """An annotated stretch of a video, s after its beginning; without `box` the cut is found round the face."""

    index: int
    start: float
    stop: float
    box: Box | None
    in_order: bool = True  # False: it begins before the one that is written before it ends


@dataclass(frozen=True)
class Recording:
    """One annotated video."""

    subset: str
    name: str
    url: str  # "" where no row gives one
    identity: str
    source: str  # the name, or that of another row with the same YouTube video
    intervals: tuple[Interval, ...]


@dataclass(frozen=True)
class Annotations:
    recordings: tuple[Recording, ...]
    findings: tuple[Finding, ...]
    counts: dict[str, int]  # rows of each kind


def identity_of(name: str) -> str:
    """The person: AmyKlobuchar0 -> AmyKlobuchar. Radio1, Radio2 ... are different people, and keep their numbers."""
    return name if re.fullmatch(r"Radio\d+", name) else name.rstrip("0123456789") or name


def read_annotations(folder: Path, subsets: Iterable[str]) -> Annotations:
    """All rows of `subsets` in `folder`; a file or row that is missing, malformed or contradicted is a finding."""
    recordings: list[Recording] = []
    findings: list[Finding] = []
    counts = {"annotated intervals": 0, "crop rows": 0, "video URLs": 0}
    for subset in subsets:
        tables = {kind: read_rows(folder / f"{subset}_{kind}.txt", kind, findings) for kind in
                  ("video_url", TIMES, "resolution", "crop_wh", "crop_ratio")}  # fmt: skip
        heights = tables["resolution"]
        compare(subset, tables, findings)
        for name, row in tables[TIMES].items():
            height = int(heights[name].values[0]) if name in heights else 0
            url = tables["video_url"][name].values[0] if name in tables["video_url"] else ""
            intervals = _intervals(subset, name, row, tables["crop_wh"], height, findings)
            recordings.append(Recording(subset, name, url, identity_of(name), name, intervals))
        counts["annotated intervals"] += sum(len(row.values) for row in tables[TIMES].values())
        counts["crop rows"] += len(tables["crop_wh"])
        counts["video URLs"] += len(tables["video_url"])
    return Annotations(tuple(_joined(recordings, findings)), tuple(findings), counts)


def compare(subset: str, tables: dict[str, dict[str, Row]], findings: list[Finding]) -> None:
    """Adds a finding for every name that one file of a subset has and another lacks; a file that is not there is one
    finding already, made where it was read."""
    times = tables[TIMES]
    intervals = {f"{name}_{i}": row for name, row in times.items() for i in range(len(row.values))}
    pairs = [
        (intervals, tables["crop_wh"], "annotated interval", "crop_wh", FOUND),
        (tables["crop_wh"], intervals, "crop row", TIMES, UNUSED),
        (tables["crop_wh"], tables["crop_ratio"], "crop row", "crop_ratio", HARMLESS),
        (tables["crop_ratio"], tables["crop_wh"], "ratio row", "crop_wh", HARMLESS),
        (times, tables["video_url"], "annotated video", "video_url", HARMLESS),
        (times, tables["resolution"], "annotated video", "resolution", FOUND),
        (tables["video_url"], times, "URL row", TIMES, UNUSED),
        (tables["resolution"], times, "resolution row", TIMES, UNUSED),
    ]
    for here, there, what, other, remedy in (pair for pair in pairs if pair[1]):
        folded = {name.casefold(): name for name in there}
        for name in (n for n in here if n not in there):
            spelt = folded.get(name.casefold())
            but = f", where {spelt} differs by case alone" if spelt else ""
            cure = "spell the name alike in both files" if spelt else remedy
            findings.append(Finding("mismatch", f"{subset}: {what} {name} has no row in {subset}_{other}{but}", cure))


def _intervals(
    subset: str, name: str, row: Row, crops: dict[str, Row], height: int, findings: list[Finding]
) -> tuple[Interval, ...]:
    intervals: list[Interval] = []
    for i, text in enumerate(row.values):
        start, stop = (_seconds(part) for part in text.split("-"))
        in_order = start < stop and (not intervals or start >= intervals[-1].stop)
        if not in_order:
            what = f"{subset}: annotated interval {name}_{i} ({text}) is out of order: {' '.join(row.values)}"
            findings.append(Finding("mismatch", what, f"left out of whole videos; correct {subset}_{TIMES}"))
        crop = crops.get(f"{name}_{i}")
        box = _box(subset, f"{name}_{i}", crop, height, findings) if crop else None
        intervals.append(Interval(i, start, stop, box, in_order))
    return tuple(intervals)


def _box(subset: str, name: str, row: Row, height: int, findings: list[Finding]) -> Box | None:
    left, width, top, tall = (float(v) for v in row.values)
    reason = ""
    if height <= 0:
        reason = f"the video's height is given as {height}"
    elif top + tall > height:
        reason = f"it reaches {top + tall:g} px down in a video of {height}"
    elif min(width, tall) <= 0:
        reason = "it has no size"
    if reason:
        what = f"{subset}: crop row {name} ({' '.join(row.values)}) cannot be used: {reason}"
        findings.append(Finding("mismatch", what, FOUND))
        return None
    return Box(left, top, width, tall, height)


def _joined(recordings: list[Recording], findings: list[Finding]) -> list[Recording]:
    """Rows with the same YouTube video become one source and one person, however they are named."""
    by_video: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        match = _YOUTUBE.search(recording.url)
        by_video[match[1] if match else recording.name].append(recording)
    person = {r.identity: r.identity for r in recordings}
    source = {r.name: r.name for r in recordings}
    for video, group in by_video.items():
        names = sorted({r.name for r in group})
        if len(names) > 1:
            what = f"{' and '.join(names)} are the same YouTube video ({video})"
            findings.append(Finding("mismatch", what, "nothing to do: taken as one recording of one person"))
            source.update(dict.fromkeys(names, names[0]))
            people = {person[r.identity] for r in group}
            person = {k: min(people) if v in people else v for k, v in person.items()}
    return [
        Recording(r.subset, r.name, r.url, person[r.identity], source[r.name], r.intervals)
        for r in sorted(recordings, key=lambda r: (r.subset, r.name))
    ]


def _seconds(text: str) -> float:
    """ "01:35" -> 95, "1:00:05" -> 3605."""
    total = 0
    for part in text.split(":"):
        total = 60 * total + int(part)
    return float(total)


FOUND = "nothing to do: the cut is found round the face instead"
UNUSED = "nothing to do: the row is not used"
HARMLESS = "nothing to do: the clip is read without it"

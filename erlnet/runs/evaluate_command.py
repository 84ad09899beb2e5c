"""`evaluate`: frames of any system against a reference -> scores, summary and report. Nothing is trained."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from erlnet.data.clip import FPS
from erlnet.errors import UserError
from erlnet.metrics.pairs import FrameSource
from erlnet.report.write import write_report
from erlnet.runs.evaluate_notes import TRUTH, told_of
from erlnet.runs.evaluate_regions import VERSION as REGIONS_VERSION
from erlnet.runs.evaluate_report import (
    DRIVING,
    Scored,
    Told,
    check_primary,
    chosen_families,
    default_primary,
    profile_note,
    study_of,
)
from erlnet.runs.evaluate_scores import Scoring, read_scores
from erlnet.runs.evaluate_sound import cut_sound, sounds_of
from erlnet.runs.evaluate_sources import Given, given
from erlnet.runs.evaluate_staging import Layout, Staging
from erlnet.runs.evaluate_truth import Looked, TrueClip, frozen_mouth, look_at
from erlnet.runs.folders import whole_entries, write_json
from erlnet.runs.progress import Display
from erlnet.runs.rendered import RenderedFrames
from erlnet.runs.score_stages import write_scores

RECORD = "evaluate.json"
DETECTIONS = "detections.npz"
ENTRIES = ("report_files", "report.html", "summary.csv", "summary.json", "scores.csv", DETECTIONS, RECORD)
"""All that is ever written; the record comes last, so that a folder that has it is whole."""


@dataclass(frozen=True)
class Wanted:
    """One call, as typed."""

    pred: tuple[str, ...]  # PATH or NAME=PATH; the first is the baseline
    ref: str
    out: Path
    driving_audio: str | None = None
    fps: float = FPS
    resize: bool = False
    primary: str | None = None
    metrics: str | None = None
    profile: str | None = None
    controls: bool = True


def evaluate_command(wanted: Wanted) -> int:
    """Writes `--out` and prints the report's path last. UserError before anything in `--out` is touched."""
    if not 1 <= wanted.fps <= 240:
        raise UserError(f"--fps {wanted.fps:g}: expected 1 to 240 frames a second")
    families = chosen_families(wanted.metrics, wanted.profile)
    primary = check_primary(wanted.primary, families) if wanted.primary else None
    pairs = given(wanted.pred, wanted.ref)
    _check_out(wanted.out)
    sounds = sounds_of(pairs, wanted.driving_audio)
    display = Display()
    with whole_entries(wanted.out, ENTRIES) as work:
        if (wanted.out / DETECTIONS).exists():  # the same reference again costs no second look
            shutil.copy(wanted.out / DETECTIONS, work / DETECTIONS)
        # A name of its own each time: decoded frames are remembered by their paths.
        frames = Path(mkdtemp(prefix=".frames-", dir=work))
        layout = Staging(pairs, frames, wanted.fps, wanted.resize, _telling(display)).run()
        display.close()
        for note in layout.notes:
            display.line(note)
        clips, looked = _truth(layout, frames / "regions", work / DETECTIONS, wanted.fps, sounds, display)
        scored = _score(wanted, families, pairs, layout, clips, looked, work, display)
        study = study_of(scored, primary or default_primary(families, scored.missing))
        display.line("writing the report ...")
        write_report(study, work)
        write_json(work / RECORD, _record(wanted, layout, scored))
        told = json.loads((work / "summary.json").read_text())
    for line in _lines(told):
        print(line)
    for name, reason in scored.missing.items():
        display.line(f"{name} is unavailable: {reason}")
    print(wanted.out / "report.html")
    return 0


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is a file; give a folder")
    taken = [name for name in ENTRIES if (out / name).exists()]
    if taken and not (out / RECORD).exists():
        raise UserError(f"--out {out}: its {taken[0]} was not made by this command; choose another folder")


def _truth(
    layout: Layout, regions: Path, detections: Path, fps: float, sounds: Mapping[str, np.ndarray], display: Display
) -> tuple[list[TrueClip], Looked]:
    pictures = [RenderedFrames(layout.frames[TRUTH][unit.name]) for unit in layout.units]
    folders = [regions / str(i) for i in range(len(pictures))]
    total, done = sum(map(len, pictures)), 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        display.live(f"looking at the reference [{'#' * (20 * done // total):<20}]")

    looked = look_at(pictures, folders, detections, tell)
    display.close()
    clips = [
        TrueClip(
            unit.name, unit.clip, unit.clip, picture, folder, landmarks, fps,
            cut_sound(sounds.get(unit.clip), fps, unit.start, unit.stop),
        )
        for unit, picture, folder, landmarks in zip(layout.units, pictures, folders, looked.landmarks, strict=True)
    ]  # fmt: skip
    return clips, looked


def _score(
    wanted: Wanted, families: tuple[str, ...], pairs: Given, layout: Layout, clips: list[TrueClip], looked: Looked,
    work: Path, display: Display,
) -> Scored:  # fmt: skip
    shown: dict[str, Mapping[str, FrameSource]] = {
        method.name: {unit: RenderedFrames(folder) for unit, folder in layout.frames[method.name].items()}
        for method in pairs.methods
    }
    notes = [*layout.notes, *_of_regions(looked)]
    if wanted.controls:
        shown["truth"] = {clip.name: clip for clip in clips}
        shut = frozen_mouth(clips)
        if shut is not None:
            shown["frozen_mouth"] = shut
        notes.append(_of_controls(shut is not None, looked))
    scoring = Scoring(clips, families, work / DETECTIONS, display)
    write_scores(work / "scores.csv", scoring.rows(shown))
    tables = read_scores(work / "scores.csv", DRIVING)
    names = [method.name for method in pairs.methods]
    if wanted.profile and wanted.profile not in scoring.missing:
        notes.append(profile_note(wanted.profile, tables, clips, names))
    methods = {
        name: Told(told_of(layout.staged[name], len(layout.frames[name])), layout.frames[name]) for name in names
    }
    facts = {
        "fps": f"{wanted.fps:g}",
        "reference": told_of(layout.staged[TRUTH], len(layout.units)),
        "regions": f"{looked.regions}, version {REGIONS_VERSION}",
    }
    return Scored(
        _typed(wanted), clips, pairs.single, tables, methods, families, scoring.missing, facts, tuple(notes),
        looked.unavailable is None,
    )  # fmt: skip


def _of_controls(has_shut: bool, looked: Looked) -> str:
    if has_shut:
        shut = "frozen_mouth is the reference under its own most nearly shut mouth."
    elif looked.unavailable:
        shut = "frozen_mouth needs landmarks."
    else:
        shut = "frozen_mouth is not shown: no frame of the reference has a shut mouth."
    return (
        f"Of the reference rows those that need training frames (mean_frame, last_frame, nearest_pose) cannot be had "
        f"here, so there is no floor and no gain over one. {shut}"
    )


def _of_regions(looked: Looked) -> list[str]:
    if looked.unavailable:
        return [f"There are no regions and no mouth guard: {looked.unavailable}."]
    if looked.with_matte:
        return []
    return [
        "The person matte is not here (python -m erlnet assets fetch matte), so the neck is a box under the chin, and "
        "head, torso and background have no value."
    ]


def _telling(display: Display) -> Callable[[str, int], None]:
    return lambda what, count: display.live(f"reading {what}: {count} frames")


def _typed(wanted: Wanted) -> str:
    """The command as a person would type it again."""
    words = ["python", "-m", "erlnet", "evaluate"]
    for word in wanted.pred:
        words += ["--pred", word]
    words += ["--ref", wanted.ref, "--out", str(wanted.out)]
    for flag, value in (("--driving-audio", wanted.driving_audio), ("--primary", wanted.primary),
                        ("--metrics", wanted.metrics), ("--profile", wanted.profile)):  # fmt: skip
        words += [flag, value] if value else []
    words += ["--fps", f"{wanted.fps:g}"] if wanted.fps != FPS else []
    words += ["--resize"] if wanted.resize else []
    words += [] if wanted.controls else ["--no-controls"]
    return shlex.join(words)


def _record(wanted: Wanted, layout: Layout, scored: Scored) -> dict[str, Any]:
    """`evaluate.json`: what was compared and what a reader must know of it."""
    return {
        "command": scored.command,
        "rows": {row: told_of(clips, len(layout.frames[row])) for row, clips in layout.staged.items()},
        "units": [{"name": u.name, "clip": u.clip, "start": u.start, "stop": u.stop} for u in layout.units],
        "unavailable": {name: str(reason) for name, reason in scored.missing.items()},
        "notes": list(scored.notes),
    }


_PRINTED = (
    ("ssim", "frame"), ("ssim", "neck"), ("psnr", "frame"), ("lpips", "frame"), ("lmd_mouth", "mouth"),
    ("mouth_open_r", "mouth"), ("mouth_lag", "mouth"),
)  # fmt: skip


def _lines(told: dict[str, Any]) -> list[str]:
    """A small table of every row."""
    table = [["", *(f"{metric} {region}" if region not in metric else metric for metric, region in _PRINTED)]]
    for row in (*told["variants"], *told["references"]):
        means = {(s["metric"], s["region"]): s["mean"] for s in row["scores"]}
        cells = [means.get(key) for key in _PRINTED]
        table.append([row["name"], *("n/a" if value is None else f"{value:.3f}" for value in cells)])
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table]

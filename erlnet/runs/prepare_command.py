"""`python -m erlnet prepare`: videos or a data set -> clips, with progress on stderr; a bad input stops no other."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erlnet.data.batch import UNITS, Batch, Place, prepare_batch
from erlnet.data.folder import videos_index
from erlnet.data.indexed import indexed
from erlnet.data.items import Index
from erlnet.data.records import Making, all_records, write_quarantine
from erlnet.data.video_files import videos_in
from erlnet.errors import UserError
from erlnet.files import write_whole
from erlnet.grammar import parse_assignments
from erlnet.grid import resolve
from erlnet.registry import did_you_mean
from erlnet.runs.folders import check_writable
from erlnet.runs.progress import Display, format_seconds

if TYPE_CHECKING:
    from erlnet.data.clip import Indexed

_LOG_EVERY = 30.0  # s between two lines of progress where there is no terminal
_SLOTS = ("dataset", "tracker", "head_model")
_FIGURES = (
    "reprojection_px", "reprojection_mouth_px", "jitter_px", "frames_without_face", "frames_interpolated",
    "frames_masked", "frames_rejected", "frames_with_second_face", "has_sound", "has_matte",
)  # fmt: skip


@dataclass
class BatchProgress:
    """An `erlnet.interfaces.Progress` that shows how many inputs are done and how long the rest will take."""

    display: Display
    started: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)  # when a log last got a line of it

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        left = (time.monotonic() - self.started) / step * (total - step) if step else 0.0
        done = f"{step / UNITS:.1f} of {total // UNITS} inputs"
        ahead = f", {format_seconds(left)} left" if step else ""
        self.display.live(f"prepare [{'#' * (20 * step // total):<20}] {done}{ahead}")
        if not self.display.terminal and time.monotonic() - self.told > _LOG_EVERY:
            self.told = time.monotonic()
            self.display.line(f"prepare: {done}{ahead}")

    def note(self, text: str) -> None:
        self.display.line(text)


def prepare_command(words: Sequence[str], out: Path, size: int | None, jobs: int) -> int:
    """0 all prepared, 1 some failed: each is named with its reason on stderr and in OUT/quarantine.json.

    `words`: videos, folders of videos, and NAME=VALUE settings of the slots dataset, tracker and head_model.
    """
    if jobs < 1:
        raise UserError(f"--jobs {jobs}: expected a whole number from 1")
    inputs = [Path(word) for word in words if not _is_setting(word)]
    making, index = _resolve(inputs, [word for word in words if _is_setting(word)], size)
    check_writable(out)
    display = Display()
    if index.findings:
        display.line(f"not as it should be there: {len(index.findings)} things, such as {index.findings[0]}")
        display.line(f"all of them: python -m erlnet doctor {making.dataset} ROOT")
    batch = prepare_batch(index.items, Place(out), making, jobs, BatchProgress(display))
    display.close()
    rows = list(indexed(batch, out, making.dataset))
    failed = [*batch.failed, *batch.broken]
    _write_index(out, rows, batch)
    _write_table(out)
    write_quarantine(out, [(item.name, reason) for item, reason in failed])
    wrong = f"; {_counted(len(failed), 'input')} failed: see {out / 'quarantine.json'}" if failed else ""
    print(f"{_counted(len(rows), 'clip')} in {out}{wrong}")
    return 1 if failed else 0


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _is_setting(word: str) -> bool:
    """`dataset=mead` or `mead.views=front`; a file whose name holds a '=' is a file."""
    return "=" in word and not Path(word).exists()


def _resolve(inputs: Sequence[Path], settings: Sequence[str], size: int | None) -> tuple[Making, Index]:
    assignments = parse_assignments(list(settings))
    if size is not None:
        assignments["dataset.size"] = [str(size)]
    if inputs and ("data" in assignments or "dataset" in assignments):
        raise UserError("give either videos or dataset=NAME data=ROOT, not both")
    for made in {"demo", "bank"} & set(assignments.get("dataset", [])):
        raise UserError(f"dataset={made} makes its own clips; there is nothing to prepare")
    if not inputs and "data" not in assignments:
        raise UserError("name videos or folders of videos, or dataset=NAME data=ROOT")
    grid = resolve(({"dataset": ["folder"]} if inputs else {}) | assignments)
    if len(grid.variants) > 1:
        raise UserError(f"{', '.join(grid.axes)}: takes one value; clips are prepared in one way")
    variant = grid.variants[0]
    allowed = (*_SLOTS, "data")
    for word in assignments:
        owner = word.partition(".")[0]
        if owner not in allowed and owner not in {variant.choices[slot].name for slot in _SLOTS}:
            raise UserError(
                f"{word}: prepare reads {', '.join(allowed)} and their options; {did_you_mean(word, allowed)}"
            )
    dataset = variant.choices["dataset"]
    options: Any = dataset.component  # every data set's but the demo's
    making = Making(
        dataset.name, options, variant.choices["tracker"].component, variant.choices["head_model"].component
    )
    if inputs:
        return making, videos_index(videos_in(inputs))
    return making, options.build().index(Path(variant.data or ""))


def _write_index(out: Path, rows: Sequence[Indexed], batch: Batch) -> None:
    """These clips, and those that the index held before, still lie there, and are of none of this call's inputs."""
    from erlnet.data.clip import read_index, write_index

    items = [item for item, _ in [*batch.done, *batch.failed, *batch.broken]]
    mine = {item.name for item in items}
    places = {str(item.video) for item in items}
    stale = {clip for r in all_records(out).values() if r.video in places for clip in r.clips}  # named otherwise before
    try:
        before = read_index(out)
    except UserError:
        before = []
    kept = [
        row for row in before
        if (row.folder / "clip.json").is_file()
        and not {row.folder.name, row.folder.name.rpartition(".shot")[0]} & mine
        and row.folder.name not in stale
    ]  # fmt: skip
    write_index(out, sorted([*kept, *rows], key=lambda row: row.folder.name))


def _write_table(out: Path) -> None:
    """`clips.csv`: what is known of each clip that was prepared in `out`."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["clip", "video", "speaker", "style", "split", "frames", "seconds_to_prepare", *_FIGURES])
    for record in all_records(out).values():
        texts = [json.loads((out / clip / "clip.json").read_text()) for clip in record.clips if (out / clip).is_dir()]
        n_frames = sum(text["n_frames"] for text in texts)
        for described in texts:
            seconds = round(record.seconds * described["n_frames"] / n_frames, 2)
            labels, figures = described["labels"], [described["tracking"].get(name, "") for name in _FIGURES]
            table.writerow(
                [described["name"], Path(record.video).name, labels["speaker"], labels["style"], labels["split"],
                 described["n_frames"], seconds, *figures]
            )  # fmt: skip
    write_whole(out / "clips.csv", text.getvalue())

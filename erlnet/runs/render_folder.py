"""A folder of everything that a render shows: frames, necks, opacities, depth, a sheet, films, scores."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from erlnet.errors import UserError
from erlnet.metrics.pairs import FrameSource
from erlnet.runs.folders import whole_entries, write_json
from erlnet.runs.mp4 import write_mp4
from erlnet.runs.progress import Display
from erlnet.runs.render_beside import Other, keep_frames, side_by_side, sizes_told
from erlnet.runs.render_maps import DepthRange, depth_picture, depth_range, maps_of, opacity_picture
from erlnet.runs.render_neck import Box, crop, neck_box
from erlnet.runs.render_person import Person
from erlnet.runs.render_pictures import SYNTHETIC, frames_of, marked, parts
from erlnet.runs.render_scores import Scores, score
from erlnet.runs.render_sheet import Moment, moments, sheet
from erlnet.runs.render_show import Show
from erlnet.runs.rendered import RenderedFrames
from erlnet.runs.score_stages import write_scores

RECORD = "render.json"
OURS = "erlnet"
ENTRIES = (
    "frames", "neck", "opacity_head", "opacity_torso", "depth", "sheet.png", "video.mp4", "side_by_side.mp4",
    "scores.csv", "scores.json", RECORD,
)  # fmt: skip
"""All that is ever written; the record comes last, so that a folder that has it is whole."""


@dataclass(frozen=True)
class Extras:
    """What is asked for beside the frames."""

    others: Sequence[Other] = ()
    watermark: bool = False


def check_folder(out: Path) -> None:
    """UserError where `out` cannot be the folder: it is a file, or holds files of these names that are no render's."""
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is a file; give a folder, or a name that ends in .mp4 for the film alone")
    taken = [name for name in ENTRIES if (out / name).exists()]
    if taken and not (out / RECORD).exists():
        raise UserError(f"--out {out}: its {taken[0]} was not made by this command; choose another folder")


def write_folder(
    out: Path, person: Person, show: Show, extras: Extras, told: dict[str, Any], display: Display
) -> Scores | None:
    """Everything into `out`, or nothing; the scores where frames have true ones. `told` goes into the record."""
    with whole_entries(out, ENTRIES) as work:
        box, spans = neck_box(person, show.path), depth_range(person.model, show)
        rows = list(_frames(work, person, show, box, spans, display))
        Image.fromarray(sheet(rows, _foot(show, spans))).save(work / "sheet.png")
        ours = RenderedFrames(work / "frames")
        pictures: Iterator[np.ndarray] = (ours.frame(i).transpose(1, 2, 0) for i in range(len(ours)))
        write_mp4(work / "video.mp4", marked(pictures) if extras.watermark else pictures, show.samples, SYNTHETIC)
        kept = work / ".others"
        systems: dict[str, FrameSource] = {OURS: ours}
        systems |= {o.name: keep_frames(o, kept / o.name, len(show)) for o in extras.others}
        real = show.truth or show.likeness
        shown: dict[str, FrameSource] = ({"truth": real} if real is not None else {}) | systems
        if len(shown) > 1:
            film = side_by_side(shown, show.samples, len(show), OURS if extras.watermark else None)
            write_mp4(work / "side_by_side.mp4", film, show.samples, SYNTHETIC)
        scores = None if show.truth is None else score(show.truth, systems)
        if scores is not None:
            write_scores(work / "scores.csv", scores.rows)
            write_json(work / "scores.json", scores.told())
        told = told | {
            "synthetic": True, "frames": len(show), "neck_box": list(box),
            "depth": {"near_m": spans.near, "far_m": spans.far, "colours": "viridis, bright is near"},
            "width_height_frames": sizes_told(shown),
        }  # fmt: skip
        if scores is None:
            told["no_scores"] = _why_no_scores(show)
        shutil.rmtree(kept, ignore_errors=True)
        write_json(work / RECORD, told)
    return scores


def _frames(work: Path, person: Person, show: Show, box: Box, spans: DepthRange, display: Display) -> Iterator[Moment]:
    """Writes every frame and its maps, a few at a time; gives the moments of the sheet."""
    folders = {name: work / name for name in ("frames", "neck", "opacity_head", "opacity_torso", "depth")}
    for folder in folders.values():
        folder.mkdir()
    wanted = set(moments(len(show)))
    for part in parts(person.model, len(show)):
        frames, maps = frames_of(person.model, show, part), maps_of(person.model, show, part)
        for offset, frame in enumerate(frames):
            index = part.start + offset
            made = {
                "frames": frame, "neck": crop(frame, box),
                "opacity_head": opacity_picture(maps.head[offset]),
                "opacity_torso": opacity_picture(maps.torso[offset]),
                "depth": depth_picture(maps.depth[offset], maps.coverage[offset], spans),
            }  # fmt: skip
            for name, picture in made.items():
                Image.fromarray(picture).save(folders[name] / f"{index:05d}.png", compress_level=1)
            if index in wanted:
                yield Moment(index, _columns(show, index, made, box))
        display.live(f"render [{'#' * (20 * part.stop // len(show)):<20}] {part.stop} of {len(show)} frames")
    display.close()


def _columns(show: Show, index: int, made: dict[str, np.ndarray], box: Box) -> dict[str, np.ndarray]:
    truth = None if show.truth is None else show.truth.frame(index).transpose(1, 2, 0)
    real = {} if truth is None else {"truth": truth}
    neck = {} if truth is None else {"truth, neck": crop(truth, box)}
    return (
        real | {"rendered": made["frames"]} | neck | {"rendered, neck": made["neck"]}
        | {"head opacity": made["opacity_head"], "torso opacity": made["opacity_torso"], "depth": made["depth"]}
    )  # fmt: skip


def _foot(show: Show, spans: DepthRange) -> str:
    return (
        f"{show.name}; depth {spans.near:.3f} m (bright) to {spans.far:.3f} m (dark); rendered pictures are synthetic"
    )


def _why_no_scores(show: Show) -> str:
    if show.likeness is not None:
        return "the recording has another head pose or view, so no frame has a true one; use --clip"
    return "no recording shows this person doing this"

"""`python -m erlnet render`: a trained run put to use. Sound or coefficients in; a film, or a folder of it all, out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from erlnet.data.clip import FPS
from erlnet.errors import UserError
from erlnet.files import FULL, disk_full
from erlnet.nerf.pace import Pace, quicken
from erlnet.runs.clips import style_clip
from erlnet.runs.driving_sound import open_sound
from erlnet.runs.driving_styles import Asked, open_styles
from erlnet.runs.folders import check_writable
from erlnet.runs.mp4 import write_mp4
from erlnet.runs.progress import Display
from erlnet.runs.render_beside import parse_beside
from erlnet.runs.render_camera import check_in_view, read_camera, turned
from erlnet.runs.render_folder import OURS, Extras, check_folder, write_folder
from erlnet.runs.render_person import Person, open_person
from erlnet.runs.render_pictures import SYNTHETIC, marked, rendered
from erlnet.runs.render_show import (
    Show,
    Voice,
    audio_show,
    clip_show,
    coefficients_show,
    is_file_of,
    named_clip,
    without_truth,
)
from erlnet.runs.trained_run import MAPPER, RENDERER, TrainedRun, find_run


@dataclass(frozen=True)
class Wanted:
    """The command's words."""

    run: Path
    out: Path
    audio: str | None = None
    clip: str | None = None
    coefficients: str | None = None
    style: str | None = None
    pose: str | None = None
    camera: str | None = None
    speaker: str | None = None
    beside: str | None = None
    watermark: bool = False
    pace: Pace | None = None  # of a film; a folder's frames are those of the report, which knows one pace

    @property
    def film(self) -> bool:
        """Whether `out` is a film alone, not a folder."""
        return self.out.suffix.lower() == ".mp4"


def render_command(wanted: Wanted) -> int:
    """Writes the film or the folder and prints where it is; UserError, and nothing written, where that cannot be."""
    check_words(wanted)
    others = parse_beside(wanted.beside) if wanted.beside else []
    check_out(wanted)
    display = Display()
    person, show = open_show(wanted, display)
    if wanted.camera is not None:
        angles = read_camera(wanted.camera, len(show))
        show = without_truth(show, turned(show.path, angles, person.centre))
    check_in_view(_source(wanted), show.path, person.centre, person.model.scene.camera)
    for note in show.notes:
        display.line(note)
    started = time.perf_counter()
    lines: list[str] = []
    try:
        if wanted.film:
            _write_film(wanted, person, show, display)
        else:
            scores = write_folder(
                wanted.out, person, show, Extras(others, wanted.watermark), _told(wanted, person, show), display
            )
            lines = scores.lines() if scores else []
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(wanted.out) from None
        raise
    seconds = time.perf_counter() - started
    print(f"{len(show)} frames, {len(show) / FPS:.2f} s, of {person.speaker}; made in {seconds:.1f} s")
    print("\n".join([*lines, str(wanted.out)]))
    return 0


def check_words(wanted: Wanted) -> None:
    """UserError where words are missing or do not go together."""
    given = [flag for flag in ("audio", "clip", "coefficients") if getattr(wanted, flag) is not None]
    if len(given) != 1:
        told = " and ".join(f"--{flag}" for flag in given) or "none"
        raise UserError(f"render: give one of --audio, --clip and --coefficients, not {told}")
    without = {"audio": (), "clip": ("pose",), "coefficients": ("pose", "style")}[given[0]]
    for flag in without:
        if getattr(wanted, flag) is not None:
            raise UserError(f"--{flag}: goes with --audio; --{given[0]} brings its own")
    if wanted.beside is not None and wanted.film:
        raise UserError("--beside: makes a film and a table; give a folder as --out")
    if wanted.pace is not None and not wanted.film:
        raise UserError("--precision, --compile: change how fast a film is made; give FILE.mp4 as --out")


def check_out(wanted: Wanted) -> None:
    if not wanted.film:
        check_folder(wanted.out)
    elif wanted.out.is_dir():
        raise UserError(f"--out {wanted.out}: is a folder; give the name of a file that ends in .mp4")
    check_writable(wanted.out.parent)


def open_show(wanted: Wanted, display: Display) -> tuple[Person, Show]:
    """The renderer and what it is driven by."""
    run = find_run(wanted.run, RENDERER)
    if wanted.audio is not None:
        sound = open_sound(wanted.audio, run.split.test)
        person = open_person(run, wanted.speaker, sound.truth.labels.speaker if sound.truth else None)
        return person, audio_show(person, sound, _voice(wanted, person, display), wanted.pose)
    if wanted.clip is not None:
        clip = named_clip("--clip", wanted.clip, run)
        person = open_person(run, wanted.speaker, clip.labels.speaker)
        if wanted.style is None and not person.hears:
            own = style_clip(run.split.train, replace(clip.labels, speaker=person.speaker))
            return person, clip_show(person, clip, Voice(find_run(wanted.run, MAPPER), Asked(own.labels.style, own)))
        return person, clip_show(person, clip, _voice(wanted, person, display))
    word = wanted.coefficients or ""
    likely = None if is_file_of(word, ".npz", ".mat") else named_clip("--coefficients", word, run).labels.speaker
    person = open_person(run, wanted.speaker, likely)
    if person.hears:
        raise UserError("--coefficients: sound drives this run's renderer, not coefficients; give --audio and --pose")
    return person, coefficients_show(person, word)


def _voice(wanted: Wanted, person: Person, display: Display) -> Voice | None:
    """Stage one in the style that was asked for; None where sound drives the renderer itself."""
    if person.hears:
        if wanted.style is not None:
            raise UserError("--style: sound alone drives this run's renderer, which knows no style; leave it out")
        return None
    mapper: TrainedRun = find_run(wanted.run, MAPPER)
    if wanted.style is None:
        known = sorted({clip.labels.style for clip in mapper.split.train if clip.labels.style})
        raise UserError(f"--style: is needed with --audio: a style of the run ({', '.join(known)}), a clip or a video")
    styles = open_styles(mapper, wanted.style, None, person.speaker, display)
    if len(styles) > 1:
        raise UserError(f"--style {wanted.style}: a film is in one style; give one")
    return Voice(mapper, styles[0])


def _write_film(wanted: Wanted, person: Person, show: Show, display: Display) -> None:
    model = quicken(person.model, wanted.pace or Pace())

    def told() -> Any:
        for index, picture in enumerate(rendered(model, show), start=1):
            display.live(f"render [{'#' * (20 * index // len(show)):<20}] {index} of {len(show)} frames")
            yield picture

    pictures = marked(told()) if wanted.watermark else told()
    write_mp4(wanted.out, pictures, show.samples, SYNTHETIC)
    display.close()


def _source(wanted: Wanted) -> str:
    if wanted.pose is not None:
        return f"--pose {wanted.pose}"
    return next(f"--{flag} {word}" for flag in ("audio", "clip", "coefficients") if (word := getattr(wanted, flag)))


def _told(wanted: Wanted, person: Person, show: Show) -> dict[str, Any]:
    words = ("audio", "clip", "coefficients", "style", "pose", "camera", "beside")
    return {
        "run": person.run.result.name, "speaker": person.speaker, "shown": show.name, "system": OURS,
        "words": {word: getattr(wanted, word) for word in words if getattr(wanted, word) is not None},
    }  # fmt: skip

"""`python -m erlnet animate`: a trained stage one alone. Sound and style in; coefficients, curves and a film out."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from erlnet.data.items import safe_name
from erlnet.files import write_whole
from erlnet.head.model import HeadModel
from erlnet.metrics.motion.mesh import FaceMesh
from erlnet.metrics.mouth import mouth_scores
from erlnet.runs.animation_curves import Curves, curves_svg
from erlnet.runs.animation_film import SYNTHETIC, Head, film, head_size
from erlnet.runs.animation_head import HeadView
from erlnet.runs.animation_made import Made, Truth, check_fit, make, truth_of
from erlnet.runs.animation_measures import head_figures, measure, npz_arrays
from erlnet.runs.driving_sound import Sound, open_sound
from erlnet.runs.driving_styles import open_styles
from erlnet.runs.folders import check_writable, write_json
from erlnet.runs.mp4 import write_mp4
from erlnet.runs.progress import Display
from erlnet.runs.trained_run import find_run

RECORD = "animation.json"


@dataclass(frozen=True)
class Wanted:
    """The command's words."""

    run: Path
    audio: str
    style: str
    out: Path
    speaker: str | None = None


def animate_command(wanted: Wanted) -> int:
    """Writes everything into `wanted.out` and prints where it is; UserError where the words are no use."""
    run = find_run(wanted.run)
    torch.set_num_threads(run.threads)
    sound = open_sound(wanted.audio, run.split.test)
    check_writable(wanted.out)
    display = Display()
    if sound.silent:
        display.line(f"--audio {wanted.audio}: is silent; the motion follows the style alone")
    likely = sound.truth.labels.speaker if sound.truth else None
    asked = open_styles(run, wanted.style, wanted.speaker, likely, display)
    component: Any = run.component("prepare", "head_model")
    model: HeadModel = component.build()
    for style in asked:
        check_fit(style, model)
    made, seconds = make(run, sound, asked)
    told = {"synthetic": True, "run": run.result.name, "sound": sound.name, "seconds": sound.seconds}
    told |= {"generated_times_real_time": sound.seconds * len(made) / seconds}
    told |= _write(wanted.out, sound, made, model, display)
    write_json(wanted.out / RECORD, told)
    _print(wanted.out, told)
    return 0


def _write(out: Path, sound: Sound, made: Sequence[Made], model: HeadModel, display: Display) -> dict[str, Any]:
    """All files but the record; its rows about them."""
    truth = truth_of(sound)
    shown: list[Made | Truth] = [*made, *([truth] if truth else [])]
    curves = [measure(p.motion, FaceMesh(model, p.shape), model.expression_names) for p in shown]
    files = [_write_motion(out, p, model, alone=len(made) == 1) for p in made]
    title = f"Motion generated from the sound of {sound.name}, {sound.seconds:.2f} s"
    lines = [Curves(p.label, values, p is truth) for p, values in zip(shown, curves)]
    write_whole(out / "curves.svg", curves_svg(lines, sound.samples, made[0].motion.fps, title))
    n_frames = write_mp4(out / "animation.mp4", _film(shown, sound, model, display), sound.samples, SYNTHETIC)
    display.close()
    _remove_stale(out, files)
    true_mouth = curves[-1]["mouth"] if truth else None
    return {
        "frames": n_frames,
        "motions": files,
        "styles": [_figures(p, values["mouth"], true_mouth) for p, values in zip(made, curves)],
    }


def _figures(made: Made, mouth: np.ndarray, true_mouth: np.ndarray | None) -> dict[str, Any]:
    head = head_figures(made.style, made.motion)
    row: dict[str, Any] = {"style": made.label, "speaker": made.motion.speaker}
    row |= {"head_speed_ratio": head.speed, "head_jitter_ratio": head.jitter}
    if true_mouth is not None:
        scores = mouth_scores([(true_mouth, mouth)])
        row |= {"mouth_r": scores.r, "mouth_slope": scores.slope, "mouth_lag": scores.lag}
    return row


def _write_motion(out: Path, made: Made, model: HeadModel, alone: bool) -> str:
    name = "motion.npz" if alone else f"motion-{safe_name(made.label)}.npz"
    extra = {"shape": made.shape.astype(np.float32), "expression_names": np.array(model.expression_names)}
    content = io.BytesIO()
    np.savez(content, **npz_arrays(made.motion, extra))  # type: ignore[arg-type]
    write_whole(out / name, content.getvalue())
    return name


def _film(shown: Sequence[Made | Truth], sound: Sound, model: HeadModel, display: Display) -> Iterator[np.ndarray]:
    size, n = head_size(len(shown)), sound.n_frames
    heads = [Head(p.label, HeadView(model, p.shape, size).pictures(p.motion)) for p in shown]
    for index, picture in enumerate(film(heads, sound.samples, n)):
        display.live(f"animation [{'#' * (20 * index // n):<20}] {index} of {n} frames")
        yield picture


def _remove_stale(out: Path, files: Sequence[str]) -> None:
    """Motions that an earlier call of this command wrote here and this one does not."""
    try:
        before = json.loads((out / RECORD).read_text())["motions"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in set(before) - set(files):
        if name == Path(name).name:
            (out / name).unlink(missing_ok=True)


def _print(out: Path, told: dict[str, Any]) -> None:
    print(f"{told['seconds']:.2f} s of sound; motion generated {told['generated_times_real_time']:.0f} times as fast")
    for row in told["styles"]:
        mouth = ""
        if "mouth_r" in row:
            lag = "n/a" if row["mouth_lag"] is None else f"{row['mouth_lag']} frames"
            mouth = f"mouth against the true one r {_number(row['mouth_r'])}, slope {_number(row['mouth_slope'])}, "
            mouth += f"lag {lag}; "
        head = f"speed {_number(row['head_speed_ratio'])}, jitter {_number(row['head_jitter_ratio'])}"
        print(f"{row['style']}: {mouth}head over the style clip's: {head}")
    for name in (*told["motions"], "curves.svg", "animation.mp4"):
        print(out / name)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"

"""The sound that goes with given frames: what drove them, or the reference's own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from erlnet.data.clip import SAMPLE_RATE
from erlnet.errors import UserError
from erlnet.runs.driving_sound import read_sound
from erlnet.runs.evaluate_sources import Given


def sounds_of(pairs: Given, driving_audio: str | None) -> dict[str, np.ndarray]:
    """Clip -> sound: the driving sound, else what the reference's video holds; a clip may have none."""
    if driving_audio is None:
        return _own_sounds(pairs)
    place, flag = Path(driving_audio), f"--driving-audio {driving_audio}"
    if not place.exists():
        raise UserError(f"{flag}: there is no such file or folder")
    if pairs.single == place.is_dir():
        raise UserError(f"{flag}: give {'one file' if pairs.single else 'a folder with a file for each clip'}")
    files = dict.fromkeys(pairs.reference, place) if pairs.single else {f.stem: f for f in sorted(place.iterdir())}
    lacking = [clip for clip in pairs.reference if clip not in files]
    if lacking:
        raise UserError(f"{flag}: holds no file for {len(lacking)} clips, such as '{lacking[0]}'")
    try:
        return {clip: read_sound(files[clip]).samples for clip in pairs.reference}
    except UserError as error:
        raise UserError(str(error).replace("--audio", "--driving-audio", 1)) from None


def _own_sounds(pairs: Given) -> dict[str, np.ndarray]:
    found = {}
    for clip, source in pairs.reference.items():
        if not source.frames:
            # Nobody asked for it: where it cannot be used, the report's films are silent.
            with suppress(UserError):
                found[clip] = read_sound(source.path).samples
    return found


def cut_sound(samples: np.ndarray | None, fps: float, start: int, stop: int) -> np.ndarray | None:
    """The sound of frames [start, stop); silence where it has ended."""
    if samples is None:
        return None
    begin, end = (round(index / fps * SAMPLE_RATE) for index in (start, stop))
    part = samples[begin:end]
    return np.pad(part, (0, end - begin - len(part)))

"""The style clips that were asked for: a style of the run, a prepared clip, or a video that is prepared on the way."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from erlnet.data.clip import Clip, open_clip, open_index
from erlnet.data.components import Folder
from erlnet.errors import UserError
from erlnet.interfaces import Preparation
from erlnet.registry import did_you_mean
from erlnet.runs.prepare_command import BatchProgress
from erlnet.runs.progress import Display
from erlnet.runs.trained_run import TrainedRun


@dataclass(frozen=True)
class Asked:
    """One style that was asked for, and the clip that shows it."""

    label: str  # told apart from all others
    clip: Clip


def open_styles(run: TrainedRun, words: str, speaker: str | None, likely: str | None, display: Display) -> list[Asked]:
    """`words`: styles, separated by commas. A training clip's style comes first, then what lies on disk.

    `speaker` is whose clip shows a style; without it that of `likely`, where they show it, else whoever comes first.
    UserError where a word is neither, or no clip can be made of it.
    """
    asked: list[Asked] = []
    for word in dict.fromkeys(filter(None, (part.strip() for part in words.split(",")))):
        clip = _of_run(run.split.train, word, speaker, likely)
        label = word if clip else Path(word).stem
        clip = clip or _from_disk(run, word, _known(run.split.train), display)
        taken = sum(other.label == label or other.label.startswith(f"{label} (") for other in asked)
        asked.append(Asked(f"{label} ({taken + 1})" if taken else label, clip))
    if not asked:
        raise UserError(f"--style {words}: names no style")
    return asked


def _known(train: Sequence[Clip]) -> list[str]:
    return sorted({clip.labels.style for clip in train if clip.labels.style})


def _of_run(train: Sequence[Clip], style: str, speaker: str | None, likely: str | None) -> Clip | None:
    """The first training clip of a style and speaker; None where the run knows no such style."""
    speakers = list(dict.fromkeys(clip.labels.speaker for clip in train))
    if speaker is not None and speaker not in speakers:
        raise UserError(
            f"--speaker {speaker}: no training clip of the run is theirs; {did_you_mean(speaker, speakers)}"
        )
    shown = [clip for clip in train if clip.labels.style == style]
    if not shown or not style:
        return None
    own = [clip for clip in shown if clip.labels.speaker == (speaker or likely)]
    if speaker is not None and not own:
        theirs = sorted({clip.labels.style for clip in train if clip.labels.speaker == speaker})
        raise UserError(f"--style {style}: {speaker} shows only {', '.join(theirs)} in the run's training clips")
    return (own or shown)[0]


def _from_disk(run: TrainedRun, word: str, known: Sequence[str], display: Display) -> Clip:
    path = Path(word)
    if (path / "clip.json").is_file():
        return open_clip(path)
    if not path.exists():
        styles = did_you_mean(word, known) if known else "the run's clips have no style labels"
        raise UserError(f"--style {word}: neither a style of the run nor a clip or video on disk; {styles}")
    clips = _prepared(run, path, display)
    if len(clips) > 1:
        places = ", ".join(str(clip.folder) for clip in clips[:8]) + (", ..." if len(clips) > 8 else "")
        raise UserError(f"--style {word}: gives {len(clips)} clips, a style is shown by one; name one of: {places}")
    return clips[0]


def _prepared(run: TrainedRun, path: Path, display: Display) -> list[Clip]:
    """The clips of a video or folder, as `prepare` makes them; kept in OUT/clips, so made once."""
    tracker: Any = run.component("prepare", "tracker")
    head_model: Any = run.component("prepare", "head_model")
    with tempfile.TemporaryDirectory() as index:
        place = Path(index)
        progress = BatchProgress(display)
        store = run.out / "clips"
        Folder().build().prepare(Preparation(path, place, store, tracker, head_model, 1, progress))
        display.close()
        return [replace(clip, folder=clip.folder.resolve()) for clip in open_index(place)]

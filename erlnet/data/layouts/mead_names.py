"""MEAD's words, the names that repackaged files carry, and which part of the data set is selected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VIEWS = ("front", "down", "top", "left_30", "left_60", "right_30", "right_60")
EMOTIONS = ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
LEVELS = (1, 2, 3)
SPEAKER = re.compile(r"[MW]\d{3}")
_HASHED = re.compile(r"([MW]\d{3})#([a-z]+)#level_(\d)#(\d+)", re.IGNORECASE)
_SHORT = re.compile(r"([MW]\d{3})_([a-z]+)_(\d)_(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Selection:
    """Words of the four options, each in MEAD's own order; `speakers` is empty for all."""

    speakers: tuple[str, ...]
    views: tuple[str, ...]
    emotions: tuple[str, ...]
    levels: tuple[int, ...]

    def has_speaker(self, speaker: str) -> bool:
        return not self.speakers or speaker in self.speakers

    def levels_of(self, emotion: str) -> tuple[int, ...]:
        """The selected levels that this emotion has: neutral was recorded at one level only."""
        return tuple(level for level in self.levels if emotion != "neutral" or level == 1)

    def moods(self) -> Iterator[tuple[str, int]]:
        for emotion in self.emotions:
            for level in self.levels_of(emotion):
                yield emotion, level

    def has(self, spoken: Spoken) -> bool:
        mood = spoken.emotion in self.emotions and spoken.level in self.levels_of(spoken.emotion)
        return mood and self.has_speaker(spoken.speaker)

    def enters(self, folder: str) -> bool:
        """False where a folder's name says that nothing selected lies in it."""
        level = re.fullmatch(r"level_(\d)", folder)
        return not (
            (SPEAKER.fullmatch(folder) and not self.has_speaker(folder))
            or (folder in VIEWS and folder not in self.views)
            or (folder in EMOTIONS and folder not in self.emotions)
            or (level and int(level[1]) not in self.levels)
        )


@dataclass(frozen=True, order=True)
class Spoken:
    """One sentence as it was spoken once, before seven cameras.

    The number means nothing across emotions: the same number is another sentence there.
    """

    speaker: str
    emotion: str
    level: int
    number: str  # "001"

    @property
    def recording(self) -> str:
        return f"{self.speaker}-{self.emotion}-{self.level}-{self.number}"


@dataclass(frozen=True)
class View:
    """What one camera saw of a sentence."""

    spoken: Spoken
    view: str
    video: Path
    sound: Path | None = None


def sentence_number(stem: str) -> str | None:
    """ "1" or "001" -> "001"; None where a file's name is no number."""
    return f"{int(stem):03d}" if stem.isascii() and stem.isdigit() else None


def from_flat_name(stem: str) -> Spoken | None:
    """M003#angry#level_1#001 or M003_ang_3_026, in either case; None where the name is neither."""
    match = _HASHED.fullmatch(stem) or _SHORT.fullmatch(stem)
    if not match:
        return None
    speaker, word, level, number = match.groups()
    # Three letters or more tell the eight emotions apart.
    emotions = [e for e in EMOTIONS if len(word) >= 3 and e.startswith(word.lower())]
    if len(emotions) != 1 or int(level) not in LEVELS:
        return None
    return Spoken(speaker.upper(), emotions[0], int(level), f"{int(number):03d}")

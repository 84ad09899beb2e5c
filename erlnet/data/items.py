"""What a data set's index lists: clips that could be prepared. Reading an index opens no video and imports no torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Kind = Literal["missing", "broken", "mismatch", "leaking"]


@dataclass(frozen=True)
class Box:
    """Where the person is, as the data set says, in px of a picture that is `of_height` px high."""

    left: float
    top: float
    width: float
    height: float
    of_height: int

    def scaled_to(self, height: int) -> Box:
        """The same place in a picture of another size."""
        k = height / self.of_height
        return Box(self.left * k, self.top * k, self.width * k, self.height * k, height)


@dataclass(frozen=True)
class Item:
    """One clip to be prepared: a video, or a stretch of one."""

    name: str  # unique in its index; letters, digits and ._-: the clip's folder
    video: Path
    speaker: str
    style: str
    source: str  # the recording it comes from, the same for every item of it: leaks go by it
    split: str = ""  # "train", "val", "test", or "" where the run's `split` decides
    sound: Path | None = None  # a sound file of its own, on the video's clock; None: the sound is in the video
    start: float = 0.0  # s after the video's first picture
    stop: float | None = None  # s after the video's first picture; None: to its end
    box: Box | None = None  # the cut to take in place of one found round the face


@dataclass(frozen=True)
class Finding:
    """One thing that is not as the layout promises."""

    kind: Kind
    what: str  # one line that names the file, row or folder
    remedy: str  # what to do about it

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}; {self.remedy}"


@dataclass(frozen=True)
class Index:
    """What lies under a data set's root, as far as names and annotation files tell."""

    items: tuple[Item, ...]  # sorted by name
    findings: tuple[Finding, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)  # what was counted, in words -> how many; for `doctor`

    def count(self, kind: Kind) -> int:
        return Counter(f.kind for f in self.findings)[kind]


class Layout(Protocol):
    """How a data set lies on disk. Implementations are frozen dataclasses of the data set's own options."""

    def index(self, root: Path) -> Index:
        """Everything that the options select under `root`, with what is wrong there.

        UserError where `root` is not this data set at all: the message says what was looked for and where.
        """


def safe_name(text: str) -> str:
    """`text` as a folder's name: every character but letters, digits and ._- becomes '-'."""
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in text).strip(".-") or "clip"

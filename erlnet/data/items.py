"""What a data set's index lists: clips that could be prepared. Reading an index opens no video and imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

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
    # s from the beginning of `source` to the video's first picture: over 0 where the video was cut from a recording, so
    # that the leak check compares frames by when they were filmed. Where nobody knows, the video is its own `source`.
    place: float = 0.0


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


class Layout(Protocol):
    """How a data set lies on disk. Implementations are frozen dataclasses of the data set's own options."""

    def index(self, root: Path) -> Index:
        """Everything that the options select under `root`, with what is wrong there.

        UserError where `root` is not this data set at all: the message says what was looked for and where.
        """


@runtime_checkable
class IndexedClips(Protocol):
    """A source of clips that can list them before any is prepared: what `doctor` needs of a data set."""

    def index(self, data: Path | None) -> Index:
        """What lies under `data`; UserError where nothing that can be used does."""


def safe_name(text: str) -> str:
    """`text` as a folder's name: every character but letters, digits and ._- becomes '-'."""
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in text).strip(".-") or "clip"


def unique_names(wanted: Sequence[str]) -> list[str]:
    """`wanted` as folders' names (`safe_name`) that all differ: of those alike the first stays, the next are numbered.

    ["x y", "x-y"] gives ["x-y", "x-y-2"]. No number makes a name that another wants; the order given decides.
    """
    safe = [safe_name(text) for text in wanted]
    taken, met, names = set(safe), set[str](), []
    for name in safe:
        number, unique = 2, name
        while unique in (taken if name in met else ()):
            unique, number = f"{name}-{number}", number + 1
        met.add(name)
        taken.add(unique)
        names.append(unique)
    return names


def uniquely_named(items: Iterable[Item]) -> list[Item]:
    """The items sorted by name, with names that are safe as folders and all different."""
    ordered = sorted(items, key=lambda item: (item.name, item.source, item.video))
    names = unique_names([item.name for item in ordered])
    return sorted((replace(item, name=name) for item, name in zip(ordered, names)), key=lambda item: item.name)

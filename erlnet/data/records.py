"""What has been prepared already: one small file an input, so that a re-issue goes on where it was stopped.

OUT/.records/<name>.json is written last, whole, once the input's clips lie in place. An input that cannot be used has a
record too, with its reason; it is tried again when its bytes or the settings change. Imports nothing heavy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from erlnet.data.items import Item
from erlnet.data.options import PrepareOptions
from erlnet.files import write_whole

VERSION = 4  # raised when the same video gives another clip
_ENDS = 1 << 16  # bytes at either end of a file that its print is made of


@dataclass(frozen=True)
class Making:
    """How inputs are prepared: everything that a clip depends on beside its video."""

    dataset: str
    options: PrepareOptions
    tracker: Any  # components of the slots
    head_model: Any

    def described(self) -> dict[str, str]:
        """The same for the same making, of the same files where a component reads the user's own."""
        read = {"tracker_files": files_read(self.tracker), "head_model_files": files_read(self.head_model)}
        options = {k: v for k, v in asdict(self.options).items() if k in PrepareOptions.__dataclass_fields__}
        return {
            "dataset": self.dataset,
            "prepare": f"version {VERSION}, " + ", ".join(f"{k}={v}" for k, v in options.items()),
            "tracker": f"{self.tracker!r} version {self.tracker.VERSION}",
            "head_model": f"{self.head_model!r} version {self.head_model.VERSION}",
        } | {name: text for name, text in read.items() if text}


@dataclass(frozen=True)
class Record:
    """What became of one input."""

    settings: dict[str, str]  # `settings_of` it
    clips: list[str] = field(default_factory=list)  # folder names
    left_out: list[str] = field(default_factory=list)  # shots that gave no clip, each with its reason
    failed: str = ""  # the reason, where there is no clip
    seconds: float = 0.0  # it took


def quick_print(path: Path) -> str:
    """A hash of a file's size and both ends: tells files apart without reading them whole."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            ends = file.read(_ENDS)
            file.seek(max(size - _ENDS, 0))
            ends += file.read(_ENDS)
    except OSError as error:
        return f"unreadable ({error.strerror})"
    return hashlib.sha256(f"{size} ".encode() + ends).hexdigest()


def files_read(component: Any) -> str:
    """A hash of what lies at a component's option `path`, "" where it has none: a file's size and ends, a folder's
    names, sizes and times."""
    path = Path(getattr(component, "path", "")).expanduser()
    if not getattr(component, "path", "") or not path.exists():
        return ""
    if path.is_file():
        return quick_print(path)
    rows = [(str(p.relative_to(path)), (s := p.stat()).st_size, s.st_mtime_ns) for p in path.rglob("*") if p.is_file()]
    return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()


def settings_of(item: Item, making: Making) -> dict[str, str]:
    """What an input's clips depend on."""
    place = {"start": item.start, "stop": item.stop, "box": asdict(item.box) if item.box else None}
    files = {"video": quick_print(item.video)} | ({"sound": quick_print(item.sound)} if item.sound else {})
    return files | {"place": json.dumps(place)} | making.described()


def read_record(out: Path, name: str, settings: Mapping[str, str]) -> Record | None:
    """The finished record of an input, where it was made with these settings and its clips are there."""
    try:
        record = Record(**json.loads(_path(out, name).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    whole = record.failed or all((out / clip / "clip.json").is_file() for clip in record.clips)
    return record if record.settings == settings and whole else None


def replaced_clips(out: Path, name: str, clips: Sequence[str]) -> list[str]:
    """Clips that an earlier record of this input names and that are not among `clips`, which take its place."""
    try:
        before = json.loads(_path(out, name).read_text())["clips"]
        return [clip for clip in before if clip not in clips and Path(clip).name == clip]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def write_record(out: Path, name: str, record: Record) -> None:
    write_whole(_path(out, name), json.dumps(asdict(record), indent=1))


def write_quarantine(out: Path, failed: Sequence[tuple[str, str]]) -> None:
    """`quarantine.json`: the inputs that gave no clip, each with its reason."""
    rows = [{"name": name, "reason": reason} for name, reason in failed]
    write_whole(out / "quarantine.json", json.dumps(rows, indent=1))


def _path(out: Path, name: str) -> Path:
    return out / ".records" / f"{name}.json"

"""What has been prepared already: one small file an input, so that a re-issue goes on where it was stopped.

OUT/.records/<name>.json is written last, whole, once the input's clips lie in place. An input that cannot be used has a
record too, with its reason; it is tried again when its bytes or the settings change. Imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from erlnet.assets import asset_present
from erlnet.data.items import Item
from erlnet.data.options import PrepareOptions
from erlnet.files import write_whole

VERSION = 6  # raised when the same video gives another clip
_ENDS = 1 << 14  # bytes at either end of a file that its print is made of


@dataclass(frozen=True)
class Making:
    """How inputs are prepared: everything that a clip depends on beside its video."""

    dataset: str
    options: PrepareOptions
    tracker: Any  # components of the slots
    head_model: Any

    @cached_property
    def with_matte(self) -> bool:
        """Whether the person matte will tell who is person; `auto` goes by the asset."""
        return self.options.matte == "always" or (self.options.matte == "auto" and asset_present("matte"))

    @cached_property
    def described(self) -> dict[str, str]:
        """The same for the same making, of the same files where a component reads the user's own.

        Found out once: a component's files may be many, and so are the inputs.
        """
        read = {"tracker_files": files_read(self.tracker), "head_model_files": files_read(self.head_model)}
        options = {k: v for k, v in asdict(self.options).items() if k in PrepareOptions.__dataclass_fields__}
        return {
            "dataset": self.dataset,
            "prepare": f"version {VERSION}, " + ", ".join(f"{k}={v}" for k, v in options.items()),
            "tracker": f"{self.tracker!r} version {self.tracker.VERSION}",
            "head_model": f"{self.head_model!r} version {self.head_model.VERSION}",
            "with_matte": str(self.with_matte),
        } | {name: text for name, text in read.items() if text}


@dataclass(frozen=True)
class Record:
    """What became of one input."""

    settings: dict[str, str]  # `settings_of` it
    clips: list[str] = field(default_factory=list)  # folder names
    left_out: list[str] = field(default_factory=list)  # shots that gave no clip, each with its reason
    failed: str = ""  # the reason, where there is no clip
    seconds: float = 0.0  # it took
    video: str = ""  # the file's place then
    broken: bool = False  # `failed` is no fault of the input; such a record is never written


def quick_print(path: Path) -> str:
    """A hash of a file's size and both ends: tells files apart without reading them whole."""
    try:
        stat = path.stat()
    except OSError as error:
        return f"unreadable ({error.strerror})"
    return _print_of(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=1 << 16)  # one video may hold many items
def _print_of(path: Path, size: int, mtime_ns: int) -> str:
    try:
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
    place = {"place": item.place, "start": item.start, "stop": item.stop, "box": asdict(item.box) if item.box else None}
    files = {"video": quick_print(item.video)} | ({"sound": quick_print(item.sound)} if item.sound else {})
    return files | {"place": json.dumps(place)} | making.described


def read_record(out: Path, name: str, settings: Mapping[str, str]) -> Record | None:
    """The finished record of an input, where it was made with these settings and its clips are there."""
    try:
        record = Record(**json.loads(_path(out, name).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    whole = record.failed or all((out / clip / "clip.json").is_file() for clip in record.clips)
    same = record.settings == settings
    if record.settings.get("with_matte") == "True":  # an asset that is gone since undoes nothing
        same = record.settings == {**settings, "with_matte": "True"}
    return record if same and whole else None


def another_videos(out: Path, name: str, item: Item) -> str:
    """Where the video lies that `name` was prepared from, if that is another file with other content; else ""."""
    try:
        before = Record(**json.loads(_path(out, name).read_text()))
    except (OSError, ValueError, TypeError):
        return ""
    other = before.video not in ("", str(item.video)) and before.settings.get("video") != quick_print(item.video)
    return before.video if other and before.clips else ""


def all_records(out: Path) -> dict[str, Record]:
    """Name -> record of everything that was ever prepared in `out`."""
    found = {}
    for path in sorted((out / ".records").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            found[path.stem] = Record(**json.loads(path.read_text()))
    return found


def outdate_record(out: Path, name: str) -> None:
    """The record no longer vouches for anything, but still says which clips the input had."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        record = Record(**json.loads(_path(out, name).read_text()))
        write_record(out, name, replace(record, settings={}))


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
    """`quarantine.json`: the inputs that gave no clip, of this call or recorded before, each with its reason."""
    reasons = {name: record.failed for name, record in all_records(out).items() if record.failed} | dict(failed)
    rows = [{"name": name, "reason": reason} for name, reason in sorted(reasons.items())]
    write_whole(out / "quarantine.json", json.dumps(rows, indent=1))


def _path(out: Path, name: str) -> Path:
    return out / ".records" / f"{name}.json"

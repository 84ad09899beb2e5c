"""What `evaluate` is given: which clips a path holds, and which of them belong together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from erlnet.data.video_files import VIDEO_SUFFIXES
from erlnet.errors import UserError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
RESERVED = ("truth", "frozen_mouth")  # rows that the report adds
_RECORDS = ("clip.json", "render.json")  # of folders of ours, whose frames lie in `frames`


@dataclass(frozen=True)
class Source:
    """One clip's frames."""

    path: Path
    frames: bool  # a folder of pictures; else a video

    @property
    def name(self) -> str:
        return self.path.name if self.frames else self.path.stem


@dataclass(frozen=True)
class Method:
    """One system's clips, by the name of the reference's clip that each is held against."""

    name: str
    clips: Mapping[str, Source]


@dataclass(frozen=True)
class Given:
    """Everything that is compared, paired."""

    reference: Mapping[str, Source]  # clip name -> source, in the order of the names
    methods: tuple[Method, ...]  # the first one is the baseline
    single: bool  # one clip, not a folder of them
    notes: tuple[str, ...] = ()  # clips that have no partner


def given(predictions: Sequence[str], reference: str) -> Given:
    """`[NAME=]PATH` words and the reference's path -> pairs.

    A path is a video, a folder of pictures, or a folder of such videos and folders, one a clip, which are then paired
    by name (a video's without its suffix). UserError where a path holds no clip, a name comes twice or is taken, one
    side is one clip and the other several, or no clip of a method has a partner.
    """
    true, single = _clips(Path(reference), f"--ref {reference}")
    methods: list[Method] = []
    notes: list[str] = []
    for word in predictions:
        name, path = _named(word)
        if name in RESERVED or name in [method.name for method in methods]:
            taken = "is what a row of the report is called" if name in RESERVED else "is given twice"
            raise UserError(f"--pred {word}: the name '{name}' {taken}; choose another: --pred NAME={path}")
        found, alone = _clips(path, f"--pred {word}")
        if alone != single:
            kinds = {True: "one clip", False: "a folder of clips"}
            raise UserError(
                f"--pred {word}: is {kinds[alone]}, but --ref {reference} is {kinds[single]}; give two of one kind"
            )
        if single:
            methods.append(Method(name, dict(zip(true, found.values()))))
            continue
        pairs = {clip: found[clip] for clip in true if clip in found}
        if not pairs:
            raise UserError(
                f"--pred {word}: none of its clips ({_some(found)}) is called like one of --ref {reference} "
                f"({_some(true)}); clips are paired by name"
            )
        notes += _left_over(name, [clip for clip in true if clip not in found], "which it lacks")
        notes += _left_over(name, [clip for clip in found if clip not in true], "which the reference lacks")
        methods.append(Method(name, pairs))
    held = {clip for method in methods for clip in method.clips}
    return Given({clip: source for clip, source in true.items() if clip in held}, tuple(methods), single, tuple(notes))


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder in the order of their names, in which numbers count as numbers; hidden ones left out."""
    found = (path for path in folder.iterdir() if path.suffix.lower() in PICTURES and not path.name.startswith("."))
    return sorted(found, key=natural)


def natural(path: Path) -> list[tuple[int, int, str]]:
    """Sorts frame9.png before frame10.png."""
    parts = re.split(r"(\d+)", path.name)
    return [(1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts]


def _named(word: str) -> tuple[str, Path]:
    name, equals, place = word.partition("=")
    if not equals or Path(word).exists():
        path = Path(word)
        name = path.name if path.is_dir() else path.stem
        return name or path.resolve().name, path
    if not place or not name.strip() or Path(name).name != name or name.startswith("."):
        raise UserError(f"--pred {word}: expected PATH or NAME=PATH, the name without slashes and dots before it")
    return name, Path(place)


def _clips(path: Path, where: str) -> tuple[dict[str, Source], bool]:
    """(clips by name, whether the path itself is the one clip)."""
    if not path.exists():
        raise UserError(f"{where}: there is no such file or folder")
    if path.is_file():
        if path.suffix.lower() in PICTURES:
            raise UserError(f"{where}: is a single picture; give a video or a folder of pictures")
        source = Source(path, frames=False)
        return {source.name: source}, True
    if any((path / record).is_file() for record in _RECORDS) and (path / "frames").is_dir():
        path = path / "frames"
    if pictures_in(path):
        if any(_is_video(child) for child in path.iterdir()):
            raise UserError(f"{where}: holds pictures and videos; which is the clip? move one kind elsewhere")
        source = Source(path, frames=True)
        return {source.name if source.name != "frames" else path.resolve().parent.name: source}, True
    found: dict[str, Source] = {}
    for child in sorted(path.iterdir(), key=natural):
        frames = child.is_dir() and not child.name.startswith(".") and bool(pictures_in(child))
        if not (frames or _is_video(child)):
            continue
        source = Source(child, frames)
        if source.name in found:
            raise UserError(f"{where}: two clips are called '{source.name}' ({child.name} is one); rename one of them")
        found[source.name] = source
    if not found:
        kinds = f"{', '.join(PICTURES)}; {', '.join(VIDEO_SUFFIXES)}"
        raise UserError(f"{where}: holds no pictures, no videos and no folders of pictures ({kinds})")
    return found, False


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _left_over(name: str, clips: Sequence[str], why: str) -> list[str]:
    if not clips:
        return []
    return [f"{name} is not scored on {len(clips)} clip{'s' * (len(clips) > 1)} {why}: {_some(clips)}."]


def _some(names: Sequence[str] | Mapping[str, Source]) -> str:
    listed = list(names)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")

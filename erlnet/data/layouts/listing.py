"""Looking into a data set's folders: hidden files are passed over, links are followed, nothing is opened."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from erlnet.data.items import Finding
from erlnet.data.video_files import VIDEO_SUFFIXES
from erlnet.errors import UserError
from erlnet.registry import did_you_mean

_LISTED = 60
SOUND_SUFFIXES = (".m4a", ".wav", ".aac", ".mp3", ".flac")


@dataclass(frozen=True)
class Folder:
    """What lies directly in one folder, sorted by name."""

    path: Path
    folders: tuple[str, ...]
    files: tuple[tuple[str, int], ...]  # (name, bytes)

    def with_suffix(self, suffixes: Iterable[str]) -> dict[str, tuple[str, int]]:
        """stem -> (file name, bytes) of the files with one of these suffixes, upper or lower case.

        Where a stem occurs twice (001.mp4 and 001.avi), the first by name is taken.
        """
        wanted = set(suffixes)
        found: dict[str, tuple[str, int]] = {}
        for name, size in self.files:
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in wanted:
                found.setdefault(stem, (name, size))
        return found


def look(path: Path) -> Folder:
    """`path`'s contents; empty where there is no such folder. Hidden names (.DS_Store, ._001.mp4) are passed over."""
    folders, files = [], []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    folders.append(entry.name)
                else:
                    files.append((entry.name, _size(entry)))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise UserError(f"{path} cannot be listed ({error.strerror}); make it readable, or move it away") from None
    return Folder(path, tuple(sorted(folders)), tuple(sorted(files)))


def walk(path: Path, enter: Callable[[Path], bool] = lambda folder: True) -> Iterator[Folder]:
    """Every folder under `path`, itself first; a folder is entered where `enter` says so.

    A link that leads back to a folder on the way to it is not followed.
    """
    yield from _walk(path, enter, ())


def _walk(path: Path, enter: Callable[[Path], bool], above: tuple[tuple[int, int], ...]) -> Iterator[Folder]:
    about = path.stat()
    here = (about.st_dev, about.st_ino)
    if here in above:
        return
    folder = look(path)
    yield folder
    for name in folder.folders:
        if enter(path / name):
            yield from _walk(path / name, enter, (*above, here))


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except OSError:  # a link to nowhere is as good as an empty file
        return 0


def check_root(root: Path, what: str, shape: str) -> None:
    """Raises UserError where `root` is no folder; `what` is the data set's name, `shape` what would lie there."""
    if not root.exists():
        raise UserError(f"data={root}: there is no such folder; give {what}'s root, which holds {shape}")
    if not root.is_dir():
        raise UserError(f"data={root}: this is a file; give {what}'s root folder, which holds {shape}")


def not_here(root: Path, what: str, shape: str) -> UserError:
    return UserError(f"data={root}: no {what} here (looked for {shape}); give the folder that holds these")


def check_words(option: str, words: Iterable[str | int], known: Iterable[str | int]) -> None:
    """Raises UserError for the first word of an option's value that is not in `known`."""
    choices = dict.fromkeys(str(k) for k in known)
    for word in (str(w) for w in words):
        if word not in choices:
            # Thousands of people are not listed in one line: the closest are, and how many there are.
            close = list(choices) if len(choices) <= _LISTED else difflib.get_close_matches(word, choices, n=5)
            more = f" of {len(choices)}" if len(close) < len(choices) else ""
            raise UserError(f"{option}: there is no '{word}'; {did_you_mean(word, close)}{more}")


def empty_file(path: Path, root: Path) -> Finding:
    return Finding("broken", f"{shown(path, root)} has no bytes, or is a link to nowhere", COPY_AGAIN)


def shown(path: Path, root: Path) -> str:
    """`path` as it is named in a finding: relative to the data set's root."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


COPY_AGAIN = "copy or download these files again"
VIDEOS = VIDEO_SUFFIXES

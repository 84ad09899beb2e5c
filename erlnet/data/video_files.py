"""Which files of a folder are videos, and what their bytes are. Imports nothing heavy: the planner asks it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from erlnet.errors import UserError

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".flv", ".m4v", ".wmv", ".ts",
                  ".3gp")  # fmt: skip


def videos_in(inputs: Sequence[Path]) -> list[Path]:
    """Files as given, folders replaced by the videos in them, sorted; UserError where a folder has none.

    Hidden files and folders are passed over: beside talk.mp4 some systems leave a ._talk.mp4 that is no video.
    """
    found: list[Path] = []
    for path in inputs:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in path.rglob("*") if _is_video(p.relative_to(path), p))
        if not inside:
            raise UserError(f"{path}: no video in this folder ({', '.join(VIDEO_SUFFIXES)})")
        found += inside
    return found


def _is_video(place: Path, path: Path) -> bool:
    """`place`: below the folder that was given. A link to nowhere is taken, so that it is missed and not forgotten."""
    hidden = any(part.startswith(".") for part in place.parts)
    return path.suffix.lower() in VIDEO_SUFFIXES and not hidden and (path.is_file() or not path.exists())


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

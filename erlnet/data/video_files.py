"""Which files of a folder are videos, and what their bytes are. Imports nothing heavy: the planner asks it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from erlnet.errors import UserError

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".flv", ".m4v", ".wmv", ".ts",
                  ".3gp")  # fmt: skip


def videos_in(inputs: Sequence[Path]) -> list[Path]:
    """Files as given, folders replaced by the videos in them, sorted; UserError where a folder has none."""
    found: list[Path] = []
    for path in inputs:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)
        if not inside:
            raise UserError(f"{path}: no video in this folder ({', '.join(VIDEO_SUFFIXES)})")
        found += inside
    return found


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

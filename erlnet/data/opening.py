"""Opens videos and sound files as far as their headers, many at a time, to tell which of them can be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from erlnet.data.video_files import VIDEO_SUFFIXES

SILENT = "it has no sound"


def open_all(paths: Sequence[Path], jobs: int, tell: Callable[[int, int], None]) -> dict[Path, str | None]:
    """path -> None, or in one line why it cannot be used; `tell(done, of)` after each. Nothing is decoded.

    Headers are read in `jobs` threads: the time goes into waiting for the disk. A file cut off behind a sound header
    passes here, and fails when it is prepared.
    """
    opened: dict[Path, str | None] = {}
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for path, reason in zip(paths, pool.map(fault_of, paths)):
            opened[path] = reason
            tell(len(opened), len(paths))
    return opened


def fault_of(path: Path) -> str | None:
    """Why one file cannot be used; None where its header is whole. A sound file needs no picture."""
    import av

    try:
        with av.open(str(path)) as container:
            if path.suffix.lower() not in VIDEO_SUFFIXES:
                return None if container.streams.audio else SILENT
            if not container.streams.video:
                return "it has no picture"
            picture = container.streams.video[0].codec_context
            if not (picture.width and picture.height):
                return "its header does not say how large the picture is"
            return None if container.streams.audio else SILENT
    except (av.FFmpegError, OSError, ValueError) as error:
        text = str(getattr(error, "strerror", "") or error).splitlines() or [""]
        return f"it cannot be opened ({text[0] or type(error).__name__})"

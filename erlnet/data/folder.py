"""Dataset `folder`: one video, a folder of videos, or a folder of clips that `prepare` wrote."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from erlnet.data.indexed import IndexedSource
from erlnet.data.items import Index, Item, safe_name, unique_names
from erlnet.data.options import PrepareOptions
from erlnet.data.video_files import sha256_of, videos_in
from erlnet.errors import UserError

if TYPE_CHECKING:
    from erlnet.interfaces import Preparation


@dataclass(frozen=True)
class FolderLayout:
    """A video, or every video in a folder and in those below it."""

    def index(self, root: Path) -> Index:
        if not root.is_dir():
            return videos_index([root])
        if clips := prepared_clips(root):
            held = f"{len(clips)} prepared clip{'s' if len(clips) > 1 else ''}"
            raise UserError(
                f"data={root}: holds {held}, which a sweep takes as they are; this reads what they were made of: give "
                "the folder of the videos"
            )
        try:
            return videos_index(videos_in([root]))
        except UserError:
            raise UserError(f"data={root}: neither prepared clips nor videos in this folder") from None


def videos_index(videos: Sequence[Path]) -> Index:
    """One item a video, named by its file; every video is a speaker of its own."""
    unique = {video.resolve(): video.absolute() for video in videos}  # a file given twice counts once
    ordered = sorted(unique.values())
    items = [Item(name, video, speaker=name, style="", source=name) for name, video in zip(_names(ordered), ordered)]
    return Index(tuple(sorted(items, key=lambda item: item.name)), counts={"videos": len(items)})


def _names(videos: Sequence[Path]) -> list[str]:
    """Each file's stem; where two are the same, with what tells them apart: folders before it, or its suffix.

    Folders above those that all videos share are never in a name: it would depend on where the data lies.
    """
    paths = [Path(os.path.abspath(video)) for video in videos]
    root = os.path.commonpath([path.parent for path in paths]) if paths else ""
    paths = [path.relative_to(root) for path in paths]
    names = [path.stem for path in paths]
    for depth in range(2, max((len(path.parts) for path in paths), default=1) + 1):
        names = _told_apart(names, ["-".join([*path.parts[-depth:-1], path.stem]) for path in paths])
    names = _told_apart(names, [f"{name}-{path.suffix[1:]}" for name, path in zip(names, paths)])  # .mp4 beside .mov
    return unique_names(names)


def _told_apart(names: Sequence[str], longer: Sequence[str]) -> list[str]:
    """`names` with the longer ones in place of those that are alike, where the longer ones are not."""
    choices: dict[str, set[str]] = defaultdict(set)
    for name, long in zip(names, longer):
        choices[safe_name(name)].add(safe_name(long))
    return [long if len(choices[safe_name(name)]) > 1 else name for name, long in zip(names, longer)]


@dataclass(frozen=True)
class FolderSource:
    """`ClipSource` over the user's own videos or prepared clips."""

    options: PrepareOptions

    def index(self, data: Path | None) -> Index:
        return self._videos.index(data)

    @property
    def _videos(self) -> IndexedSource:
        return IndexedSource("folder", FolderLayout(), self.options)

    def fingerprint(self, data: Path | None) -> dict:
        """Content hashes: of the prepared clips' descriptions and labels, or of the videos' sizes and ends."""
        clips = prepared_clips(data) if data is not None else []
        if not clips:
            return self._videos.fingerprint(data)
        assert data is not None
        described = [sha256_of(clip / "clip.json") for clip in clips]
        return {"clips": described} | ({"index": sha256_of(data / "index.json")} if _has_index(data) else {})

    def prepare(self, wanted: Preparation) -> None:
        """Points to prepared clips in place, or prepares the videos; UserError where every one of them fails."""
        from erlnet.data.clip import Indexed, read_index, write_index

        data = wanted.data
        clips = prepared_clips(data) if data is not None else []
        if data is None or not clips:
            self._videos.prepare(wanted)
            return
        rows = read_index(data) if _has_index(data) else [Indexed(clip) for clip in clips]
        write_index(wanted.out, [replace(row, folder=row.folder.resolve()) for row in rows])


def prepared_clips(data: Path) -> list[Path]:
    """Clip folders in `data`: itself, or those directly in it, sorted."""
    if (data / "clip.json").is_file():
        return [data]
    return sorted(path.parent for path in data.glob("*/clip.json")) if data.is_dir() else []


def _has_index(data: Path) -> bool:
    return (data / "index.json").is_file()

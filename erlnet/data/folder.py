"""Dataset `folder`: one video, a folder of videos, or a folder of clips that `prepare` wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from erlnet.data.indexed import IndexedSource
from erlnet.data.items import Index, Item, safe_name
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
        try:
            return videos_index(videos_in([root]))
        except UserError:
            raise UserError(f"data={root}: neither prepared clips nor videos in this folder") from None


def videos_index(videos: Sequence[Path]) -> Index:
    """One item a video, named by its file; every video is a speaker of its own."""
    unique = list({video.resolve(): video.absolute() for video in videos}.values())  # a file given twice counts once
    items = [Item(name, video, speaker=name, style="", source=name) for name, video in zip(_names(unique), unique)]
    return Index(tuple(sorted(items, key=lambda item: item.name)), counts={"videos": len(items)})


def _names(videos: Sequence[Path]) -> list[str]:
    """Each file's stem; where two are the same, with as many folders before it as it takes to tell them apart."""
    deepest = max((len(video.parts) for video in videos), default=1)
    names = [safe_name(video.stem) for video in videos]
    for depth in range(2, deepest + 1):
        twice = {name for name, n in Counter(names).items() if n > 1}
        if not twice:
            return names
        names = [
            safe_name("-".join([*video.parts[-depth:-1], video.stem])) if name in twice else name
            for name, video in zip(names, videos)
        ]
    twice = {name for name, n in Counter(names).items() if n > 1}  # talk.mp4 beside talk.mov
    return [f"{n}-{safe_name(v.suffix[1:])}" if n in twice else n for n, v in zip(names, videos)]


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

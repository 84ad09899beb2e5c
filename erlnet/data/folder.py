"""Dataset `folder`: one video, a folder of videos, or a folder of clips that `prepare` wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from erlnet.data.video_files import sha256_of, videos_in
from erlnet.errors import UserError

if TYPE_CHECKING:
    from erlnet.interfaces import HeadModelComponent, Progress, Tracker


@dataclass(frozen=True)
class FolderSource:
    """`ClipSource` over the user's own videos."""

    size: int  # px of newly prepared clips

    def fingerprint(self, data: Path | None) -> dict:
        """Content hashes: of each prepared clip's description, or of each video; UserError where there is neither."""
        clips = prepared_clips(_given(data))
        if clips:
            return {"clips": [sha256_of(clip / "clip.json") for clip in clips]}
        return {"videos": {video.name: sha256_of(video) for video in _videos(_given(data))}}

    def prepare(
        self, data: Path | None, out: Path, tracker: Tracker, head_model: HeadModelComponent, progress: Progress
    ) -> None:
        """Points to prepared clips in place, or prepares the videos; UserError where every one of them fails."""
        from erlnet.data.clip import write_index
        from erlnet.data.prepare import prepare_videos

        clips = prepared_clips(_given(data))
        if clips:
            write_index(out, clips)
            return
        result = prepare_videos(_videos(_given(data)), out, tracker, head_model, progress, self.size)
        if not result.done:
            raise UserError("; ".join(f"{name}: {reason}" for name, reason in result.failed))


def prepared_clips(data: Path) -> list[Path]:
    """Clip folders in `data`: itself, or those directly in it, sorted."""
    if (data / "clip.json").is_file():
        return [data]
    return sorted(path.parent for path in data.glob("*/clip.json")) if data.is_dir() else []


def _given(data: Path | None) -> Path:
    if data is None:
        raise UserError("dataset=folder needs data=VIDEO or data=FOLDER")
    if not data.exists():
        raise UserError(f"data={data}: there is no such file or folder")
    return data


def _videos(data: Path) -> list[Path]:
    if data.is_dir():
        try:
            return videos_in([data])
        except UserError:
            raise UserError(f"data={data}: neither prepared clips nor videos in this folder") from None
    return [data]

"""Frames of a video or a folder, laid out as lossless pictures for the metrics: a long clip never lies in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

from erlnet.data.clip import FPS
from erlnet.data.video import read_frames
from erlnet.errors import UserError
from erlnet.files import FULL, disk_full
from erlnet.runs.evaluate_sources import Source, pictures_in

LOSSLESS = ("ffv1", "ffvhuff", "huffyuv", "magicyuv", "png", "qtrle", "rawvideo", "utvideo")
_DEEP = ("I", "F")  # Pillow's modes of more than 8 bits begin so; converting them to RGB would clip
Size = tuple[int, int]  # height, width px


@dataclass(frozen=True)
class Staged:
    """One clip's frames, as `frames/00000.png` and so on."""

    folder: Path
    count: int
    size: Size  # as staged
    own_size: Size  # as given; another one where it was resized
    codec: str  # of a video, or the suffixes of the pictures
    lossy: bool
    rate: float | None  # frames a second of a video's own; None: a folder has none
    first: str  # file name of the first picture; "" for a video


def stage(
    source: Source, folder: Path, flag: str, fps: float, size: Size | None, tell: Callable[[int], None]
) -> Staged:
    """Writes every frame of `source` below `folder`; a video's at `fps` a second from its first picture on.

    `size` is what the frames are scaled to (None: as they are). PNG files are linked, not copied, where nothing has to
    change. UserError, beginning with `flag`, where a file cannot be read, there is no frame, or sizes change within it.
    """
    folder.mkdir(parents=True)
    files = pictures_in(source.path) if source.frames else []
    codec, rate = (_suffixes(files), None) if source.frames else _codec(source.path, flag)
    own: Size | None = None
    count = 0
    for count, (picture, file) in enumerate(_pictures(source, files, flag, fps), 1):
        found = picture.size[1], picture.size[0]
        own = own or found
        if found != own:
            raise UserError(
                f"{flag}: frame {count - 1} of {source.path} is {_px(found)}, the first is {_px(own)}; give frames of "
                "one size"
            )
        place = folder / f"{count - 1:05d}.png"
        try:
            if size is not None and size != own:
                picture = picture.convert("RGB").resize((size[1], size[0]), Image.Resampling.BICUBIC)
            elif file is not None and file.suffix.lower() == ".png":
                place.symlink_to(file.resolve())
                continue
            picture.convert("RGB").save(place, compress_level=1)
        except OSError as error:
            if error.errno in FULL:
                raise disk_full(place) from None
            raise UserError(f"{flag}: {file or source.path} cannot be read as a picture ({error})") from None
        finally:
            tell(count)
    if own is None:
        raise UserError(f"{flag}: {source.path} holds no frame")
    lossy = any(s in codec for s in ("jpg", "jpeg", "webp")) if source.frames else codec not in LOSSLESS
    first = files[0].name if files else ""
    return Staged(folder, count, size or own, own, codec, lossy, rate, first)


def size_of(source: Source, flag: str, fps: float = FPS) -> Size:
    """(height, width) px of the first frame; UserError as in `stage`."""
    files = pictures_in(source.path) if source.frames else []
    for picture, _ in _pictures(source, files, flag, fps):
        return picture.size[1], picture.size[0]
    raise UserError(f"{flag}: {source.path} holds no frame")


def block_of(staged: Staged, folder: Path, start: int, stop: int) -> Path:
    """Moves frames [start, stop) into a folder of their own, numbered from 0."""
    folder.mkdir(parents=True)
    for index in range(start, stop):
        (staged.folder / f"{index:05d}.png").rename(folder / f"{index - start:05d}.png")
    return folder


def _pictures(source: Source, files: list[Path], flag: str, fps: float) -> Iterator[tuple[Image.Image, Path | None]]:
    """(picture, its file), one at a time."""
    if not source.frames:
        try:
            for frame in read_frames(source.path, fps=fps):
                yield Image.fromarray(np.ascontiguousarray(frame)), None
        except UserError as error:
            raise UserError(f"{flag}: {error}") from None
        return
    for file in files:
        try:
            with Image.open(file) as image:
                if image.mode.startswith(_DEEP):
                    raise UserError(f"{flag}: {file} has more than 8 bits a channel; save it as 8-bit RGB")
                image.load()  # a picture that breaks off is found here, not when it is scored
                yield image, file
        except OSError as error:
            raise UserError(f"{flag}: {file} cannot be read as a picture ({error})") from None


def _codec(path: Path, flag: str) -> tuple[str, float | None]:
    """(codec's name, frames a second) of a video."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise UserError(f"{flag}: {path} holds no picture")
            stream = container.streams.video[0]
            return stream.codec_context.name, float(stream.average_rate) if stream.average_rate else None
    except av.error.FFmpegError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        raise UserError(f"{flag}: {path} cannot be read as a video ({reason}); is it one, and complete?") from None


def _suffixes(files: list[Path]) -> str:
    return "+".join(sorted({file.suffix.lower()[1:] for file in files}))


def _px(size: Size) -> str:
    return f"{size[1]}x{size[0]} px"

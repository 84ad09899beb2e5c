"""Another system's frames beside ours: read from a video or a folder, kept lossless, shown on one clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from erlnet.data.clip import FPS, SAMPLE_RATE
from erlnet.data.video import read_frames
from erlnet.errors import UserError
from erlnet.metrics.pairs import FrameSource
from erlnet.runs.animation_film import Head, film, head_size
from erlnet.runs.animation_head import BACKGROUND
from erlnet.runs.render_pictures import marked
from erlnet.runs.rendered import RenderedFrames, write_frames

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
RESERVED = ("truth", "erlnet")  # what the film and the table call the recording and ours


@dataclass(frozen=True)
class Other:
    """One system's frames as named on the command line."""

    name: str
    path: Path  # a video, or a folder of pictures, taken at 25 fps in the order of their names


def parse_beside(words: str) -> list[Other]:
    """`NAME=PATH[,NAME=PATH]`; UserError where a part is none, a name comes twice or nothing lies there."""
    found: dict[str, Other] = {}
    for part in filter(None, (part.strip() for part in words.split(","))):
        name, given, place = part.partition("=")
        if not given or not name or not place:
            raise UserError(f"--beside {part}: expected NAME=PATH, the path a video or a folder of frames")
        if name in found or name in RESERVED or Path(name).name != name or name.startswith("."):
            raise UserError(f"--beside {part}: '{name}' is taken or no plain name; choose another")
        path = Path(place)
        if not path.exists():
            raise UserError(f"--beside {part}: there is no such file or folder")
        if path.is_dir() and not _pictures(path):
            raise UserError(f"--beside {part}: the folder holds no pictures ({', '.join(_PICTURES)})")
        found[name] = Other(name, path)
    if not found:
        raise UserError(f"--beside {words}: names nothing")
    return list(found.values())


def keep_frames(other: Other, folder: Path, most: int) -> RenderedFrames:
    """Their first `most` frames as PNG files, one size; UserError where a picture cannot be read or sizes change."""
    size = None
    for index, picture in enumerate(islice(_read(other), most)):
        size = size or picture.shape[:2]
        if picture.shape[:2] != size:
            raise UserError(
                f"--beside {other.name}={other.path}: frame {index} is {picture.shape[1]}x{picture.shape[0]} px, "
                f"the first is {size[1]}x{size[0]}"
            )
        write_frames(folder, picture.transpose(2, 0, 1)[None], index)
    return RenderedFrames(folder)


def _read(other: Other) -> Iterator[np.ndarray]:
    """(H,W,3) uint8 RGB, one at a time."""
    if not other.path.is_dir():
        yield from read_frames(other.path)
        return
    for path in _pictures(other.path):
        try:
            with Image.open(path) as image:
                yield np.asarray(image.convert("RGB"))
        except OSError as error:
            raise UserError(f"--beside {other.name}={path}: cannot be read as a picture ({error})") from None


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)


def side_by_side(
    shown: Mapping[str, FrameSource], samples: np.ndarray | None, n_frames: int, mark: str | None = None
) -> Iterator[np.ndarray]:
    """The film: each source's frame t at the same time, scaled to fit its tile; dark where a source has ended.

    `mark` is the source whose tile says SYNTHETIC.
    """
    size = head_size(len(shown))
    tiles = {name: _tiles(source, size, n_frames) for name, source in shown.items()}
    heads = [Head(name, marked(pictures) if name == mark else pictures) for name, pictures in tiles.items()]
    heard = np.zeros(n_frames * SAMPLE_RATE // FPS, np.float32) if samples is None else samples
    return film(heads, heard, n_frames)


def _tiles(source: FrameSource, size: int, n_frames: int) -> Iterator[np.ndarray]:
    for index in range(n_frames):
        if index < len(source):
            yield fit(source.frames(index, index + 1)[0].transpose(1, 2, 0), size)
        else:
            yield np.tile(np.array(BACKGROUND, np.uint8), (size, size, 1))


def fit(picture: np.ndarray, size: int) -> np.ndarray:
    """(H,W,3) -> (size,size,3): scaled as a whole, with dark bars where it is not square."""
    height, width = picture.shape[:2]
    scale = size / max(height, width)
    wide, tall = max(round(width * scale), 1), max(round(height * scale), 1)
    out = Image.new("RGB", (size, size), BACKGROUND)
    scaled = Image.fromarray(np.ascontiguousarray(picture)).resize((wide, tall), Image.Resampling.BICUBIC)
    out.paste(scaled, ((size - wide) // 2, (size - tall) // 2))
    return np.asarray(out)


def sizes_told(shown: Mapping[str, FrameSource]) -> dict[str, Sequence[int]]:
    """Name -> [width, height, frames]."""
    told: dict[str, Sequence[int]] = {}
    for name, source in shown.items():
        height, width = source.frames(0, 1).shape[-2:]
        told[name] = [int(width), int(height), len(source)]
    return told

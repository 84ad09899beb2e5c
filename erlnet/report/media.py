"""Pictures and videos for the page: lossless stills, zoomed crops, one side-by-side video per clip."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageDraw, ImageFont

from erlnet.interfaces import REGIONS
from erlnet.report.inputs import Frames, RegionMaps

MAX_VIDEO_WIDTH = 1280  # px
MAX_VIDEO_SECONDS = 20  # of a longer clip the start is shown
MAX_COLUMNS = 5
LABEL_HEIGHT = 24  # px
CRF = 20  # visibly clean; scores never come from these
BACKGROUND = (24, 24, 27)


@dataclass(frozen=True)
class Tile:
    """One moving picture of a side-by-side video."""

    label: str
    frames: Frames


def png(picture: np.ndarray) -> bytes:
    """(3,H,W) uint8 -> PNG bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def region_box(maps: RegionMaps, index: int, region: str, pad: float = 0.15) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) px: the square round a region of frame `index`, padded, as far as the frame reaches.

    None where the region is not in the frame.
    """
    mask = maps.regions(index, index + 1)[0] & (1 << REGIONS.index(region)) != 0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    height, width = mask.shape
    extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    side = min(round(extent * (1 + 2 * pad)), height, width)
    left = int(np.clip((columns[0] + columns[-1] + 1 - side) // 2, 0, width - side))
    top = int(np.clip((rows[0] + rows[-1] + 1 - side) // 2, 0, height - side))
    return left, top, left + side, top + side


def side_by_side(rows: Sequence[Sequence[Tile]], fps: float, audio: np.ndarray | None, sample_rate: int) -> bytes:
    """An mp4 (H.264, AAC) of labelled tiles in step, with the clip's sound. Reads one frame of each tile at a time."""
    grid = [tile for row in rows for tile in row]
    n_frames = min(round(MAX_VIDEO_SECONDS * fps), *(len(tile.frames) for tile in grid))
    height, width = grid[0].frames.frame(0).shape[1:]
    lines = [list(row[i : i + MAX_COLUMNS]) for row in rows for i in range(0, len(row), MAX_COLUMNS)]
    columns = max(len(line) for line in lines)
    scale = min(2.0 if width < 256 else 1.0, MAX_VIDEO_WIDTH / (columns * width))
    layout = _Layout(lines, columns, round(width * scale / 2) * 2, round(height * scale / 2) * 2)
    return encode_mp4((layout.compose(i) for i in range(n_frames)), layout.size, fps, n_frames, audio, sample_rate)


class _Layout:
    """Where each tile lies; labels are drawn once."""

    def __init__(self, lines: list[list[Tile]], columns: int, tile_width: int, tile_height: int):
        self.lines, self.tile = lines, (tile_width, tile_height)
        self.size = columns * tile_width, len(lines) * (tile_height + LABEL_HEIGHT)
        self.canvas = Image.new("RGB", self.size, BACKGROUND)
        draw, font = ImageDraw.Draw(self.canvas), ImageFont.load_default(size=14)
        for (column, row), tile in self._placed():
            centre = (column + 0.5) * tile_width, row * (tile_height + LABEL_HEIGHT) + LABEL_HEIGHT / 2
            draw.text(centre, _fit(tile.label, tile_width), "white", font, anchor="mm")

    def _placed(self) -> Iterator[tuple[tuple[int, int], Tile]]:
        return (((c, r), tile) for r, line in enumerate(self.lines) for c, tile in enumerate(line))

    def compose(self, index: int) -> np.ndarray:
        """(H,W,3) uint8."""
        width, height = self.tile
        pictures: dict[int, Image.Image] = {}  # the truth stands in every line: read it once
        for (column, row), tile in self._placed():
            picture = pictures.get(id(tile.frames))
            if picture is None:
                picture = Image.fromarray(np.ascontiguousarray(tile.frames.frame(index).transpose(1, 2, 0)))
                if picture.size != self.tile:
                    picture = picture.resize(self.tile, Image.Resampling.BILINEAR)
                pictures[id(tile.frames)] = picture
            self.canvas.paste(picture, (column * width, row * (height + LABEL_HEIGHT) + LABEL_HEIGHT))
        return np.asarray(self.canvas)


def _fit(label: str, width_px: int) -> str:
    room = max(width_px // 8, 4)
    return label if len(label) <= room else label[: room - 1] + "\N{HORIZONTAL ELLIPSIS}"


def encode_mp4(
    pictures: Iterator[np.ndarray],
    size: tuple[int, int],
    fps: float,
    n_frames: int,
    audio: np.ndarray | None,
    sample_rate: int,
) -> bytes:
    """RGB pictures (H,W,3) of even `size` (width, height), and mono float sound -> mp4 bytes that any browser plays."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.options = {"crf": str(CRF), "preset": "superfast", "threads": "1"}  # clips are encoded side by side
        context = video.codec_context
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = 1, 1  # BT.709, said outright so that players do not guess
        sound = container.add_stream("aac", rate=sample_rate, layout="mono") if audio is not None else None
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None and audio is not None:
            samples = audio[: round(n_frames / fps * sample_rate)].astype(np.float32)
            block = sound.codec_context.frame_size or 1024
            for start in range(0, len(samples), block):
                chunk = av.AudioFrame.from_ndarray(samples[None, start : start + block], format="fltp", layout="mono")
                chunk.sample_rate, chunk.pts, chunk.time_base = sample_rate, start, Fraction(1, sample_rate)
                container.mux(sound.encode(chunk))
            container.mux(sound.encode(None))
    return buffer.getvalue()

"""A prepared clip on disk, read lazily.

CLIP/clip.json  frames/00000.png  audio.wav  coefficients.npz  landmarks.npz  regions.npz
A clip may hold its motion alone, or motion and sound (`has_frames`, `has_sound`; erlnet.data.motion_clip writes such).
World = camera frame (OpenCV: x right, y down, z forward, metres). `head_to_world` and `root` map the head model's rest
coordinates (FLAME's axes: x to the subject's left, y up, z out of the face) into it.
"""

from __future__ import annotations

import io
import json
import os
import wave
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from erlnet.data.frame_cache import FRAMES
from erlnet.errors import UserError
from erlnet.files import write_whole

FPS = 25
SAMPLE_RATE = 16_000
FORMAT = 1
_RUN_LENGTHS = 3  # zlib's Z_RLE
INDEX_FORMAT = 2


@dataclass(frozen=True)
class Labels:
    speaker: str
    style: str
    dataset: str
    split: str  # "train", "val" or "test" where the dataset fixes it, "" where the run's `split` decides
    source: str  # what it was cut from; the leak check goes by it


@dataclass(frozen=True)
class Camera:
    """Pinhole, OpenCV axes; pixel centres lie at +0.5."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def reduced(self, factor: int) -> Camera:
        return Camera(
            self.fx / factor, self.fy / factor, self.cx / factor, self.cy / factor,
            self.width // factor, self.height // factor,
        )  # fmt: skip


@dataclass(frozen=True)
class Coefficients:
    """The motion of one clip; every array float32, rotations axis-angle in rad, lengths in metres."""

    expression: np.ndarray  # (T,E)
    jaw: np.ndarray  # (T,3)
    lids: np.ndarray  # (T,2) left, right: 0 open .. 1 shut
    head_to_world: np.ndarray  # (T,4,4) rigid, the skull
    root: np.ndarray  # (4,4) rigid, the torso, fixed
    torso_offset: np.ndarray  # (T,2) px, how far the torso's image is from where `root` puts it
    eyes: np.ndarray  # (T,6) left, right
    shape: np.ndarray  # (S,)
    valid: np.ndarray  # (T,) bool: the tracker saw a face

    def __len__(self) -> int:
        return len(self.expression)

    @property
    def neck(self) -> np.ndarray:
        """(T,4,4) the head relative to the torso: root^-1 @ head_to_world."""
        return np.linalg.inv(self.root) @ self.head_to_world

    def torso_to_world(self, camera: Camera) -> np.ndarray:
        """(T,4,4) the torso frame by frame: `root`, shifted at its own depth until it lies `torso_offset` px aside."""
        moved = np.tile(self.root, (len(self), 1, 1))
        moved[:, :2, 3] += self.torso_offset * (self.root[2, 3] / np.array([camera.fx, camera.fy], np.float32))
        return moved

    def cut(self, start: int, stop: int) -> Coefficients:
        fixed = {"root", "shape"}
        return replace(self, **{f.name: getattr(self, f.name)[start:stop] for f in fields(self) if f.name not in fixed})


@dataclass(frozen=True)
class Clip:
    """Frames [start, stop) of a prepared clip, optionally reduced by a whole factor (area filter)."""

    folder: Path
    name: str
    labels: Labels
    camera: Camera
    start: int
    stop: int
    factor: int = 1
    offset: int = 0  # frames from the beginning of labels.source to the prepared clip's frame 0
    has_frames: bool = True  # else it has no pictures, regions or landmarks
    has_sound: bool = True
    head_model: str = ""  # component that the coefficients move, "none": none here, "": the one they were tracked with

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) px as given out."""
        return self.camera.height, self.camera.width

    def cut(self, start: int, stop: int, name: str) -> Clip:
        """Frames [start, stop) of this clip, counted from its own start."""
        if not 0 <= start < stop <= len(self):
            raise ValueError(f"{self.name}: [{start}, {stop}) is not within its {len(self)} frames")
        return replace(self, start=self.start + start, stop=self.start + stop, name=name)

    def reduced_to(self, size: int) -> Clip:
        """The clip at `size` px high, reduced by area filter; intrinsics, landmarks and offsets scale with it.

        A clip without frames has nothing to reduce and stays as it is.
        """
        if not self.has_frames:
            return self
        factor, rest = divmod(self.camera.height, size)
        if rest or factor < 1:
            height = self.camera.height
            sizes = [height // k for k in (1, 2, 4, 8) if height % k == 0]
            raise UserError(
                f"clip '{self.name}' is {height} px high and cannot be reduced to {size} by a whole factor; "
                f"set renderer.size to one of {sizes}"
            )
        return replace(self, camera=self.camera.reduced(factor), factor=self.factor * factor)

    def frame(self, index: int) -> np.ndarray:
        """(3,H,W) uint8 RGB, read-only; UserError where the clip has no frames, as for regions and landmarks."""
        self._need_frames("frames")
        path = self.folder / "frames" / f"{self.start + index:05d}.png"
        return FRAMES.get((path, self.factor), lambda: read_frame(path, self.factor))

    def frames(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """(N,3,H,W) uint8 RGB; the caller bounds N."""
        return np.stack([self.frame(i) for i in range(start, len(self) if stop is None else stop)])

    def regions(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """(N,H,W) uint8, bit i = erlnet.interfaces.REGIONS[i]."""
        self._need_frames("regions")
        half = self.factor // 2
        with np.load(self.folder / "regions.npz") as archive:
            maps = [
                archive[f"{self.start + i:05d}"][half :: self.factor, half :: self.factor]
                for i in range(start, len(self) if stop is None else stop)
            ]
        return np.stack(maps)

    @cached_property
    def audio(self) -> np.ndarray:
        """(N,) mono float32 in [-1,1] at 16 kHz, of exactly the clip's duration; UserError where it has no sound."""
        if not self.has_sound:
            raise UserError(
                f"clip '{self.name}' has no sound: a codec can be trained on it, nothing that sound drives; "
                "take data with sound"
            )
        with wave.open(str(self.folder / "audio.wav")) as file:
            per_frame = SAMPLE_RATE // FPS
            file.setpos(min(self.start * per_frame, file.getnframes()))
            raw = file.readframes(len(self) * per_frame)
        samples = np.frombuffer(raw, "<i2").astype(np.float32) / 32768
        return np.pad(samples, (0, len(self) * per_frame - len(samples)))

    @cached_property
    def coefficients(self) -> Coefficients:
        """As tracked; what every model sees."""
        coefficients = read_coefficients(self.folder / "coefficients.npz").cut(self.start, self.stop)
        return replace(coefficients, torso_offset=coefficients.torso_offset / self.factor)

    @cached_property
    def landmarks(self) -> np.ndarray:
        """(T,68,2) px, the usual 68 points; NaN where there is no face."""
        self._need_frames("landmarks")
        with np.load(self.folder / "landmarks.npz") as archive:
            return archive["landmarks"][self.start : self.stop] / self.factor

    def _need_frames(self, what: str) -> None:
        if not self.has_frames:
            raise UserError(
                f"clip '{self.name}' has no {what}, it holds motion without pictures: codec and mapper can be trained "
                "on it, a renderer cannot; take data with pictures, such as videos or dataset=demo"
            )


def read_frame(path: Path, factor: int = 1) -> np.ndarray:
    """(3,H,W) uint8 RGB of an image file, reduced by a whole factor with an area filter."""
    with Image.open(path) as image:
        colour = image.convert("RGB")
        return np.ascontiguousarray(np.asarray(colour.reduce(factor) if factor > 1 else colour).transpose(2, 0, 1))


def open_clip(folder: Path) -> Clip:
    """The whole clip that lies in `folder`; UserError where it is none."""
    try:
        text = json.loads((folder / "clip.json").read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} is no prepared clip ({error}); make one with: python -m erlnet prepare") from None
    if text.get("format") != FORMAT:
        raise UserError(f"{folder} has clip format {text.get('format')}, this version reads {FORMAT}; prepare it again")
    camera = Camera(**text["camera"])
    held = {name: text[name] for name in ("offset", "has_frames", "has_sound", "head_model") if name in text}
    return Clip(folder, text["name"], Labels(**text["labels"]), camera, 0, text["n_frames"], **held)


@dataclass(frozen=True)
class ClipFacts:
    """What a clip's description keeps beside labels and camera."""

    sources: dict[str, str] = field(default_factory=dict)  # what the clip was made from and how: file -> sha256, ...
    report: dict[str, float] = field(default_factory=dict)  # tracking figures
    offset: int = 0  # as in Clip


class ClipWriter:
    """Writes a clip frame by frame, so that memory does not grow with its length; `close` makes it complete.

    Frames and regions may come in turns or one after the other, from one thread at a time each.
    """

    def __init__(self, folder: Path, name: str, labels: Labels, camera: Camera):
        self.folder, self.name, self.labels, self.camera = folder, name, labels, camera
        self.n_frames, self._n_regions = 0, 0
        (folder / "frames").mkdir(parents=True)
        self._regions = zipfile.ZipFile(folder / "regions.npz", "w")

    def add_frame(self, frame: np.ndarray) -> None:
        """`frame` (H,W,3) uint8 RGB."""
        index, self.n_frames = self.n_frames, self.n_frames + 1
        # Run lengths alone: a third quicker than searching for repeats, and smaller, for filmed pictures.
        picture = Image.fromarray(frame)
        picture.save(self.folder / "frames" / f"{index:05d}.png", compress_level=1, compress_type=_RUN_LENGTHS)

    def add_regions(self, regions: np.ndarray) -> None:
        """`regions` (H,W) uint8 bits."""
        index, self._n_regions = self._n_regions, self._n_regions + 1
        # A fixed date keeps the archive's bytes the same for the same content.
        info = zipfile.ZipInfo(f"{index:05d}.npy", (1980, 1, 1, 0, 0, 0))
        content = io.BytesIO()
        np.lib.format.write_array(content, regions)
        # The archive's own level does not hold for a member that brings its ZipInfo.
        self._regions.writestr(info, content.getbuffer(), zipfile.ZIP_DEFLATED, compresslevel=1)

    def close(
        self, audio: np.ndarray, coefficients: Coefficients, landmarks: np.ndarray, facts: ClipFacts = ClipFacts()
    ) -> None:
        """`audio` (N,) float32 16 kHz; `landmarks` (T,68,2) px."""
        self._regions.close()
        if not self._n_regions == len(coefficients) == len(landmarks) == self.n_frames:
            raise ValueError(
                f"{self.name}: {self.n_frames} frames, {self._n_regions} regions, {len(coefficients)} coefficients, "
                f"{len(landmarks)} landmarks"
            )
        write_sound(self.folder / "audio.wav", audio)
        write_coefficients(self.folder / "coefficients.npz", coefficients)
        np.savez(self.folder / "landmarks.npz", landmarks=landmarks.astype(np.float32))
        text = described(self.name, self.n_frames, self.labels, self.camera, facts)
        (self.folder / "clip.json").write_text(json.dumps(text, indent=1))


def described(name: str, n_frames: int, labels: Labels, camera: Camera, facts: ClipFacts) -> dict[str, Any]:
    """What `clip.json` says of a clip with frames and sound."""
    return {
        "format": FORMAT, "name": name, "n_frames": n_frames, "fps": FPS, "offset": facts.offset,
        "labels": asdict(labels), "camera": asdict(camera), "sources": facts.sources, "tracking": facts.report,
    }  # fmt: skip


def write_sound(path: Path, audio: np.ndarray) -> None:
    """`audio` (N,) float in [-1,1] at 16 kHz -> a WAV of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(audio, -1, 1) * 32767).round().astype("<i2").tobytes())


def read_coefficients(path: Path) -> Coefficients:
    with np.load(path) as archive:
        return Coefficients(**{f.name: archive[f.name] for f in fields(Coefficients)})


def write_coefficients(path: Path, coefficients: Coefficients) -> None:
    arrays = {f.name: np.asarray(getattr(coefficients, f.name)) for f in fields(coefficients)}
    kept: dict[str, Any] = {k: v if v.dtype == bool else v.astype(np.float32) for k, v in arrays.items()}
    np.savez(path, **kept)


@dataclass(frozen=True)
class Indexed:
    """One row of `index.json`: a clip's folder, and its labels where they are not those in its `clip.json`."""

    folder: Path
    labels: Labels | None = None


def write_index(folder: Path, clips: Iterable[Indexed], root: Path | None = None) -> None:
    """`index.json`: the clips of a prepared data set.

    Clips that lie under `root` (`folder` by default) are named relative to `folder`, so that the whole can be moved.
    """
    root = (root or folder).resolve()
    rows: list[dict[str, Any]] = []
    for clip in clips:
        place = clip.folder.resolve()
        name = os.path.relpath(place, folder.resolve()) if place.is_relative_to(root) else str(place)
        rows.append({"folder": name} | ({"labels": asdict(clip.labels)} if clip.labels else {}))
    write_whole(folder / "index.json", json.dumps({"format": INDEX_FORMAT, "clips": rows}, indent=1))


def read_index(folder: Path) -> list[Indexed]:
    """The rows of `folder`/index.json; UserError where there is none of this format."""
    try:
        content = json.loads((folder / "index.json").read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} has no readable index.json ({error}); prepare it again") from None
    if content.get("format") != INDEX_FORMAT:
        raise UserError(f"{folder}/index.json has another format than this version reads; prepare it again")
    return [
        Indexed(folder / row["folder"], Labels(**row["labels"]) if "labels" in row else None)
        for row in content["clips"]
    ]


def open_index(folder: Path) -> list[Clip]:
    """All clips of a prepared data set, in the index's order, with the labels that the index gives them."""
    clips = []
    for row in read_index(folder):
        clip = open_clip(row.folder)
        clips.append(clip if row.labels is None else replace(clip, labels=row.labels))
    return clips

"""One video -> prepared clips, in two passes over it, so memory does not grow with its length.

The first pass finds faces and cuts. Each shot is then tracked as a whole; the second pass writes its frames, follows
its torso and sees what is person; and from what both found come the regions.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from threadpoolctl import threadpool_limits

from erlnet.data.clip import FPS, SAMPLE_RATE, Camera, ClipFacts, ClipWriter, Labels
from erlnet.data.crop import Crop, boxed_crop, face_crop
from erlnet.data.detector import FaceDetectors, fill_gaps
from erlnet.data.faces import ChosenFace, choose_face
from erlnet.data.items import Item
from erlnet.data.look import FIRST_PASS, WORK_UNITS, Seen, look
from erlnet.data.matte import PersonMatte
from erlnet.data.records import Making
from erlnet.data.sheet import ContactSheet
from erlnet.data.shelf import Shelf
from erlnet.data.shots import SHORTEST, shots
from erlnet.data.silence import Silence
from erlnet.data.silhouette import PartFaces
from erlnet.data.video import Stretch, read_audio, read_frames
from erlnet.data.video_files import sha256_of
from erlnet.data.watch import Outlines, Watched, Watcher
from erlnet.errors import InputError
from erlnet.head.blendshapes import BlendshapeMotion, from_mediapipe
from erlnet.head.mediapipe68 import to_68
from erlnet.head.model import HeadModel
from erlnet.interfaces import Observation, Origin, Progress, Tracked

SHORTEST_CLIP = 10  # frames
MIN_SEEN = 0.2  # share of a shot's frames that must show a face
MAX_RIVALS = 0.1  # share of frames that may show a second face where `faces=refuse`
_LANES = 2  # threads beside the one that decodes: what they do needs no interpreter
_WAITING = 8  # frames that wait for them, so that memory does not grow with the length
_SECOND_PASS = 0.8  # share of the work that is done when it ends, about


@dataclass(frozen=True)
class Tools:
    """What every input needs and what takes long to set up."""

    making: Making
    model: HeadModel
    parts: PartFaces
    track: Callable[[Observation, HeadModel, Progress], Tracked]
    detectors: FaceDetectors
    matte: PersonMatte | None


@contextmanager
def open_tools(making: Making) -> Iterator[Tools]:
    """AssetMissing without the landmark model, or without the matte where it is asked for."""
    with ExitStack() as stack:
        model = making.head_model.build()
        matte = stack.enter_context(PersonMatte()) if making.with_matte else None
        detectors = stack.enter_context(FaceDetectors(_LANES))
        yield Tools(making, model, PartFaces.of(model), making.tracker.build(), detectors, matte)


@dataclass(frozen=True)
class Prepared:
    """What one input gave."""

    clips: list[str]  # folder names
    left_out: list[str]  # shots that gave no clip, each with its reason


@dataclass(frozen=True)
class _Shot:
    """One clip to be made."""

    folder: str  # its name
    name: str  # the clip's
    item: Item
    seen: Seen
    begin: int  # among `seen`'s frames
    end: int

    @property
    def n_frames(self) -> int:
        return self.end - self.begin

    @property
    def offset(self) -> int:
        """Frames from the beginning of the recording."""
        return round(self.item.place * FPS) + self.stretch.begin

    @property
    def stretch(self) -> Stretch:
        return Stretch(self.seen.begin + self.begin, self.seen.begin + self.end)


def prepare_item(item: Item, shelf: Shelf, tools: Tools, progress: Progress) -> Prepared:
    """Makes the clips of one input, but for those that the shelf holds, and puts each on it as it is finished.

    A video with hard cuts gives NAME.shot00, NAME.shot01 ...; one without, NAME. InputError where no clip can be made
    of it.
    """
    seen = look(item, tools.detectors, progress)
    runs = shots(len(seen.faces), seen.cuts)
    if len(runs) > 1 and tools.making.options.cuts == "refuse":
        when = ", ".join(f"{cut / FPS:.1f} s" for cut in seen.cuts[:5])
        found = f"{len(runs) - 1} hard cuts (at {when})"
        raise InputError(f"{item.video}: {found}; dataset.cuts=split makes a clip of each shot")
    made, left_out, digest = [], [], sha256_of(item.video)
    for i, (begin, end) in enumerate(runs):
        which = "" if len(runs) == 1 else f".shot{i:02d}"
        clip = shelf.name + which
        shot = _Shot(clip, item.name + which, item, seen, begin, end)
        try:
            if len(runs) > 1 and end - begin < SHORTEST:
                raise InputError(f"is only {(end - begin) / FPS:.1f} s long")
            if not shelf.holds(clip, shot.offset, shot.n_frames):
                sources = shelf.settings | {item.video.name: digest}
                _make_clip(shot, shelf.scratch / clip, tools, sources, progress)
                shelf.put(clip, shot.offset, shot.n_frames)
            made.append(clip)
        except InputError as error:
            if len(runs) == 1:
                raise InputError(_naming(item.video, error)) from None
            left_out.append(f"shot {i} ({begin / FPS:.1f} to {end / FPS:.1f} s): {error}")
    if not made:
        raise InputError(f"{item.video}: none of its {len(runs)} shots can be used; {left_out[0]}")
    return Prepared(made, left_out)


def _make_clip(shot: _Shot, working: Path, tools: Tools, sources: dict[str, str], progress: Progress) -> None:
    shutil.rmtree(working, ignore_errors=True)
    size, n_frames = tools.making.options.size, shot.n_frames
    chosen = _choose(shot, tools)
    mesh = fill_gaps(chosen.mesh)
    crop = _crop(shot, to_68(mesh), size)
    mesh = crop.points(mesh)
    landmarks = to_68(mesh)
    with threadpool_limits(1, "blas"):  # its many small banded solves are slower on two threads than on one
        tracked = tools.track(_observation(shot, mesh, chosen, crop, tools.model), tools.model, Silence())
    sound, first_second = shot.item.sound or shot.item.video, shot.seen.start + shot.stretch.begin / FPS
    audio = read_audio(sound, first_second, n_frames)
    if audio is None:
        progress.note(f"{shot.name}: has no sound; silence is kept in its place")

    camera = Camera(tracked.focal, tracked.focal, size / 2, size / 2, size, size)
    item = shot.item
    labels = Labels(item.speaker, item.style, tools.making.dataset, item.split, item.source)
    writer = ClipWriter(working, shot.name, labels, camera)
    outlines = Outlines(tools.model, tools.parts, tracked, _held(landmarks), size)
    watched = _write_frames(shot, crop, writer, Watcher(outlines, size, tools.matte), progress)
    sheet = _write_regions(shot, watched, writer, outlines, landmarks, progress)
    filled = np.isfinite(mesh).all((1, 2))
    coefficients = replace(
        tracked.coefficients, torso_offset=watched.torso_offset, valid=tracked.coefficients.valid & filled
    )
    facts = ClipFacts(sources, tracked.report | _counts(chosen, filled, audio, tools), shot.offset)
    silence = np.zeros(n_frames * SAMPLE_RATE // FPS, np.float32)
    writer.close(silence if audio is None else audio, coefficients, landmarks, facts)
    sheet.save(working / "contact_sheet.png")


def _write_frames(shot: _Shot, crop: Crop, writer: ClipWriter, watcher: Watcher, progress: Progress) -> Watched:
    """The second pass: decoding, writing and watching go on side by side, the latter two in the frames' order."""
    with ThreadPoolExecutor(1) as write, ThreadPoolExecutor(1) as watch:
        waiting: deque[Future[None]] = deque()
        for index, frame in enumerate(read_frames(shot.item.video, shot.stretch)):
            image = crop.image(frame)
            waiting += [write.submit(writer.add_frame, image), watch.submit(watcher.see, image)]
            while len(waiting) > _WAITING:
                waiting.popleft().result()
            _tell(progress, shot, index, FIRST_PASS, _SECOND_PASS)
        for done in waiting:
            done.result()
    return watcher.found()


def _write_regions(
    shot: _Shot, watched: Watched, writer: ClipWriter, outlines: Outlines, landmarks: np.ndarray, progress: Progress
) -> ContactSheet:
    """Every frame's regions from both passes, and the sheet that shows some of them; `landmarks` (T,68,2) px."""
    sheet = ContactSheet(shot.n_frames)
    with ThreadPoolExecutor(_LANES) as pool:
        for batch in outlines.batches():
            maps = pool.map(lambda index: watched.regions(index, outlines.at(index)), batch)
            for index, regions in zip(batch, maps):
                writer.add_regions(regions)
                if sheet.wants(index):
                    image = np.asarray(Image.open(writer.folder / "frames" / f"{index:05d}.png"))
                    sheet.add(image, regions, landmarks[index])
                _tell(progress, shot, index, _SECOND_PASS, 1.0)
    return sheet


def _naming(video: Path, error: InputError) -> str:
    """The error's text with the video's name before it, once."""
    return str(error) if str(error).startswith(str(video)) else f"{video}: {error}"


def _choose(shot: _Shot, tools: Tools) -> ChosenFace:
    n_frames = shot.end - shot.begin
    if n_frames < SHORTEST_CLIP:
        raise InputError(f"it shows only {n_frames} frames at 25 fps; at least {SHORTEST_CLIP} are needed")
    chosen = choose_face(shot.seen.faces[shot.begin : shot.end])
    if chosen is None:
        raise InputError(f"no face was found in any of its {n_frames} frames")
    if tools.making.options.faces == "refuse" and chosen.rivals > MAX_RIVALS * n_frames:
        found = f"{chosen.rivals} of its {n_frames} frames show a second face"
        raise InputError(f"{found}; dataset.faces=largest takes the most prominent one")
    seen = np.isfinite(fill_gaps(chosen.mesh)).all((1, 2)).sum()
    if seen < MIN_SEEN * n_frames:
        raise InputError(f"a face was found in only {seen} of its {n_frames} frames; at least a fifth must show one")
    return chosen


def _crop(shot: _Shot, landmarks: np.ndarray, size: int) -> Crop:
    frame_size = (shot.seen.height, shot.seen.width)
    if shot.item.box is None:
        return face_crop(landmarks, frame_size, size)
    return boxed_crop(shot.item.box.scaled_to(shot.seen.height), frame_size, size)


def _observation(shot: _Shot, mesh: np.ndarray, chosen: ChosenFace, crop: Crop, model: HeadModel) -> Observation:
    guessed = _guessed(chosen.scores, model)
    frames = np.arange(shot.stretch.begin, shot.stretch.begin + len(mesh))
    numbers = shot.seen.numbers[shot.begin : shot.end]
    return Observation(
        to_68(mesh),
        (crop.size, crop.size),
        FPS,
        blendshapes=guessed.expression if guessed else None,
        lids=guessed.lids if guessed else None,
        focal=None,
        root=None,
        dense=mesh,
        origin=Origin(shot.name, shot.item.video, numbers, (frames + 0.5) / FPS, crop.left, crop.top, crop.scale),
    )


def _counts(chosen: ChosenFace, filled: np.ndarray, audio: np.ndarray | None, tools: Tools) -> dict[str, float]:
    saw_face = np.isfinite(chosen.mesh).all((1, 2))
    return {
        "frames_without_face": float((~saw_face).sum()),
        "frames_interpolated": float((filled & ~saw_face).sum()),
        "frames_masked": float((~filled).sum()),
        "frames_with_second_face": float(chosen.rivals),
        "has_sound": float(audio is not None),
        "has_matte": float(tools.matte is not None),
    }


def _tell(progress: Progress, shot: _Shot, index: int, low: float, high: float) -> None:
    """How far all is, where the shot's frame `index` takes it from `low` to `high` (shares of the work on a shot)."""
    length, total = shot.end - shot.begin, len(shot.seen.faces)
    within = low - FIRST_PASS + (high - low) * (index + 1) / length
    progress.update(
        round(WORK_UNITS * (FIRST_PASS + ((1 - FIRST_PASS) * shot.begin + within * length) / total)), WORK_UNITS
    )


def _held(landmarks: np.ndarray) -> np.ndarray:
    """(T,68,2) with the nearest known frame's landmarks where there are none: regions need some place for the face."""
    known = np.flatnonzero(np.isfinite(landmarks).all((1, 2)))
    after = np.searchsorted(known, np.arange(len(landmarks))).clip(0, len(known) - 1)
    before = (after - 1).clip(0)
    nearer = np.abs(known[before] - np.arange(len(landmarks))) < np.abs(known[after] - np.arange(len(landmarks)))
    return landmarks[known[np.where(nearer, before, after)]]


def _guessed(scores: np.ndarray, model: HeadModel) -> BlendshapeMotion | None:
    """The detector's scores as coefficients; None for a head model whose units have no names (FLAME's)."""
    try:
        return from_mediapipe(fill_gaps(scores), model.expression_names, model.jaw_open_angle)
    except ValueError:
        return None

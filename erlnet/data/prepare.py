"""Videos -> prepared clips. Three passes over each video, so memory does not grow with its length.

The first finds the face, the second what of the picture is the person and how the torso moves, the third writes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from erlnet.data.clip import FPS, SAMPLE_RATE, Camera, ClipWriter, Labels, write_index
from erlnet.data.crop import face_crop
from erlnet.data.detector import FaceDetector, fill_gaps
from erlnet.data.regions import WORK, region_map
from erlnet.data.sheet import ContactSheet
from erlnet.data.video import probe, read_audio, read_frames
from erlnet.data.video_files import sha256_of, videos_in
from erlnet.data.watch import Outlines, watch
from erlnet.errors import InputError, UserError
from erlnet.head.blendshapes import BlendshapeMotion, from_mediapipe
from erlnet.head.mediapipe68 import to_68
from erlnet.head.model import HeadModel
from erlnet.interfaces import HeadModelComponent, Observation, Progress, Tracked, Tracker

VERSION = 1  # raised when the same video gives another clip
MIN_SEEN = 0.2  # share of frames that must show a face
_WAITING = 8  # frames that wait to be written, so that memory does not grow with the length


@dataclass(frozen=True)
class PrepareResult:
    """Folders of the clips that are there now, and (file name, reason) of the inputs that failed."""

    done: list[Path]
    failed: list[tuple[str, str]]


def prepare_videos(
    inputs: Sequence[Path],
    out: Path,
    tracker: Tracker,
    head_model: HeadModelComponent,
    progress: Progress,
    size: int = 512,
) -> PrepareResult:
    """Each video -> `out`/<stem>/; what is there already, of the same bytes and settings, is not made again.

    A failed input is recorded in `out`/failed.json and does not stop the others. UserError where `out` cannot be
    written or two inputs would share a folder.
    """
    videos = videos_in(inputs)
    stems = [video.stem for video in videos]
    twice = {stem for stem in stems if stems.count(stem) > 1}
    if twice:
        raise UserError(f"two inputs are named '{sorted(twice)[0]}': each clip's folder is named by its file's stem")
    if size % 64:
        raise UserError(f"--size {size}: expected a multiple of 64")
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ".writable").write_text("")
        (out / ".writable").unlink()
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror}); choose another folder") from None
    done, failed = [], []
    for video in videos:
        try:
            done.append(_prepare_one(video, out, tracker, head_model, progress, size))
        except InputError as error:
            failed.append((video.name, str(error)))
            progress.note(f"{video.name}: {error}")
    _write_whole(out / "failed.json", json.dumps([{"name": n, "reason": r} for n, r in failed], indent=1))
    write_index(out, sorted(p.parent for p in out.glob("*/clip.json")))
    return PrepareResult(done, failed)


def _prepare_one(
    video: Path, out: Path, tracker: Tracker, head_model: HeadModelComponent, progress: Progress, size: int
) -> Path:
    final = out / video.stem
    if not video.is_file():
        raise InputError(f"{video}: there is no such file")
    settings = _settings(video, tracker, head_model, size)
    if (final / "clip.json").exists() and _read_settings(final) == settings:
        progress.note(f"{video.name}: already prepared")
        return final
    working = out / f".{video.stem}.{os.getpid()}"
    shutil.rmtree(working, ignore_errors=True)
    try:
        _make_clip(video, working, tracker, head_model, progress, size, settings)
        shutil.rmtree(final, ignore_errors=True)
        working.rename(final)
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return final


def _settings(video: Path, tracker: Tracker, head_model: HeadModelComponent, size: int) -> dict[str, str]:
    """What a prepared clip depends on; kept as its sources."""
    return {
        video.name: sha256_of(video),
        "prepare": f"version {VERSION}, {size} px",
        "tracker": f"{tracker!r} version {tracker.VERSION}",  # type: ignore[attr-defined]
        "head_model": f"{head_model!r} version {head_model.VERSION}",  # type: ignore[attr-defined]
    }


def _read_settings(folder: Path) -> dict[str, str] | None:
    try:
        return json.loads((folder / "clip.json").read_text())["sources"]
    except (OSError, ValueError, KeyError):
        return None


@dataclass(frozen=True)
class _Seen:
    """What the first pass found, in source px."""

    mesh: np.ndarray  # (T,478,2), NaN without a face
    scores: np.ndarray  # (T,52), NaN without a face


def _make_clip(
    video: Path,
    working: Path,
    tracker: Tracker,
    head_model: HeadModelComponent,
    progress: Progress,
    size: int,
    settings: dict[str, str],
) -> None:
    info = probe(video)
    seen = _detect(video, info.n_frames, progress)
    n_frames = len(seen.mesh)
    mesh = fill_gaps(seen.mesh)
    found = np.isfinite(mesh).all((1, 2))
    if found.mean() < MIN_SEEN:
        raise InputError(
            f"a face was found in only {found.sum()} of its {n_frames} frames; at least a fifth must show one"
        )
    crop = face_crop(to_68(mesh), (info.height, info.width), size)
    mesh = crop.points(mesh)
    landmarks = to_68(mesh)
    model = head_model.build()
    guessed = _guessed(seen.scores, model)
    observation = Observation(
        landmarks,
        (size, size),
        FPS,
        blendshapes=guessed.expression if guessed else None,
        lids=guessed.lids if guessed else None,
        focal=None,
        root=None,
        dense=mesh,
    )
    with threadpool_limits(1, "blas"):  # its many small banded solves are slower on two threads than on one
        tracked: Tracked = tracker.build()(observation, model, progress)
    audio = read_audio(video, info.start, n_frames)
    if audio is None:
        progress.note(f"{video.name}: has no sound; silence is kept in its place")
        audio = np.zeros(n_frames * SAMPLE_RATE // FPS, np.float32)
    outlines = Outlines(model, tracked, _held(landmarks), size)
    watched = watch(video, crop, outlines)
    camera = Camera(tracked.focal, tracked.focal, size / 2, size / 2, size, size)
    writer = ClipWriter(working, video.stem, Labels(video.stem, "", "folder", "", video.name), camera)
    sheet = ContactSheet(n_frames)
    # Compressing a frame takes as long as all else about it and needs no interpreter: a second core does it.
    with ThreadPoolExecutor(1) as pool:
        written: deque[Future[None]] = deque()
        for index, frame in enumerate(read_frames(video)):
            image = crop.image(frame)
            shape = outlines.at(index)
            regions = region_map(
                shape, shape.landmarks, watched.person, size, watched.torso_offset[index] * WORK / size
            )
            written.append(pool.submit(writer.add_frame, image, regions))
            if len(written) > _WAITING:
                written.popleft().result()
            sheet.add(index, image, regions, landmarks[index])
            progress.update(n_frames + index + 1, 2 * n_frames)
        for frame_written in written:
            frame_written.result()
    saw_face = np.isfinite(seen.mesh).all((1, 2))  # what was filled in is for the eye alone
    valid = tracked.coefficients.valid & saw_face
    coefficients = replace(tracked.coefficients, torso_offset=watched.torso_offset, valid=valid)
    report = tracked.report | {"frames_without_face": float((~saw_face).sum())}
    writer.close(audio, coefficients, landmarks, settings, report)
    sheet.save(working / "contact_sheet.png")


def _detect(video: Path, expected: int, progress: Progress) -> _Seen:
    mesh, scores = [], []
    with FaceDetector() as detector:
        for index, frame in enumerate(read_frames(video)):
            face = detector(frame)
            mesh.append(face.mesh if face else np.full((478, 2), np.nan, np.float32))
            scores.append(face.scores if face else np.full(52, np.nan, np.float32))
            progress.update(index + 1, 2 * max(expected, index + 1))
    if not np.isfinite(np.stack(mesh)).any():
        raise InputError(f"no face was found in any of its {len(mesh)} frames")
    return _Seen(np.stack(mesh), np.stack(scores))


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


def _write_whole(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)

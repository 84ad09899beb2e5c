"""The first look at a video: where its faces are, and where it cuts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from erlnet.data.clip import FPS
from erlnet.data.crop import boxed_crop
from erlnet.data.detector import Face, FaceDetectors
from erlnet.data.finder import FaceFinder
from erlnet.data.items import Item
from erlnet.data.shots import cuts, thumbnail
from erlnet.data.video import Shown, Stretch, probe, read_shown
from erlnet.errors import InputError
from erlnet.interfaces import Progress

WORK_UNITS = 1000  # one input's whole work, in `Progress.update`
FIRST_PASS = 0.4  # of it is done when this look ends, about


@dataclass(frozen=True)
class Seen:
    """What was found in N frames at 25 fps."""

    faces: list[list[Face]]
    numbers: np.ndarray  # (N,) the source frame that each shows
    cuts: list[int]
    height: int  # px of the source's pictures, upright
    width: int
    start: float  # s, container time of the video's first frame
    begin: int  # frames at 25 fps from the video's first to the first of these


def look(item: Item, detectors: FaceDetectors, progress: Progress) -> Seen:
    """Every frame of `item`; InputError where it cannot be decoded or shows no face at all.

    Where the data set says what to cut out, only that is looked at: who else is in the picture does not count.
    """
    info = probe(item.video)
    left, top, part = 0, 0, (slice(None), slice(None))
    if item.box is not None:
        cut = boxed_crop(item.box.scaled_to(info.height), (info.height, info.width), 0)
        left, top = cut.left, cut.top
        part = slice(top, top + cut.side), slice(left, left + cut.side)
    begin = round(item.start * FPS)
    stretch = Stretch(begin, None if item.stop is None else round(item.stop * FPS))
    expected = max((stretch.end or info.n_frames) - begin, 1)
    faces, numbers, small = [], [], []
    for shown, found in _searched(read_shown(item.video, stretch), part, detectors):
        faces.append([face.moved(left, top) for face in found])
        numbers.append(shown.number)
        small.append(thumbnail(shown.picture))
        progress.update(round(WORK_UNITS * FIRST_PASS * min(len(faces) / expected, 1)), WORK_UNITS)
    missing = 0 if stretch.end is None else stretch.end - begin - len(faces)
    if missing > 1:
        progress.note(f"{item.name}: the video ends {missing / FPS:.1f} s before the stretch that was asked for")
    if not any(faces):
        raise InputError(f"{item.video}: no face was found in any of its {len(faces)} frames")
    shown_frames = np.array(numbers)
    at = cuts(np.stack(small), shown_frames)
    return Seen(faces, shown_frames, at, info.height, info.width, info.start, begin)


def _searched(
    frames: Iterator[Shown], part: tuple[slice, slice], detectors: FaceDetectors
) -> Iterator[tuple[Shown, list[Face]]]:
    """Each frame with the faces in its `part`; the frames after it are decoded and looked at meanwhile."""
    finder = FaceFinder(detectors)
    ahead: deque[tuple[Shown, Future[list[Face]] | None]] = deque()
    with ThreadPoolExecutor(detectors.count) as pool:
        for shown in frames:
            whole = pool.submit(detectors.faces, shown.picture[part]) if finder.sees_whole else None
            ahead.append((shown, whole))
            if len(ahead) > 2 * detectors.count:
                shown, whole = ahead.popleft()
                yield shown, finder(shown.picture[part], whole.result() if whole else None)
        for shown, whole in ahead:
            yield shown, finder(shown.picture[part], whole.result() if whole else None)

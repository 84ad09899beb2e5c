"""Several faces in a shot: which of them is the one, from the first frame to the last.

Faces are linked from frame to frame into tracks; the track with the most size and time is the speaker's, and tracks
that go on where it breaks off (a hand before the face, a glance aside) are joined to it. So the choice does not jump to
a passer-by who is larger for a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from erlnet.data.detector import MESH_POINTS, Face

_NEAR = 0.6  # of a face's size that it may move in a frame
_GONE = 12  # frames without it before a track ends
_REJOIN = 1.2  # of a face's size: how far from where it was lost it may be found again
_GROWTH = 1.6  # and by how much larger or smaller
_RIVAL = 0.5  # of the speaker's size from which another face counts


@dataclass(frozen=True)
class ChosenFace:
    """One face through a shot of T frames, in source px; NaN where it was not found."""

    mesh: np.ndarray  # (T,478,2)
    scores: np.ndarray  # (T,52)
    rivals: int  # frames that show another face of at least half its size


@dataclass
class _Track:
    frames: list[int]
    faces: list[Face]

    @property
    def prominence(self) -> float:
        return sum(_size(face) for face in self.faces)


def choose_face(found: Sequence[Sequence[Face]]) -> ChosenFace | None:
    """The speaker among the faces of each frame; None where no frame has one."""
    tracks = _link(found)
    if not tracks:
        return None
    main, *others = sorted(tracks, key=lambda track: -track.prominence)
    for other in sorted(others, key=lambda track: track.frames[0]):
        if _goes_on(main, other):
            order = np.argsort([*main.frames, *other.frames])
            frames, faces = [*main.frames, *other.frames], [*main.faces, *other.faces]
            main = _Track([frames[i] for i in order], [faces[i] for i in order])
    mesh = np.full((len(found), MESH_POINTS, 2), np.nan, np.float32)
    scores = np.full((len(found), len(main.faces[0].scores)), np.nan, np.float32)
    mesh[main.frames] = [face.mesh for face in main.faces]
    scores[main.frames] = [face.scores for face in main.faces]
    usual = np.median([_size(face) for face in main.faces])
    mine = set(map(id, main.faces))
    rivals = sum(any(id(f) not in mine and _size(f) >= _RIVAL * usual for f in faces) for faces in found)
    return ChosenFace(mesh, scores, rivals)


def _link(found: Sequence[Sequence[Face]]) -> list[_Track]:
    tracks: list[_Track] = []
    open_tracks: list[_Track] = []
    for index, faces in enumerate(found):
        open_tracks = [t for t in open_tracks if index - t.frames[-1] <= _GONE]
        pairs = sorted(
            ((_distance(track.faces[-1], face), i, j) for i, track in enumerate(open_tracks)
             for j, face in enumerate(faces)),
        )  # fmt: skip
        used_tracks, used_faces = set(), set()
        for distance, i, j in pairs:
            if distance <= _NEAR and i not in used_tracks and j not in used_faces:
                used_tracks.add(i)
                used_faces.add(j)
                open_tracks[i].frames.append(index)
                open_tracks[i].faces.append(faces[j])
        for j, face in enumerate(faces):
            if j not in used_faces:
                track = _Track([index], [face])
                tracks.append(track)
                open_tracks.append(track)
    return tracks


def _goes_on(main: _Track, other: _Track) -> bool:
    """No frame holds both, and where they come nearest in time they are at one place and of one size."""
    if set(main.frames) & set(other.frames):
        return False
    gaps = np.abs(np.subtract.outer(main.frames, [other.frames[0], other.frames[-1]]))
    i, end = np.unravel_index(gaps.argmin(), gaps.shape)
    a, b = main.faces[i], other.faces[0 if end == 0 else -1]
    ratio = _size(a) / _size(b)
    return _distance(a, b) <= _REJOIN and 1 / _GROWTH < ratio < _GROWTH


def _size(face: Face) -> float:
    return float(face.area**0.5)


def _distance(a: Face, b: Face) -> float:
    """Between the faces' middles, over the mean of their sizes."""
    middle = (a.box[:2] + a.box[2:]) / 2 - (b.box[:2] + b.box[2:]) / 2
    return float(np.linalg.norm(middle)) / max((_size(a) + _size(b)) / 2, 1e-6)

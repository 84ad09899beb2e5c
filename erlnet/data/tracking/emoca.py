"""Tracker `emoca`: EMOCA's codes of a video -> coefficients (Danecek et al. 2022; what it writes: emoca_files.py).

From its camera to ours. EMOCA poses FLAME by one rotation R about the root joint J, looks along z with an orthographic
camera and draws x to the right and y upwards: of a head at rest that faces the camera the subject's left is on the
picture's right, up is up, and z comes out of the picture. Our world has y down and z into the picture, so F =
diag(1,-1,-1), a proper rotation, takes EMOCA's axes to ours.

The face's middle c (mean of the 68 resting points) stands at e = R (c - J) + J and is drawn at pixel u with k px per
metre. A pinhole of focal length f shows it there, as large, if it stands at p = (u - centre, f) z / f with z = f / k.
About p the pinhole shows what an orthographic camera shows that looks along the ray to p; EMOCA looked straight at its
crop, so R is what that camera sees, and the head's rotation is Q F R, with Q the shortest turn of the optical axis onto
the ray. So head_to_world maps v to Q F R (v - c) + p.

EMOCA's R turns the head and everything below it alike. Here it is the skull's alone: the torso stands (root.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from erlnet.data.clip import Coefficients
from erlnet.data.tracking.emoca_camera import BY_SCALE, Camera, picture_of, read_camera
from erlnet.data.tracking.emoca_files import Codes, Folder, check_length, find_folder, read_codes
from erlnet.data.tracking.imported import (
    filled,
    filled_rigid,
    filled_rotations,
    is_flame,
    joints_of,
    short_gaps,
    standing_root,
    with_figures,
)
from erlnet.errors import InputError, UserError
from erlnet.head.model import HeadModel
from erlnet.interfaces import Observation, Origin, Progress, Tracked

_FLIP = np.diag([1.0, -1.0, -1.0])
_DISAGREE = 1.25  # a stated depth and one by EMOCA's scale that differ by more cannot both be right


@dataclass(frozen=True)
class EmocaTracker:
    """The callable that slot `tracker` asks for."""

    path: str
    stated: Camera  # by options

    def __call__(self, observation: Observation, model: HeadModel, progress: Progress) -> Tracked:
        """UserError where the options or the head model are wrong for every clip, InputError where this clip's output
        is missing, unreadable, another video's or of other widths, or nothing states its camera."""
        origin = observation.origin
        if not is_flame(model):
            raise UserError(
                "tracker=emoca gives FLAME's components, which mean nothing to this head model: set head_model=flame"
            )
        if origin is None:
            raise UserError(
                "tracker=emoca imports what EMOCA found in a video, and this data was not cut from one; "
                "use tracker=landmarks"
            )
        self.stated.check_options()
        folder = find_folder(self.path, origin)
        check_length(folder, origin, np.isfinite(observation.landmarks).all((1, 2)))
        camera = self.stated.or_else(read_camera(folder.path, _top(self.path, folder)))
        camera.check(folder.path)
        names = _own_faces(folder, camera, observation, origin)
        known = np.array([name is not None for name in names])
        if known.mean() < 0.5:
            raise InputError(
                f"{folder.path} has a crop on the face in only {known.sum()} of the {len(known)} frames of clip "
                f"'{origin.name}'; give EMOCA's output, and crops in px, of {origin.video.name}"
            )
        progress.update(1, 3)
        each = list(dict.fromkeys(name for name in names if name))
        codes = read_codes(folder, each, camera.cams)
        row = {name: i for i, name in enumerate(each)}
        codes = Codes(*(values[[row[name or each[0]] for name in names]] for values in vars(codes).values()))
        _check_widths(codes, model, folder)
        finite = np.all([np.isfinite(values).all(1) for values in vars(codes).values()], axis=0)
        known &= finite & (codes.cam[:, 0] > 0)
        if not known.any():
            raise InputError(f"{folder.path}: none of its codes is a number; run EMOCA again")
        progress.update(2, 3)
        boxes = np.array([camera.box(name or each[0]) for name in names])
        tracked = _imported(observation, origin, model, codes, boxes, known, camera, folder)
        progress.update(3, 3)
        return tracked


def _imported(
    observation: Observation,
    origin: Origin,
    model: HeadModel,
    codes: Codes,
    boxes: np.ndarray,
    known: np.ndarray,
    camera: Camera,
    folder: Folder,
) -> Tracked:
    shape = np.median(codes.shape[known], axis=0) if observation.shape is None else observation.shape
    shape = np.asarray(shape, np.float32)
    a = model.arrays
    rest = np.einsum("nk,nkx->nx", a.landmark_barycentric, (a.v_template + a.shapedirs @ shape)[a.landmark_vertices])
    middle, root_joint = rest.mean(0).astype(float), joints_of(model, shape)[0]

    turn = np.tile(np.eye(3), (len(known), 1, 1))
    turn[known] = Rotation.from_rotvec(codes.turn[known]).as_matrix()
    pixel, per_metre = picture_of(turn @ (middle - root_joint) + root_joint, codes.cam, boxes)
    pixel, per_metre = (pixel - [origin.left, origin.top]) * origin.scale, per_metre * origin.scale
    focal = camera.focal * origin.scale
    depth = focal / np.where(known, per_metre, 1.0)
    if camera.depth != BY_SCALE:
        depth = depth * _agreed(float(camera.depth), float(np.median(depth[known])), folder)
    height, width = observation.size
    ray = np.concatenate([pixel - [width / 2, height / 2], np.full((len(known), 1), focal)], 1)  # px
    place = ray * (depth / focal)[:, None]

    head = np.tile(np.eye(4), (len(known), 1, 1))
    head[known, :3, :3] = along_the_ray(place[known]) @ _FLIP @ turn[known]
    head[known, :3, 3] = place[known] - head[known, :3, :3] @ middle
    head = filled_rigid(head, known)
    jaw = np.tile(np.eye(3), (len(known), 1, 1))
    jaw[known] = Rotation.from_rotvec(codes.jaw[known]).as_matrix()
    jaws = np.where(known[:, None], codes.jaw, Rotation.from_matrix(filled_rotations(jaw, known)).as_rotvec())
    bridged = short_gaps(known)
    coefficients = Coefficients(
        expression=filled(codes.expression, known).astype(np.float32),
        jaw=jaws.astype(np.float32),
        lids=np.zeros((len(known), 2), np.float32),
        head_to_world=head.astype(np.float32),
        root=np.asarray(
            standing_root(model, shape, head) if observation.root is None else observation.root, np.float32
        ),
        torso_offset=np.zeros((len(known), 2), np.float32),
        eyes=np.zeros((len(known), 6), np.float32),
        shape=shape,
        valid=known | bridged,
    )
    report = {
        "frames_interpolated": float(bridged.sum()),
        "frames_held": float((~known & ~bridged).sum()),
        "depth_m": round(float(np.median(depth[known])), 3),
        "lids_known": 0.0,  # EMOCA estimates neither lids nor eyes: they are zero
        "eyes_known": 0.0,
    }
    return with_figures(observation, model, coefficients, focal, report)


def along_the_ray(place: np.ndarray) -> np.ndarray:
    """(T,3) points before the camera -> (T,3,3) the shortest turns of the optical axis onto the rays to them."""
    ray = place / np.linalg.norm(place, axis=1, keepdims=True)
    axis = np.cross([0.0, 0.0, 1.0], ray)  # of length sin(angle)
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(sine, ray[:, 2:])
    return Rotation.from_rotvec(axis * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 1.0)).as_matrix()


def _own_faces(folder: Folder, camera: Camera, observation: Observation, origin: Origin) -> list[str | None]:
    """For each frame of the clip the face folder whose crop lies on the clip's face; None where there is none.

    EMOCA numbers the faces of a frame anew in every frame, so its 000 may be another person's.
    """
    middle = observation.landmarks.mean(1) / origin.scale + [origin.left, origin.top]  # (T,2) source px
    seen = np.isfinite(middle).all(1)
    usual = np.median(middle[seen], axis=0) if seen.any() else None
    out: list[str | None] = []
    for t, frame in enumerate(origin.frames):
        boxes = {name: camera.box(name) for name in folder.faces.get(int(frame), [])}
        where = middle[t] if seen[t] else usual
        near = {n: _off(box, where) for n, box in boxes.items() if box is not None}
        best = min(near, key=near.__getitem__, default=None)
        out.append(best if best is not None and near[best] < 1 else None)
    return out


def _off(box: tuple[float, ...], where: np.ndarray | None) -> float:
    """How far a point is from a crop's middle, over half its side: under 1 inside."""
    if where is None:
        return 0.0
    return float(np.abs(np.array(box[:2]) + box[2] / 2 - where).max() / (box[2] / 2))


def _check_widths(codes: Codes, model: HeadModel, folder: Folder) -> None:
    for what, given, wanted, option in (
        ("exp.npy", codes.expression.shape[1], model.n_expression, "n_expression"),
        ("shape.npy", codes.shape.shape[1], model.n_shape, "n_shape"),
    ):
        if given != wanted:
            raise InputError(
                f"EMOCA's {what} in {folder.path} has {given} numbers, the head model takes {wanted}: "
                f"set head_model.{option}={given}"
            )


def _agreed(stated: float, by_scale: float, folder: Folder) -> float:
    """The factor from the depth by scale to the stated one; InputError where they cannot both be right."""
    if not 1 / _DISAGREE < stated / by_scale < _DISAGREE:
        raise InputError(
            f"EMOCA's scale in {folder.path} puts the head at {by_scale:.2f} m at the stated focal length, not at the "
            f"stated depth of {stated:g} m; correct one of them, or state depth=scale"
        )
    return stated / by_scale


def _top(path: str, folder: Folder) -> Path:
    top = Path(path).expanduser()
    return top if top in (folder.path, *folder.path.parents) else folder.path

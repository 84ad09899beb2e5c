"""Where a fit starts: the pose of a stiff face, in closed form for all frames at once."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

_AROUND = 5  # frames
_JUMP = 0.03  # m beyond steady motion in two frames
_GROWTH = 0.2  # natural log

# Points that expressions hardly move: nose, eye corners, upper jaw line.
STIFF_POINTS = (0, 1, 15, 16, 27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45)


def stiff_pose(
    rest: Float[Tensor, "N 3"], pixels: Float[Tensor, "T N 2"]
) -> tuple[Float[Tensor, "T 3 3"], Float[Tensor, "T 2"], Float[Tensor, " T"]]:
    """Head rotation, the stiff points' middle px, and scale px/m that map a stiff face onto landmarks seen from afar.

    Rows of NaN landmarks get the pose of the nearest frame that has them.
    """
    points = rest[list(STIFF_POINTS)]
    seen = pixels[:, STIFF_POINTS]
    found = torch.isfinite(seen).flatten(1).all(1)
    seen = seen[_nearest_true(found)]
    places = seen.mean(1)
    affine = torch.einsum("tni,nj->tij", seen - places[:, None], torch.linalg.pinv(points - points.mean(0)).T)
    # The nearest pair of orthogonal rows of equal length; the third row follows.
    left, sizes, right = torch.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    rotation = torch.cat([rows, torch.linalg.cross(rows[:, :1], rows[:, 1:])], 1)
    return rotation, places, sizes.mean(1)


def slips(places: Float[Tensor, "T 2"], scales: Float[Tensor, " T"]) -> Bool[Tensor, " T"]:
    """Frames in which a detector found something else: the face's middle is further from the median of five frames
    round it than a head can jump, or its size is."""
    if len(places) < _AROUND:
        return torch.zeros(len(places), dtype=torch.bool, device=places.device)
    track = torch.cat([places / scales.median(), scales[:, None].log()], 1)  # m, natural log
    edge = _AROUND // 2
    padded = torch.cat([track[:1].expand(edge, 3), track, track[-1:].expand(edge, 3)])
    off = (track - padded.unfold(0, _AROUND, 1).median(-1).values).abs()
    return (off[:, :2].norm(dim=1) > _JUMP) | (off[:, 2] > _GROWTH)


def in_the_world(
    rest: Float[Tensor, "N 3"],
    rotations: Float[Tensor, "T 3 3"],
    places: Float[Tensor, "T 2"],
    scales: Float[Tensor, " T"],
    focal: float,
    centre: Float[Tensor, " 2"],
) -> Float[Tensor, "T 3"]:
    """Translations m that put `stiff_pose`'s faces before a camera."""
    middle = rest[list(STIFF_POINTS)].mean(0)
    flat = (places - centre) / scales[:, None]
    return torch.cat([flat, (focal / scales)[:, None]], 1) - torch.einsum("tij,j->ti", rotations, middle)


def middle_rotation(rotations: Float[Tensor, "T 3 3"]) -> Float[Tensor, "3 3"]:
    """The mean rotation in the chordal sense."""
    left, _, right = torch.linalg.svd(rotations.mean(0))
    sign = torch.ones(3, dtype=rotations.dtype, device=rotations.device)
    sign[2] = torch.det(left @ right)
    return left @ torch.diag(sign) @ right


def key_runs(pixels: Float[Tensor, "T N 2"], count: int, run: int) -> Tensor:
    """About `count` frame numbers, rising, in runs of `run` neighbours round the faces that differ most.

    So few frames tell a person's shape, and smoothness in time still has something to hold on to. All frames where
    there are not many more than `count`.
    """
    n_frames = len(pixels)
    if n_frames <= 1.25 * count:
        return torch.arange(n_frames)
    chosen = torch.zeros(n_frames, dtype=torch.bool)
    for frame in _most_different(pixels, count // run):
        start = min(max(frame - run // 2, 0), n_frames - run)
        chosen[start : start + run] = True
    return chosen.nonzero()[:, 0]


def _most_different(pixels: Float[Tensor, "T N 2"], count: int) -> list[int]:
    """Frames whose faces differ most, position and size taken out: each next one is farthest from all before."""
    whole = torch.isfinite(pixels).flatten(1).all(1).nonzero()[:, 0]
    faces = pixels[whole]
    faces = faces - faces.mean(1, keepdim=True)
    faces = (faces / faces.norm(dim=(1, 2), keepdim=True)).flatten(1)
    farthest = int((faces - faces.median(0).values).norm(dim=1).argmin())  # the most usual face first
    distance = torch.full((len(faces),), torch.inf, dtype=faces.dtype)
    chosen: list[int] = []
    while len(chosen) < min(count, len(faces)):
        chosen.append(int(whole[farthest]))
        distance = torch.minimum(distance, (faces - faces[farthest]).norm(dim=1))
        farthest = int(distance.argmax())
    return chosen


def _nearest_true(found: Tensor) -> Tensor:
    """For every index the nearest index at which `found` is true."""
    places = found.nonzero()[:, 0].cpu().numpy()
    index = np.arange(len(found))
    after = np.searchsorted(places, index).clip(0, len(places) - 1)
    before = (after - 1).clip(0)
    closer = np.abs(places[before] - index) < np.abs(places[after] - index)
    return torch.from_numpy(places[np.where(closer, before, after)]).to(found.device)

"""Regions, lids and neck points of a FLAME head, from its template, its weights and its 68 landmarks alone."""

import numpy as np
from scipy.spatial import Delaunay, QhullError

LIPS, INNER_LIPS = slice(48, 60), slice(60, 68)
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)


def regions(template: np.ndarray, weights: np.ndarray, points: np.ndarray) -> dict[str, np.ndarray]:
    """The masks of the shipped model, (V,) bool each; FLAME has no shoulders, teeth or tongue, so those are empty.

    `template` (V,3) m, `weights` (V,5), `points` (68,3) m.
    """
    x, y, z = template.T
    eyeballs = weights[:, 3:].sum(1) > 0.5
    height = points[27, 1] - points[8, 1]  # nose root to chin, some 0.11 m: the unit of every distance below

    # The head ends at the jaw: below a line from the chin to the ears, flat behind them.
    ear = points[[0, 16]].mean(0)
    slope = np.clip((z - ear[2]) / (points[8, 2] - ear[2]), 0, 1)
    jaw_height = (1 - slope) * (ear[1] - 0.35 * height) + slope * (points[8, 1] - 0.05 * height)
    head = (y > jaw_height) | eyeballs
    front = z > ear[2] + 0.08 * height
    top = points[17:27, 1].max() + 0.25 * height
    ears = head & (np.abs(x) > np.abs(points[[0, 16], 0]).mean() * 0.94)
    ears &= (np.abs(y - ear[1] + 0.13 * height) < 0.33 * height) & (z < ear[2] - 0.01 * height)
    ears &= z > ear[2] - 0.4 * height
    face = head & front & (y < top) & ~ears & ~eyeballs

    lip_zone = _inside(points[LIPS, :2], template[:, :2], 1.06) & (z > points[LIPS, 2].min() - 0.02 * height)
    lips = face & lip_zone
    cavity = _inside(points[LIPS, :2], template[:, :2], 1.0) & ~lips & (z > ear[2]) & (z < points[LIPS, 2].min())
    lids = np.zeros_like(face)
    for eye in (RIGHT_EYE, LEFT_EYE):
        near = z > points[eye, 2].min() - 0.15 * height
        lids |= face & near & _inside(points[eye, :2], template[:, :2], 1.35)
    none = np.zeros_like(face)
    return {
        "face": face,
        "mouth": lips | cavity,
        "eyes": eyeballs | lids,
        "ears": ears,
        "scalp": head & ~face & ~ears & ~eyeballs & ~cavity & (y > ear[1] - 0.3 * height),
        "head": head,
        "neck": ~head,
        "torso": none,
        "eyeballs": eyeballs,
        "eyelids": lids,
        "teeth": none,
        "tongue": none,
        "lips": lips,
    }


def _inside(outline: np.ndarray, points: np.ndarray, scale: float) -> np.ndarray:
    """(N,) bool: in the convex hull of `outline` (M,2) grown by `scale` about its centre."""
    centre = outline.mean(0)
    try:
        return Delaunay(centre + scale * (outline - centre)).find_simplex(points) >= 0
    except QhullError:  # points on a line enclose nothing
        return np.zeros(len(points), bool)


def lid_directions(template: np.ndarray, points: np.ndarray, joints: np.ndarray, eyeballs: np.ndarray) -> np.ndarray:
    """(V,3,2) m, left and right: the upper lid turned about the eye's horizontal axis until it meets the lower one.

    The turn is taken at each vertex's own x, from the lid margins that the landmarks draw; it fades out towards the
    brow. It is a chord of that turn, since a direction is straight.
    """
    directions = np.zeros((len(template), 3, 2))
    sides = ((points[LEFT_EYE], joints[3]), (points[RIGHT_EYE], joints[4]))
    for side, (eye, centre) in enumerate(sides):
        margin = {0: eye[[0, 1, 2, 3]], 1: eye[[0, 5, 4, 3]]}  # upper and lower, corner to corner
        upper, lower = (_elevation_at(template[:, 0], margin[k], centre) for k in (0, 1))
        offset = template - centre
        elevation = np.arctan2(offset[:, 1], offset[:, 2])
        fade = 0.7  # rad above the margin at which skin rests; about the crease under the brow
        above = np.clip((elevation - upper) / fade, 0, 1)
        share = (1 - above**2 * (3 - 2 * above)) * (elevation > (upper + lower) / 2)
        inside = (template[:, 0] > eye[:, 0].min()) & (template[:, 0] < eye[:, 0].max())
        reach = np.linalg.norm(eye - centre, axis=1).max() * 1.5
        share *= inside & ~eyeballs & (offset[:, 2] > 0) & (np.linalg.norm(offset[:, 1:], axis=1) < reach)
        turn = share * (lower - upper)
        sine, cosine = np.sin(turn), np.cos(turn)
        moved_y = cosine * offset[:, 1] + sine * offset[:, 2]
        moved_z = cosine * offset[:, 2] - sine * offset[:, 1]
        directions[:, 1, side], directions[:, 2, side] = moved_y - offset[:, 1], moved_z - offset[:, 2]
    return directions


def _elevation_at(x: np.ndarray, margin: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """The angle above the eye's horizontal plane at which a lid margin lies, at each x."""
    order = np.argsort(margin[:, 0])
    offset = margin[order] - centre
    return np.interp(x, margin[order, 0], np.arctan2(offset[:, 1], offset[:, 2]))


def neck_landmarks(template: np.ndarray, weights: np.ndarray, points: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and vertices (N,) of points down the front and the sides of the neck, as far as FLAME has one."""
    x, y, z = template.T
    chin, width = points[8], np.abs(points[[4, 12], 0]).mean()
    bottom = y.min()
    wanted = {
        "throat": (0.0, 0.35), "front_upper": (0.0, 0.55), "front_lower": (0.0, 0.75), "collar_centre": (0.0, 0.95),
        "side_right": (-0.7, 0.7), "collar_inner_right": (-0.5, 0.95),
        "side_left": (0.7, 0.7), "collar_inner_left": (0.5, 0.95),
    }  # fmt: skip
    vertices = []
    for across, down in wanted.values():
        target = np.array([across * width, chin[1] + down * (bottom - chin[1])])
        distance = np.hypot(x - target[0], y - target[1])
        near = distance < distance.min() + 0.012
        vertices.append(int(np.flatnonzero(near)[z[near].argmax()]))  # the foremost of the near ones
    return tuple(wanted), np.array(vertices)

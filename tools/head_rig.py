"""Joints and weights of the free head model in FLAME's layout, merged from MakeHuman's own rig and jaw unit."""

import numpy as np
from makehuman_source import Source
from scipy.optimize import nnls
from scipy.spatial.transform import Rotation

PARENTS = (-1, 0, 1, 1, 1)  # root (torso), neck (head), jaw, left eye, right eye
# MakeHuman bends the neck in three bones and the head; a torso-to-head blend shares the turn out over them.
NECK_SHARE = {"neck01": 0.25, "neck02": 0.5, "neck03": 0.8}
RIGID_FROM = 0.92  # MakeHuman's skin at the jaw has this much of the head's bones; the face has to move as one
ARM_ANGLE = 0.55  # rad; MakeHuman's A-pose holds the arms out, a portrait's hang


def lower_arms(source: Source, rest: np.ndarray) -> np.ndarray:
    """(V,3,3) linear maps that let the arms hang, blended by the weights of MakeHuman's arm bones."""
    maps = np.tile(np.eye(3), (len(rest), 1, 1))
    for side, sign in (("L", -1), ("R", 1)):
        arm = sum(w for bone, w in source.bone_weights.items() if f"upperarm01.{side}" in source.ancestors(bone))
        turn = Rotation.from_rotvec([0, 0, sign * ARM_ANGLE]).as_matrix()
        maps += arm[:, None, None] * (turn - np.eye(3))
    return maps


def arms_lowered(source: Source, rest: np.ndarray) -> np.ndarray:
    """(V,3) m: `rest` with hanging arms."""
    moved = rest.copy()
    for side, sign in (("L", -1), ("R", 1)):
        arm = sum(w for bone, w in source.bone_weights.items() if f"upperarm01.{side}" in source.ancestors(bone))
        pivot = rest[source.group(f"joint-{side.lower()}-shoulder")].mean(0)
        turn = Rotation.from_rotvec([0, 0, sign * ARM_ANGLE])
        moved += arm[:, None] * (turn.apply(rest - pivot) + pivot - rest)
    return moved


def head_share(source: Source) -> np.ndarray:
    """(V,) in [0,1]: how much of the head's motion against the torso a vertex takes part in."""
    share = np.zeros(len(source.vertices))
    for bone, weight in source.bone_weights.items():
        chain = source.ancestors(bone)
        part = 1.0 if "head" in chain else NECK_SHARE.get(bone, 0.0)
        share += part * weight
    return (share / RIGID_FROM).clip(0, 1)


def jaw_opening(source: Source, rest: np.ndarray) -> tuple[np.ndarray, float]:
    """(pivot (3,) m, angle rad) of the turn about x that the unit jawOpen makes of the lower teeth and the tongue."""
    moving = np.r_[source.group("helper-lower-teeth"), source.group("helper-tongue")]
    before = rest[moving]
    after = before + source.target("faceunits/jawOpen")[moving]
    turn, _ = Rotation.align_vectors(after - after.mean(0), before - before.mean(0))
    angle = float(turn.as_rotvec()[0])
    shift = after.mean(0) - turn.apply(before.mean(0))
    pivot = np.zeros(3)
    pivot[1:] = np.linalg.solve(np.eye(2) - turn.as_matrix()[1:, 1:], shift[1:])
    return pivot, angle


def jaw_share(source: Source, rest: np.ndarray, pivot: np.ndarray, angle: float) -> np.ndarray:
    """(V,) in [0,1]: the share of the jaw's turn that comes nearest to the unit jawOpen; MakeHuman's bone for the rest.

    Teeth and tongue are rigid on the jaw.
    """
    rigid = Rotation.from_rotvec([angle, 0, 0]).apply(rest - pivot) + pivot - rest
    unit = source.target("faceunits/jawOpen")
    # The small constant (2 mm)^2 keeps vertices near the pivot, where the turn moves nothing, from jumping.
    share = ((unit * rigid).sum(1) / ((rigid**2).sum(1) + 4e-6)).clip(0, 1)
    share[np.r_[source.group("helper-lower-teeth"), source.group("helper-tongue")]] = 1
    return share


def joint_regressor(vertices: np.ndarray, joint: np.ndarray, candidates: np.ndarray, count: int = 300) -> np.ndarray:
    """(V,) weights, none negative, sum 1, on the `count` candidates nearest to the joint.

    `vertices` (N,V,3) and `joint` (N,3): the template first, then displacements under each shape direction.
    """
    distance = np.linalg.norm(vertices[0] - joint[0], axis=1)
    near = candidates[np.argsort(distance[candidates], kind="stable")[:count]]
    rows = vertices[:, near].transpose(0, 2, 1).reshape(-1, len(near))  # (N*3, count)
    wanted = joint.reshape(-1)
    scale = np.repeat(np.r_[1.0, np.full(len(joint) - 1, 3.0)], 3)  # displacements are small beside positions
    system = np.vstack([rows * scale[:, None], np.full((1, len(near)), 10.0), 1e-3 * np.eye(len(near))])
    solution, _ = nnls(system, np.r_[wanted * scale, 10.0, np.zeros(len(near))])
    weights = np.zeros(vertices.shape[1])
    weights[near] = solution / solution.sum()
    return weights

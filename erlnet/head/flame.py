"""Reads a user's FLAME file (Li et al. 2017) and its 68-point embedding into `HeadArrays`.

FLAME has neither lid units, nor regions, nor names: lids and regions are derived from its geometry (flame_regions.py).
"""

from pathlib import Path

import numpy as np

from erlnet.errors import UserError
from erlnet.head.arrays import JOINTS, HeadArrays
from erlnet.head.flame_regions import lid_directions, neck_landmarks, regions
from erlnet.head.safe_pickle import as_array, load_npy_table, load_pickle

N_SHAPE_IN_FILE = 300  # FLAME 2017 to 2023: 300 identity directions, then 100 of expression
GET_FLAME = "get it from flame.is.tue.mpg.de and set head_model.path"


def read_flame(path: str, landmarks: str, n_shape: int, n_expression: int) -> HeadArrays:
    """`path` .pkl or .npz; `landmarks` .npy, .npz or .pkl, "" for landmark_embedding.* beside the model.

    The first `n_shape` and `n_expression` directions are kept. UserError on anything missing, malformed or unsafe.
    """
    if not path:
        raise UserError(f"head_model=flame needs your own FLAME file: {GET_FLAME}")
    file = Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"there is no FLAME file at {file}; {GET_FLAME}")
    entries = _read(file)
    template, faces = _entry(entries, "v_template", file), _entry(entries, "f", file, "faces").astype(np.int64)
    directions = _entry(entries, "shapedirs", file)
    regressor, weights = _entry(entries, "J_regressor", file), _entry(entries, "weights", file)
    n_vertices = len(template)
    if directions.ndim != 3 or len(directions) != n_vertices or weights.shape != (n_vertices, len(JOINTS)):
        raise UserError(f"{file} is no FLAME head: {n_vertices} vertices, shapedirs {directions.shape}")
    n_identity = min(N_SHAPE_IN_FILE, directions.shape[2])
    shape = directions[:, :, : min(n_shape, n_identity)]
    expression = directions[:, :, n_identity : n_identity + n_expression]
    if not expression.shape[2]:
        raise UserError(
            f"{file} holds {directions.shape[2]} directions, none of them of expression; use the full model"
        )
    pose = _pose_directions(entries, file, n_vertices)

    corners, barycentric = _landmarks(file, landmarks, faces)
    points = (template[corners] * barycentric[..., None]).sum(1)
    joints = regressor @ template
    masks = regions(template, weights, points)
    neck_names, neck_vertices = neck_landmarks(template, weights, points)
    return HeadArrays(
        v_template=template.astype(np.float32),
        faces=faces,
        shapedirs=shape.astype(np.float32),
        exprdirs=expression.astype(np.float32),
        lid_dirs=lid_directions(template, points, joints, masks["eyeballs"]).astype(np.float32),
        posedirs=pose.astype(np.float32),
        pose_columns=np.arange(pose.shape[2]),
        J_regressor=regressor,
        weights=weights.astype(np.float32),
        shape_names=tuple(f"shape{i:03d}" for i in range(shape.shape[2])),
        expression_names=tuple(f"expression{i:03d}" for i in range(expression.shape[2])),
        landmark_vertices=corners,
        landmark_barycentric=barycentric.astype(np.float32),
        neck_names=neck_names,
        neck_vertices=neck_vertices,
        masks=masks,
    )


def _read(file: Path) -> dict:
    if file.suffix == ".npz":
        try:
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (ValueError, OSError) as error:
            raise UserError(f"refused to load {file}: {error}; an .npz must hold plain arrays") from None
    held = load_npy_table(file) if file.suffix == ".npy" else load_pickle(file)
    if not isinstance(held, dict):
        raise UserError(f"{file} holds no table of arrays; {GET_FLAME}")
    return held


def _entry(entries: dict, name: str, file: Path, *others: str) -> np.ndarray:
    """An entry as a float64 (or integer) array, under its name or another."""
    found = next((key for key in (name, *others) if key in entries), None)
    if found is None:
        raise UserError(f"{file} has no '{name}', so it is no FLAME file; {GET_FLAME}")
    try:
        array = as_array(entries[found])
    except (ValueError, KeyError, IndexError, TypeError):
        raise UserError(f"'{found}' in {file} is no plain array; save it as one (.npz)") from None
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _pose_directions(entries: dict, file: Path, n_vertices: int) -> np.ndarray:
    """(V,3,36): R - I of neck, jaw, left and right eye, nine numbers each; some converters store (36, V*3)."""
    pose = _entry(entries, "posedirs", file)
    if pose.ndim == 2 and pose.shape[1] == n_vertices * 3:
        pose = pose.T.reshape(n_vertices, 3, -1)
    if pose.shape != (n_vertices, 3, 9 * (len(JOINTS) - 1)):
        raise UserError(f"posedirs in {file} has shape {pose.shape}, expected ({n_vertices}, 3, 36)")
    return pose


def _landmarks(file: Path, landmarks: str, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners (68,3) and barycentric coordinates (68,3), from DECA's or FLAME_PyTorch's embedding."""
    beside = [file.with_name(f"landmark_embedding{suffix}") for suffix in (".npy", ".npz", ".pkl")]
    choices = [Path(landmarks).expanduser()] if landmarks else beside
    found = next((choice for choice in choices if choice.is_file()), None)
    if found is None:
        raise UserError(
            f"FLAME's 68-point embedding is missing ({choices[0]}); landmark_embedding.npy comes with FLAME's code: "
            "set head_model.landmarks"
        )
    entries = _read(found)
    if "full_lmk_faces_idx" in entries:
        index, weights = (_entry(entries, f"full_lmk_{end}", found) for end in ("faces_idx", "bary_coords"))
        index, weights = index.reshape(-1), weights.reshape(-1, 3)
    else:  # the jaw line depends on the view there; its first row is the frontal one
        parts = [
            [_entry(entries, f"{kind}_lmk_{end}", found) for kind in ("dynamic", "static")]
            for end in ("faces_idx", "bary_coords")
        ]
        index, weights = (np.concatenate([dynamic[0], static]) for dynamic, static in parts)
    index = index.astype(np.int64)
    if index.shape != (68,) or weights.shape != (68, 3) or index.min() < 0 or index.max() >= len(faces):
        raise UserError(f"{found} does not place 68 points on the {len(faces)} faces of {file.name}")
    return faces[index], weights

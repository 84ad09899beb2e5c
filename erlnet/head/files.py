"""The shipped head model's file."""

from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np

from erlnet.head.arrays import HeadArrays


@lru_cache(maxsize=1)
def read_makehuman() -> HeadArrays:
    """The arrays of `data/makehuman.npz`, which tools/bake_head.py wrote; shared by all callers, so do not write."""
    with as_file(files("erlnet.head") / "data" / "makehuman.npz") as path, np.load(path) as archive:
        faces = archive["faces"].astype(np.int64)
        return HeadArrays(
            v_template=archive["v_template"],
            faces=faces,
            shapedirs=_directions(archive, "shapedirs"),
            exprdirs=_directions(archive, "exprdirs"),
            lid_dirs=_directions(archive, "lid_dirs"),
            posedirs=_directions(archive, "posedirs"),
            pose_columns=archive["pose_columns"],
            J_regressor=archive["J_regressor"],
            weights=archive["weights"],
            shape_names=tuple(map(str, archive["shape_names"])),
            expression_names=tuple(map(str, archive["expression_names"])),
            landmark_vertices=faces[archive["landmark_faces"]],
            landmark_barycentric=archive["landmark_barycentric"],
            neck_names=tuple(map(str, archive["neck_names"])),
            neck_vertices=archive["neck_vertices"].astype(np.int64),
            masks={name[5:]: archive[name] for name in archive.files if name.startswith("mask_")},
            jaw_open_angle=float(archive["jaw_open_angle"]),
        )


def _directions(archive: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    """(N,V,3) int16 with one scale a direction -> (V,3,N) float32 m."""
    return (archive[name] * archive[f"{name}_scale"][:, None, None]).astype(np.float32).transpose(1, 2, 0)

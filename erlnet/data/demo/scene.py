"""One frame: dressed head, light, still background, camera -> picture, depth and what is seen where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from erlnet.data.clip import Camera
from erlnet.data.demo.appearance import SKIN, Appearance
from erlnet.data.demo.raster import Fragments, rasterize
from erlnet.data.demo.shading import Lights, Normals, to_srgb
from erlnet.data.demo.texture import PAGE

SUPERSAMPLE = 2  # each way; averaged in linear light

_SPECULAR = np.array([22.0, 220.0, 60.0, 14.0, 5.0], np.float32)  # exponent of each material
_SHINE = np.array([0.10, 0.55, 0.25, 0.16, 0.0], np.float32)
# How far light reaches past the terminator: red goes deep into skin.
_WRAP = np.array([[0.32, 0.16, 0.12], [0.2] * 3, [0.2] * 3, [0.25] * 3, [0.1] * 3], np.float32).T.copy()
_LENS = np.array([1, 5, 10, 10, 5, 1], np.float32) / 32  # over supersampled pixels
_SRGB = (to_srgb(np.linspace(0, 1, 8192, dtype=np.float32)) * 255).round().astype(np.uint8)


@dataclass(frozen=True)
class Picture:
    """A rendered frame."""

    image: np.ndarray  # (H,W,3) uint8 sRGB
    seen: Fragments  # what the supersampled pixels see
    material: np.ndarray  # (N,) material of each fragment


class Scene:
    """Everything of a speaker's video that stays: look, light, camera, background."""

    def __init__(self, appearance: Appearance, base: np.ndarray, lights: Lights, camera: Camera, plate: np.ndarray):
        """`base` (F,3) are the head model's triangles, `plate` (S*H,S*W,3) the background in linear light."""
        self.appearance, self.lights, self.camera, self.plate = appearance, lights, camera, plate
        self.n_base = int(base.max()) + 1
        n = len(appearance.texel)
        self._base_normals = Normals(base, self.n_base)
        self._normals = Normals(appearance.triangles, n)
        self._constant = np.concatenate(
            [appearance.ambient[:, None], appearance.sun[:, None], appearance.texel], axis=1
        ).astype(np.float32)

    def dressed(self, points: np.ndarray) -> np.ndarray:
        """The head model's vertices (V,3) in the world -> with hair and shirt (V',3)."""
        points = points[: self.n_base].astype(np.float32)
        normals = self._base_normals(points)
        return np.concatenate([points, *(g.layer.place(points, normals, g.lift) for g in self.appearance.garments)])

    def render(self, points: np.ndarray, flush: float = 0.0) -> Picture:
        """points: (V,3) m in the world; flush: -1 pale .. 1 red, of the skin."""
        camera, look = self.camera, self.appearance
        height, width = camera.height * SUPERSAMPLE, camera.width * SUPERSAMPLE
        points = self.dressed(points)
        depth = points[:, 2]
        image = np.stack(
            [
                (camera.fx * points[:, 0] / depth + camera.cx) * SUPERSAMPLE,
                (camera.fy * points[:, 1] / depth + camera.cy) * SUPERSAMPLE,
                depth,
            ],
            axis=1,
        )
        seen = rasterize(image, look.triangles, (height, width))
        values = seen.interpolate(np.concatenate([self._normals(points), self._constant], axis=1), look.triangles)
        material = look.material[seen.triangle]
        colour = self._shade(values, material, seen, flush)
        picture = self.plate.reshape(-1, 3).copy()
        picture[seen.pixel] = colour
        picture = _through_lens(_through_lens(picture.reshape(height, width, 3), 0), 1)
        return Picture(_SRGB[(picture.clip(0, 1) * (len(_SRGB) - 1)).astype(np.int32)], seen, material)

    def _shade(self, values: np.ndarray, material: np.ndarray, seen: Fragments, flush: float) -> np.ndarray:
        lights, camera = self.lights, self.camera
        columns = np.ascontiguousarray(values.T)
        normal = columns[:3] / np.sqrt((columns[:3] ** 2).sum(0)).clip(1e-6)
        ambient, sun = columns[3], columns[4]
        texel = columns[6].astype(np.int32) * PAGE + columns[5].astype(np.int32) + material * (PAGE * PAGE)
        albedo = np.ascontiguousarray(self.appearance.atlas.take(texel, axis=0).T)
        gloss, albedo = albedo[3], albedo[:3]
        if flush:
            skin = (material == SKIN) * np.float32(flush)
            albedo = albedo * np.stack([1 + 0.05 * skin, 1 - 0.10 * skin, 1 - 0.08 * skin])
        wrap = _WRAP.take(material, axis=1)
        key = lights.key @ normal
        fill = (lights.fill @ normal + 0.3).clip(0) / 1.3
        up = (0.5 - 0.5 * normal[1]) * ambient
        light = (
            lights.key_colour[:, None] * ((key + wrap) / (1 + wrap)).clip(0) * sun
            + lights.fill_colour[:, None] * fill * ambient
            + lights.ground[:, None] * ambient
            + (lights.sky - lights.ground)[:, None] * up
        )
        # Blinn-Phong; the view is nearly along z for a long lens, but not quite.
        row, column = np.divmod(seen.pixel, seen.size[1])
        view = np.stack([
            (camera.cx - (column + 0.5) / SUPERSAMPLE) / camera.fx,
            (camera.cy - (row + 0.5) / SUPERSAMPLE) / camera.fy,
            -np.ones(len(row)),
        ]).astype(np.float32)  # fmt: skip
        view /= np.sqrt((view * view).sum(0))
        half = view + lights.key[:, None]
        half /= np.sqrt((half * half).sum(0))
        shine = (normal * half).sum(0).clip(0) ** _SPECULAR[material] * (_SHINE[material] * gloss * sun)
        return (albedo * light + shine * lights.key_colour[:, None]).T


def _through_lens(image: np.ndarray, axis: int) -> np.ndarray:
    """Halves an axis (0 or 1) of (H,W,3) as a lens and a sensor would: each pixel sees .56 px (deviation) round it."""
    side = len(_LENS) // 2 - 1
    padded = np.pad(image, [(side, side) if k == axis else (0, 0) for k in range(3)], mode="edge")
    n = image.shape[axis] // SUPERSAMPLE
    taps = [slice(k, k + SUPERSAMPLE * (n - 1) + 1, SUPERSAMPLE) for k in range(len(_LENS))]
    return sum(weight * (padded[tap] if axis == 0 else padded[:, tap]) for weight, tap in zip(_LENS, taps))

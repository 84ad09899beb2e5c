"""The shirt: the chest below a neckline, a little proud of the skin, with a knitted band along its edge."""

from __future__ import annotations

import numpy as np

from erlnet.data.demo.layers import Garment, Layer, cut, patch, refine
from erlnet.data.demo.look import Look
from erlnet.data.demo.texture import PAGE, mix, noise, step

_BAND = 0.011  # m, height of the band
_SPAN = 0.6  # m of cloth on a page; the last tenth of its rows is the band's


def shirt_depth(points: np.ndarray, chin: np.ndarray, look: Look) -> np.ndarray:
    """How far below the neckline a rest position lies, m: a tilted plane, lower at the throat."""
    throat = chin[1] - 0.072 - look.neckline * np.exp(-((points[:, 0] / 0.035) ** 2))
    return throat - 0.75 * (points[:, 2] - chin[2] + 0.06) - points[:, 1]


def sew_shirt(
    points: np.ndarray, normals: np.ndarray, triangles: np.ndarray, chin: np.ndarray, look: Look
) -> list[Garment]:
    """Cloth, band and the band's inside over the rest surface `points` (V,3), `normals` (V,3), `triangles` (F,3)."""

    def down_the_skin(layer: Layer) -> np.ndarray:
        """Depth below the neckline as a tape on the skin would measure it: the plane may lie flat on a shoulder."""
        rest, out = layer.weights @ points, layer.weights @ normals
        depth = shirt_depth(rest, chin, look)
        slope = np.stack([shirt_depth(rest + 1e-4 * axis, chin, look) - depth for axis in np.eye(3)], 1) / 1e-4
        out = out / np.linalg.norm(out, axis=1, keepdims=True)
        along = slope - (slope * out).sum(1, keepdims=True) * out
        return depth / np.linalg.norm(along, axis=1).clip(0.3)

    depth = shirt_depth(points, chin, look)
    chest = patch(triangles[(depth[triangles] > -0.03).all(1)], len(points))
    # Its coarse edge lies under the band.
    whole, under = cut(chest, down_the_skin(chest) - _BAND / 2)
    # Finer at the edge alone, where the neckline's shape is seen.
    band = refine(patch(triangles[((depth > -0.03) & (depth < 0.06))[triangles].all(1)], len(points)))
    band, _ = cut(band, down_the_skin(band))
    band, left = cut(band, _BAND - down_the_skin(band))
    outside = _band(band, _BAND - left, points)
    return [_cloth(whole, under, points), outside, _lining(outside)]


def _cloth(layer: Layer, under: np.ndarray, points: np.ndarray) -> Garment:
    rest = layer.weights @ points
    lift = 0.002 + 0.006 * step(under, 0.002, 0.03)
    # Down the front and over the shoulders without a break: height and depth together.
    texel = np.stack(
        [(rest[:, 0] / _SPAN + 0.5) * PAGE, (0.45 - rest[:, 1] + 0.7 * rest[:, 2]) / _SPAN * PAGE * 0.9], 1
    )
    texel[:, 1] %= 0.9 * PAGE
    return Garment(layer, lift.astype(np.float32), texel)


def _band(layer: Layer, under: np.ndarray, points: np.ndarray) -> Garment:
    rest = layer.weights @ points
    lift = 0.001 + 0.004 * np.sin(np.pi * (0.75 * under / _BAND).clip(0, 1))  # its edge lies on the skin
    angle = np.arctan2(rest[:, 0], rest[:, 2] + 0.06)
    texel = np.stack([(angle / np.pi + 1) / 2 * PAGE, (0.91 + 0.08 * under / _BAND) * PAGE], 1)
    return Garment(layer, lift.astype(np.float32), texel)


def _lining(band: Garment) -> Garment:
    """The band's inside, which is seen behind the neck."""
    inside = Layer(band.layer.weights, band.layer.triangles[:, ::-1])
    return Garment(inside, band.lift - np.float32(0.0008), band.texel)


def paint_cloth(look: Look, rng: np.random.Generator) -> np.ndarray:
    """(PAGE,PAGE,3) sRGB: a knit with soft checks, so that its motion can be seen; at the foot the ribs of the band."""
    metre = (np.arange(PAGE) + 0.5) / PAGE * _SPAN
    wide, tall = (step(np.sin(2 * np.pi * metre / check), -0.5, 0.5) for check in (0.034, 0.037))
    yarn = np.sin(2 * np.pi * metre / 0.004)[None] * 0.02
    shade = 0.82 + 0.17 * (tall[:, None] + wide[None]) + yarn + 0.03 * noise(rng, 2) + 0.04 * noise(rng, 10)
    page = look.cloth * shade[..., None]
    rows = slice(int(0.9 * PAGE), PAGE)
    ribs = 0.74 + 0.10 * np.sin(2 * np.pi * np.arange(PAGE) / PAGE * 90)[None] + 0.04 * noise(rng, 2)[rows]
    page[rows] = look.cloth * ribs[..., None]
    seam = step(np.abs(np.arange(PAGE) / PAGE - 0.985), 0.008, 0.0)[:, None] * np.ones(PAGE)
    return mix(page, look.cloth * 0.4, seam * 0.7).clip(0.02, 0.95).astype(np.float32)

"""The skin page: tone, blood, lips, brows, lashes, stubble, and the hair's root, on the unrolled head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from erlnet.data.demo.look import Look
from erlnet.data.demo.texture import PAGE, Cylinder, blob, inside, line_distance, mix, noise, step


def paint_skin(
    cylinder: Cylinder, landmarks: np.ndarray, hairline: np.ndarray, look: Look, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The page (PAGE,PAGE,3) sRGB and its gloss (PAGE,PAGE).

    landmarks: (68,3) rest positions, the usual 68 points.
    hairline: (PAGE,PAGE) m, how far above the hair's edge a texel lies (negative: bare skin).
    """
    across, up = cylinder.grid
    spots = np.stack(cylinder.unroll(landmarks), axis=-1).astype(np.float32)  # (68,2)
    eyes = spots[36:42].mean(0), spots[42:48].mean(0)
    unit = float(np.linalg.norm(eyes[1] - eyes[0])) / 0.06  # features scale with the face

    page: np.ndarray = np.broadcast_to(look.skin, (PAGE, PAGE, 3)).astype(np.float32)
    page = page * (1 + 0.02 * noise(rng, 40) + 0.012 * noise(rng, 9) + 0.02 * noise(rng, 2))[..., None]
    page[..., 1:] *= 1 + 0.012 * noise(rng, 25)[..., None]  # blotches of blood
    gloss: np.ndarray = np.full((PAGE, PAGE), 0.35, np.float32)

    # The features lie on a small part of the page: the face.
    columns = np.flatnonzero(np.abs(across[0]) < 0.115 * unit)
    rows = np.flatnonzero((up[:, 0] < spots[17:27, 1].max() + 0.02 * unit) & (up[:, 0] > spots[8, 1] - 0.06 * unit))
    face = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    canvas = Canvas(across[:, face[1]], up[face[0]], spots, unit, look, rng)
    page[face], gloss[face] = _paint_face(canvas, page[face], gloss[face])

    fringe = hairline + 0.0022 * unit * noise(rng, (8, 1.5)) + 0.0012 * noise(rng, 12)
    page = mix(page, look.hair * 0.7, 0.8 * step(fringe, -0.006 * unit, 0.004 * unit))
    gloss = gloss * (1 - 0.8 * step(hairline, -0.004, 0.004))
    return page.clip(0.01, 0.98), gloss


@dataclass(frozen=True)
class Canvas:
    """The part of the page that holds the face."""

    across: np.ndarray  # (1,W) m
    up: np.ndarray  # (H,1) m
    spots: np.ndarray  # (68,2) landmarks, across and up
    unit: float  # the face's size, 1 for 6 cm between the eyes
    look: Look
    rng: np.random.Generator

    def noise(self, grain: float | tuple[float, float]) -> np.ndarray:
        return noise(self.rng, grain, (self.up.shape[0], self.across.shape[1]))

    def blob(self, centre: np.ndarray, spread: tuple[float, float]) -> np.ndarray:
        """`spread` in m of a face of unit size."""
        return blob(self.across, self.up, centre, (spread[0] * self.unit, spread[1] * self.unit))

    def distance(self, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """To a polyline, in m of a face of unit size; and how far along it."""
        distance, along = line_distance(self.across, self.up, line)
        return distance / self.unit, along

    def inside(self, outline: np.ndarray) -> np.ndarray:
        return inside(self.across, self.up, outline) / self.unit


def _paint_face(canvas: Canvas, page: np.ndarray, gloss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    page = _blood(canvas, page)
    page = _freckles(canvas, page)
    page = _stubble(canvas, page)
    page = _eyelids(canvas, page)
    page, gloss = _lips(canvas, page, gloss)
    return _brows(canvas, page), gloss


def _blood(canvas: Canvas, page: np.ndarray) -> np.ndarray:
    spots, blob, skin = canvas.spots, canvas.blob, canvas.look.skin
    lift = np.array([0, canvas.unit])
    red = 0.5 * blob(spots[30], (0.009, 0.010)) + 0.3 * blob(spots[8] + 0.012 * lift, (0.015, 0.008))
    for cheek in ((spots[3] + spots[39]) / 2, (spots[13] + spots[42]) / 2):
        red = red + 0.55 * blob(cheek + 0.004 * lift, (0.016, 0.013))
    for ear in (spots[0], spots[16]):
        red = red + 0.6 * blob(ear * (1.45, 1) - 0.005 * lift, (0.02, 0.03))
    page = mix(page, skin * (1.0, 0.74, 0.72), red.clip(0, 1) * 0.6 * canvas.look.blush)
    tired = 0.8 * (blob(spots[39], (0.005, 0.006)) + blob(spots[42], (0.005, 0.006)))
    for eye in (spots[36:42].mean(0), spots[42:48].mean(0)):
        tired = tired + blob(eye - 0.011 * lift, (0.012, 0.004)) + 0.6 * blob(eye + 0.006 * lift, (0.014, 0.005))
    page = mix(page, skin * (0.80, 0.70, 0.72), (tired * 0.4).clip(0, 1))
    for wing in (spots[31], spots[35]):  # nostrils
        page = mix(page, skin * (0.35, 0.22, 0.20), blob(wing * (0.72, 1) + 0.0015 * lift, (0.0035, 0.0018)) * 0.85)
    return page


def _freckles(canvas: Canvas, page: np.ndarray) -> np.ndarray:
    dots = step(canvas.noise(1.6), 1.5, 2.2) * canvas.look.freckles
    right, left = (canvas.blob(canvas.spots[k] - (0, 0.015 * canvas.unit), (0.02, 0.012)) for k in (39, 42))
    return mix(page, canvas.look.skin * (0.72, 0.60, 0.52), dots * (right + left).clip(0, 1) * 0.6)


def _stubble(canvas: Canvas, page: np.ndarray) -> np.ndarray:
    spots, look = canvas.spots, canvas.look
    jaw = np.concatenate([spots[2:15], spots[[14]] - (0, 0.05), spots[[2]] - (0, 0.05)])
    mouth, _ = canvas.distance(np.stack([spots[48], spots[66], spots[54]]))
    under_nose = step((spots[33, 1] - canvas.up) / canvas.unit, 0.001, 0.006)
    shade = under_nose * step(mouth, 0.048, 0.030) * step(canvas.inside(jaw), -0.004, 0.010)
    grain = (0.75 + 0.35 * canvas.noise(1.2)).clip(0, 1.6)
    return mix(page, look.skin * 0.35 + look.hair * 0.45, (shade * grain * 0.33 * look.stubble).clip(0, 1))


def _eyelids(canvas: Canvas, page: np.ndarray) -> np.ndarray:
    skin = canvas.look.skin
    for first, outer in ((36, 0), (42, 3)):
        ring = canvas.spots[first : first + 6]
        upper, lower = ring[:4], ring[[3, 4, 5, 0]]
        crease, _ = canvas.distance(upper + np.array([0, 0.0048 * canvas.unit]))
        page = mix(page, skin * (0.60, 0.46, 0.42), step(crease, 0.0022, 0.0004) * 0.45)
        under, _ = canvas.distance(lower)
        page = mix(page, skin * (0.62, 0.45, 0.42), step(under, 0.0022, 0.0007) * 0.8)
        tip = ring[outer] + (ring[outer] - ring.mean(0)) * (0.16, 0.0) + (0, 0.0012 * canvas.unit)
        sweep, _ = canvas.distance(np.stack([ring[outer], tip]))
        page = mix(page, (0.08, 0.06, 0.05), step(sweep, 0.0018, 0.0006) * 0.6)
        lash, along = canvas.distance(upper if first == 36 else upper[::-1])  # from the outer corner
        thick = 1 - 0.7 * step(along, 0.65, 1.0)
        page = mix(page, (0.06, 0.045, 0.04), step(lash / thick, 0.0024, 0.0008) * 0.92)
    return page


def _lips(canvas: Canvas, page: np.ndarray, gloss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    spots, look = canvas.spots, canvas.look
    body = step(canvas.inside(spots[48:60]), -0.0012, 0.0014)
    folds = (1 + 0.05 * canvas.noise((10, 1.5))).clip(0.8, 1.2)
    page = mix(page, look.lips * folds[..., None], body * 0.85)
    line, _ = canvas.distance(spots[[48, 61, 62, 63, 54]])
    page = mix(page, look.lips * 0.45, step(line, 0.0022, 0.0002) * 0.75)
    for corner in (spots[48], spots[54]):
        page = mix(page, look.skin * (0.55, 0.40, 0.38), canvas.blob(corner, (0.003, 0.0022)) * 0.6)
    return page, gloss + body * 0.9


def _brows(canvas: Canvas, page: np.ndarray) -> np.ndarray:
    look, strands = canvas.look, canvas.noise((1.3, 3.5))
    for line in (canvas.spots[17:22], canvas.spots[26:21:-1]):  # from the tail to the nose
        # The points alone rise towards the nose, which looks worried.
        distance, along = canvas.distance(line + np.outer(np.linspace(0.5, -2.0, 5), [0, 0.001 * canvas.unit]))
        width = (0.0016 + 0.0026 * step(along, 0.0, 0.55)) * look.brow
        dense = step((distance + 0.0006 * strands) / width, 1.25, 0.45)
        page = mix(page, look.hair * 0.5, dense * (0.62 + 0.22 * step(along, 1.0, 0.75)))
    return page

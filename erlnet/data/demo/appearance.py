"""A speaker's outside: the head model's surface, hair and a shirt over it, and the texture pages of all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from erlnet.data.demo.look import Look
from erlnet.data.demo.layers import Layer, cut, patch, refine
from erlnet.data.demo.shading import Normals, direction, hemisphere, occlusion, to_linear
from erlnet.data.demo.skin import paint_skin
from erlnet.data.demo.texture import PAGE, Cylinder, mix, noise, step

SKIN, EYE, MOUTH, HAIR, CLOTH = range(5)
IRIS_ANGLE = 0.50  # rad, half the iris as seen from the middle of the eye


@dataclass(frozen=True)
class Surface:
    """One speaker's head at rest, in the head model's axes (x to the subject's left, y up, z out of the face), m."""

    points: np.ndarray  # (V,3)
    triangles: np.ndarray  # (F,3) anticlockwise from outside
    masks: dict[str, np.ndarray]  # name -> (V,) bool; eyeballs, teeth and ears are read here
    landmarks: np.ndarray  # (68,3)


@dataclass(frozen=True)
class Appearance:
    """What `scene` draws. Vertices are the model's first, then the hair's, then the shirt's."""

    triangles: np.ndarray  # (F',3)
    material: np.ndarray  # (F',) one of SKIN..CLOTH
    texel: np.ndarray  # (V',2) float32 column and row on the material's page
    ambient: np.ndarray  # (V',) 0..1 light from all round that gets there
    sun: np.ndarray  # (V',) 0..1 light from about the key's direction that gets there
    atlas: np.ndarray  # (5*PAGE*PAGE,4) float32 linear albedo and gloss
    layers: tuple[tuple[Layer, np.ndarray], ...]  # hair and shirt with their lift (N,)


def dress(surface: Surface, look: Look, seed: int) -> Appearance:
    """Paints and dresses a head; the same for the same arguments."""
    rng = np.random.default_rng([seed, 11])
    points, n = surface.points, len(surface.points)
    eyes = surface.landmarks[36:42].mean(0), surface.landmarks[42:48].mean(0)
    unit = float(np.linalg.norm(eyes[1] - eyes[0])) / 0.06
    cylinder = Cylinder(float(eyes[0][2] - 0.085 * unit), 0.085 * unit, float(points[:, 1].min()), float(points[:, 1].max()))
    brow = float(surface.landmarks[17:27, 1].mean())

    parts = np.zeros(n, bool)
    for name in ("eyeballs", "teeth", "tongue", "ears"):
        parts |= surface.masks.get(name, False)
    skin_only = surface.triangles[~parts[surface.triangles].any(1)]

    # Hair: everything above the hairline, refined, trimmed along it and lifted.
    above = hair_height(points, cylinder, brow, unit)
    scalp = skin_only[(above[skin_only] > -0.02).all(1)]
    hair = refine(patch(scalp, n))
    rest = hair.weights @ points
    hair, over = cut(hair, hair_height(rest, cylinder, brow, unit))
    rest = hair.weights @ points
    hair_lift = _hair_lift(rest, over, brow, unit, look, rng)

    # Shirt: everything below the neckline, a little proud of the skin.
    below = shirt_depth(points, surface, look)
    chest = refine(patch(skin_only[(below[skin_only] > -0.03).all(1)], n))
    shirt, under = cut(chest, shirt_depth(chest.weights @ points, surface, look))
    shirt_rest = shirt.weights @ points
    shirt_lift = 0.004 + 0.004 * step(under, 0.0, 0.02)

    covered = ((above > 0.02) & (points[:, 1] > brow)) | (below > 0.015)
    bare = surface.triangles[~covered[surface.triangles].all(1)]
    sizes = np.cumsum([n, len(rest)])
    triangles = np.concatenate([bare, hair.triangles + sizes[0], shirt.triangles + sizes[1]])
    kind = np.full(n, SKIN)
    kind[surface.masks["eyeballs"]] = EYE
    for name in ("teeth", "tongue"):
        kind[surface.masks.get(name, np.zeros(n, bool))] = MOUTH
    material = np.concatenate(
        [kind[bare[:, 0]], np.full(len(hair.triangles), HAIR), np.full(len(shirt.triangles), CLOTH)]
    )

    texel = cylinder.texels(points)
    for centre in eyes:
        texel = np.where(_of_eye(surface, centre)[:, None], _eye_texels(surface, centre), texel)
    texel = np.where((kind == MOUTH)[:, None], (points[:, :2] - surface.landmarks[62, :2] + 0.05) / 0.1 * PAGE, texel)
    texel = np.concatenate([texel, _hair_texels(rest, cylinder, brow), _cloth_texels(shirt_rest)])

    pages = np.zeros((5, PAGE, PAGE, 4), np.float32)
    across, up = cylinder.grid
    at = np.stack(np.broadcast_arrays(np.sin(across / cylinder.radius) * 0.1, up, np.cos(across / cylinder.radius) * 0.1 + cylinder.axis_z), -1)
    skin, gloss = paint_skin(cylinder, surface.landmarks, hair_height(at, cylinder, brow, unit), look, rng)
    pages[SKIN, ..., :3], pages[SKIN, ..., 3] = to_linear(skin), gloss
    pages[EYE, ..., :3], pages[EYE, ..., 3] = to_linear(paint_eye(look, rng)), 3.0
    pages[MOUTH, ..., :3], pages[MOUTH, ..., 3] = to_linear(paint_teeth(rng)), 1.0
    pages[HAIR, ..., :3], pages[HAIR, ..., 3] = to_linear(paint_hair(look, rng)), 0.5
    pages[CLOTH, ..., :3] = to_linear(paint_cloth(look, rng))

    dressed = np.concatenate([points, rest, shirt_rest]).astype(np.float32)
    normals = Normals(triangles, len(dressed))(dressed)
    base = Normals(surface.triangles, n)(points)
    dressed[n:] = np.concatenate([hair.place(points, base, hair_lift), shirt.place(points, base, shirt_lift)])
    front = direction(0.0, 0.35, 1.0)
    ambient = occlusion(dressed, normals, triangles, hemisphere(32, front, 1.0))
    sun = occlusion(dressed, normals, triangles, hemisphere(10, direction(-0.55, 0.55, 0.8), 0.12))
    return Appearance(
        triangles, material.astype(np.int64), texel.clip(0, PAGE - 1).astype(np.float32), ambient, sun,
        pages.reshape(-1, 4), ((hair, hair_lift), (shirt, shirt_lift)),
    )  # fmt: skip


def hair_height(points: np.ndarray, cylinder: Cylinder, brow: float, unit: float) -> np.ndarray:
    """How far above the hairline a rest position lies, m; a smooth line from forehead past the ear to the nape."""
    across, up = cylinder.unroll(points)
    angle = np.degrees(np.abs(across) / cylinder.radius)
    stations = [0, 15, 30, 42, 52, 60, 68, 76, 84, 95, 110, 125, 140, 180]
    heights = [0.056, 0.057, 0.056, 0.047, 0.030, 0.010, -0.010, -0.026, -0.030, 0.0, -0.02, -0.06, -0.085, -0.09]
    return up - brow - unit * np.interp(angle, stations, heights)


def shirt_depth(points: np.ndarray, surface: Surface, look: Look) -> np.ndarray:
    """How far below the neckline a rest position lies, m: a tilted plane, lower at the throat."""
    chin = surface.landmarks[8]
    throat = chin[1] - 0.075 - look.neckline * np.exp(-((points[:, 0] / 0.035) ** 2))
    return throat - 0.75 * (points[:, 2] - chin[2] + 0.06) - points[:, 1]


def _hair_lift(rest, over, brow, unit, look: Look, rng) -> np.ndarray:
    edge = step(over, 0.0, 0.03 * unit)
    top = step(rest[:, 1] - brow, 0.02, 0.09)
    part = np.exp(-(((rest[:, 0] / unit - 0.05 * look.parting) / 0.006) ** 2)) * step(rest[:, 2], 0.02, 0.06)
    lumps = sum(
        np.sin(rest @ rng.normal(0, 90, 3) + rng.uniform(0, 6.3)) * np.sin(rest @ rng.normal(0, 50, 3)) for _ in range(4)
    )
    depth = look.hair_depth * unit * (0.35 + 0.65 * top) * (1 + 0.12 * lumps) * (1 - 0.35 * part)
    return (0.001 + edge * depth).astype(np.float32)


def _of_eye(surface: Surface, centre: np.ndarray) -> np.ndarray:
    return surface.masks["eyeballs"] & (np.sign(surface.points[:, 0]) == np.sign(centre[0]))


def _eye_texels(surface: Surface, centre: np.ndarray) -> np.ndarray:
    """Azimuthal equidistant about the line of sight; half the page is 90 degrees."""
    ball = surface.points[_of_eye(surface, centre)]
    middle = (ball.max(0) + ball.min(0)) / 2
    away = surface.points - middle
    away = away / np.linalg.norm(away, axis=1, keepdims=True).clip(1e-9)
    angle = np.arccos(away[:, 2].clip(-1, 1))
    flat = away[:, :2] / np.linalg.norm(away[:, :2], axis=1, keepdims=True).clip(1e-9)
    return (0.5 + flat * (angle / np.pi)[:, None] * (1, -1)) * PAGE


def _hair_texels(rest: np.ndarray, cylinder: Cylinder, brow: float) -> np.ndarray:
    """Strands run back over the head: columns count across it, rows along them."""
    away = rest - (0.0, brow, cylinder.axis_z)
    radius = np.linalg.norm(away, axis=1)
    column = np.arcsin((away[:, 0] / radius).clip(-1, 1)) / np.pi + 0.5
    row = np.arctan2(away[:, 1], away[:, 2]) / (2 * np.pi) + 0.5
    return np.stack([column, row], 1) * PAGE


def _cloth_texels(rest: np.ndarray) -> np.ndarray:
    return np.stack([(rest[:, 0] + 0.3) / 0.6, (rest[:, 1].max() - rest[:, 1] + 0.7 * (rest[:, 2] + 0.2)) / 0.6], 1) * PAGE


def paint_eye(look: Look, rng: np.random.Generator) -> np.ndarray:
    """(PAGE,PAGE,3) sRGB: white, iris with a dark rim, pupil."""
    axis = (np.arange(PAGE, dtype=np.float32) + 0.5) / PAGE - 0.5
    radius = np.hypot(axis[None], axis[:, None]) * np.pi  # rad from the line of sight
    around = np.arctan2(axis[:, None], axis[None])
    white = np.array([0.86, 0.83, 0.80], np.float32) * (1 + 0.02 * noise(rng, 12))[..., None]
    page = mix(white, (0.80, 0.55, 0.50), step(radius, 0.6, 1.3) * 0.5)
    spokes = np.sin(around * 23 + 2 * noise(rng, 20)) * 0.5 + np.sin(around * 41) * 0.3
    iris = look.iris * (1 + 0.22 * spokes + 0.5 * step(radius, IRIS_ANGLE, 0.15))[..., None].astype(np.float32)
    page = mix(page, iris, step(radius, IRIS_ANGLE + 0.03, IRIS_ANGLE - 0.02))
    rim = step(np.abs(radius - IRIS_ANGLE), 0.09, 0.0)
    page = mix(page, (0.07, 0.06, 0.06), rim * 0.75)
    return mix(page, (0.015, 0.015, 0.015), step(radius, 0.21, 0.17)).clip(0, 1)


def paint_teeth(rng: np.random.Generator) -> np.ndarray:
    """(PAGE,PAGE,3) sRGB over 0.1 m: enamel with gaps every 7 mm."""
    x = (np.arange(PAGE) + 0.5) / PAGE * 0.1 - 0.05
    gap = step(np.abs((x + 0.0035) % 0.007 - 0.0035), 0.0008, 0.0001)
    page = np.broadcast_to(np.array([0.82, 0.78, 0.70], np.float32), (PAGE, PAGE, 3)) * 1.0
    return mix(page, (0.45, 0.32, 0.28), np.broadcast_to(gap, (PAGE, PAGE)) * 0.6)


def paint_hair(look: Look, rng: np.random.Generator) -> np.ndarray:
    """(PAGE,PAGE,3) sRGB strands."""
    strands = 0.6 * noise(rng, (40, 1.4)) + 0.5 * noise(rng, (50, 4)) + 0.5 * noise(rng, (60, 14))
    return look.hair * (1 + 0.26 * strands)[..., None].clip(0.3, 2.2)


def paint_cloth(look: Look, rng: np.random.Generator) -> np.ndarray:
    """(PAGE,PAGE,3) sRGB: a knit with soft checks, so that its motion can be seen."""
    metre = (np.arange(PAGE) + 0.5) / PAGE * 0.6
    wide = np.sin(2 * np.pi * metre / 0.030)
    bands = step(wide, -0.3, 0.3)[:, None] * 0.5 + step(np.roll(wide, 9), -0.3, 0.3)[None] * 0.5
    fine = np.sin(2 * np.pi * metre / 0.004)[None] * 0.04
    shade = 0.75 + 0.5 * bands + fine + 0.06 * noise(rng, 3) + 0.05 * noise(rng, 12)
    return (look.cloth * shade[..., None]).clip(0.02, 0.95).astype(np.float32)

"""A speaker's outside: the head model's surface, hair and a shirt over it, and the texture pages of all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from erlnet.data.demo.hair import grow_hair, hair_height, paint_hair
from erlnet.data.demo.layers import Garment
from erlnet.data.demo.look import Look
from erlnet.data.demo.organs import eye_texels, mouth_texels, paint_eye, paint_mouth
from erlnet.data.demo.shading import Normals, direction, hemisphere, occlusion, to_linear
from erlnet.data.demo.shirt import paint_cloth, sew_shirt, shirt_depth
from erlnet.data.demo.skin import paint_skin
from erlnet.data.demo.texture import PAGE, Cylinder

SKIN, EYE, MOUTH, HAIR, CLOTH = range(5)
KEY = direction(-0.6, 0.55, 0.75)  # towards the key light, in rest axes of a head that faces the camera


@dataclass(frozen=True)
class Surface:
    """One speaker's head at rest, in the head model's axes (x to the subject's left, y up, z out of the face), m."""

    points: np.ndarray  # (V,3) float64
    triangles: np.ndarray  # (F,3) anticlockwise from outside
    masks: dict[str, np.ndarray]  # name -> (V,) bool; read here: eyeballs, teeth, tongue, ears
    landmarks: np.ndarray  # (68,3)


@dataclass(frozen=True)
class Appearance:
    """What `scene` draws. Vertices are the model's first, then each garment's."""

    triangles: np.ndarray  # (F',3)
    material: np.ndarray  # (F',) one of SKIN..CLOTH
    texel: np.ndarray  # (V',2) float32 column and row on the material's page
    ambient: np.ndarray  # (V',) 0..1 light from all round that gets there
    sun: np.ndarray  # (V',) 0..1 light from about the key's direction that gets there
    atlas: np.ndarray  # (5*PAGE*PAGE,4) float32 linear albedo and gloss
    garments: tuple[Garment, ...]


def dress(surface: Surface, look: Look, seed: int) -> Appearance:
    """Paints and dresses a head; the same for the same arguments."""
    rng = np.random.default_rng([seed, 11])
    points, landmarks, n = surface.points, surface.landmarks, len(surface.points)
    eyes = landmarks[36:42].mean(0), landmarks[42:48].mean(0)
    unit = float(np.linalg.norm(eyes[1] - eyes[0])) / 0.06
    axis_z = float(eyes[0][2]) - 0.085 * unit
    cylinder = Cylinder(axis_z, 0.085 * unit, float(points[:, 1].min()), float(points[:, 1].max()))
    brow = float(landmarks[17:27, 1].mean())

    mouth = surface.masks["teeth"] | surface.masks["tongue"]
    other = mouth | surface.masks["eyeballs"] | surface.masks["ears"]
    skin = surface.triangles[~other[surface.triangles].any(1)]
    base = Normals(surface.triangles, n)(points)
    hair = grow_hair(points, skin, cylinder, brow, unit, look, rng)
    garments = [hair, *sew_shirt(points, base, skin, landmarks[8], look)]

    # What lies well under hair or cloth is never seen.
    above = hair_height(*cylinder.unroll(points), cylinder, brow, unit)
    hidden = ((above > 0.02) & (points[:, 1] > brow)) | (shirt_depth(points, landmarks[8], look) > 0.07)
    bare = surface.triangles[~(hidden & ~other)[surface.triangles].all(1)]
    kind = np.where(surface.masks["eyeballs"], EYE, np.where(mouth, MOUTH, SKIN))
    parts, material, start = [bare], [kind[bare[:, 0]]], n
    for garment, of in zip(garments, (HAIR, CLOTH, CLOTH, CLOTH)):
        parts.append(garment.layer.triangles + start)
        material.append(np.full(len(garment.layer.triangles), of))
        start += len(garment.lift)
    triangles = np.concatenate(parts)

    texel = cylinder.texels(points)
    for side in (-1, 1):
        ball = surface.masks["eyeballs"] & (np.sign(points[:, 0]) == side)
        texel[ball] = eye_texels(points[ball])
    texel[mouth] = mouth_texels(points[mouth], surface.masks["tongue"][mouth], landmarks[62])
    texel = np.concatenate([texel, *(g.texel for g in garments)])

    dressed = np.concatenate([points, *(g.layer.place(points, base, g.lift) for g in garments)])
    normals = Normals(triangles, len(dressed))(dressed)
    ambient = occlusion(dressed, normals, triangles, hemisphere(32, direction(0.0, 0.35, 1.0)))
    sun = occlusion(dressed, normals, triangles, hemisphere(10, KEY, 0.12))
    inner = np.flatnonzero(mouth)
    ambient[inner] = sun[inner] = _mouth_light(points[inner], landmarks)
    return Appearance(
        triangles, np.concatenate(material), texel.clip(0, PAGE - 1).astype(np.float32), ambient, sun,
        _paint(surface, look, cylinder, brow, unit, rng), tuple(garments),
    )  # fmt: skip


def _mouth_light(points: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Teeth and tongue are shut in at rest: light falls off with the way behind the lips instead."""
    behind = landmarks[60:68, 2].mean() - points[:, 2]
    return (0.75 * np.exp(-behind.clip(0) / 0.014)).astype(np.float32)


def _paint(
    surface: Surface, look: Look, cylinder: Cylinder, brow: float, unit: float, rng: np.random.Generator
) -> np.ndarray:
    pages = np.zeros((5, PAGE, PAGE, 4), np.float32)
    hairline = hair_height(*cylinder.grid, cylinder, brow, unit)
    skin, gloss = paint_skin(cylinder, surface.landmarks, hairline, look, rng)
    painted = skin, paint_eye(look, rng), paint_mouth(rng), paint_hair(look, rng), paint_cloth(look, rng)
    for page, colours, shine in zip(pages, painted, (1.0, 3.0, 1.0, 0.5, 0.0)):
        page[..., :3], page[..., 3] = to_linear(colours), shine
    pages[SKIN, ..., 3] = gloss
    return pages.reshape(-1, 4)

"""What is seen where: region maps and depth from the rasterised surface."""

from __future__ import annotations

from functools import reduce

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from erlnet.data.demo.appearance import CLOTH, HAIR, SKIN, Appearance
from erlnet.data.demo.raster import Fragments
from erlnet.interfaces import REGIONS

DEPTH_UNIT = 1e-4  # m; depth maps are uint16 in tenths of a millimetre, 0 is background

_BIT = {name: np.uint8(1 << i) for i, name in enumerate(REGIONS)}
_SEEN = ("head", "face", "eyes", "neck", "torso")  # read off the surface; the others follow from these


def triangle_regions(appearance: Appearance, masks: dict[str, np.ndarray]) -> np.ndarray:
    """(F',) uint8 region bits of each triangle; a triangle belongs where two of its corners do.

    Hair belongs to the head, the shirt to the torso, and bare skin above the collar to the neck.
    """
    bits = np.zeros(len(appearance.triangles), np.uint8)
    base = (appearance.material != HAIR) & (appearance.material != CLOTH)
    corners = appearance.triangles[base]
    part = np.zeros(len(corners), np.uint8)
    inner = masks["eyeballs"] | masks["teeth"] | masks["tongue"]
    of = {**masks, "face": masks["face"] | inner, "eyes": masks["eyes"] | masks["eyelids"]}
    for region in _SEEN:
        part |= np.where(of[region][corners].sum(1) >= 2, _BIT[region], 0).astype(np.uint8)
    skin = (appearance.material[base] == SKIN) & ((part & _BIT["torso"]) != 0)
    part[skin] = _BIT["neck"]
    bits[base] = part
    bits[appearance.material == HAIR] = _BIT["head"]
    bits[appearance.material == CLOTH] = _BIT["torso"]
    return bits


def region_map(seen: Fragments, bits: np.ndarray, lips: np.ndarray, supersample: int) -> np.ndarray:
    """(H,W) uint8, bit i = REGIONS[i].

    seen: the supersampled surface; bits: (F',) of `triangle_regions`; lips: (K,2) px, the outer outline.
    A pixel belongs where at least half of it does. `neck` reaches 1/64 of the height over its own border (ghosts
    lie there) but not into the head; `unknown` is a band of 1/40 of the height on both sides of the head-neck border.
    """
    fine = seen.image(bits[seen.triangle], 0)
    height, width = fine.shape[0] // supersample, fine.shape[1] // supersample

    def half_full(where: np.ndarray) -> np.ndarray:
        return reduce(np.add, _each_of_block(where.view(np.uint8), supersample)) >= supersample * supersample / 2

    area = {name: half_full((fine & _BIT[name]) != 0) for name in _SEEN}
    body = half_full(fine != 0)
    below = area["neck"] | area["torso"]
    band = round(height / 40)
    area["unknown"] = _grown(area["head"], band) & _grown(below, band)
    area["neck"] = _grown(area["neck"], round(height / 64)) & ~area["head"]
    area["mouth"] = _filled(lips, (height, width))
    area["background"] = ~body
    out = np.zeros((height, width), np.uint8)
    for name, where in area.items():
        out |= np.where(where, _BIT[name], np.uint8(0))
    return out


def depth_map(seen: Fragments, step: int) -> np.ndarray:
    """(H,W) uint16 in DEPTH_UNIT: the nearest surface in each step x step block; 0 where there is none."""
    fine = seen.image(seen.depth, np.inf)
    blocks = reduce(np.minimum, _each_of_block(fine, step))
    return np.where(np.isfinite(blocks), (blocks / DEPTH_UNIT).round().clip(1, 65_535), 0).astype(np.uint16)


def _each_of_block(image: np.ndarray, step: int) -> list[np.ndarray]:
    """The step * step images of every step-th pixel; far quicker to add up than axes of length `step`."""
    return [image[i::step, j::step] for i in range(step) for j in range(step)]


def _grown(area: np.ndarray, by: int) -> np.ndarray:
    return ndimage.maximum_filter(area.view(np.uint8), 2 * by + 1).view(bool) if by else area


def _filled(outline: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    canvas = Image.new("1", (size[1], size[0]))
    # Pillow's pixel centres lie at whole numbers, ours at +0.5.
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in outline - 0.5], fill=1, outline=1)
    return np.asarray(canvas)

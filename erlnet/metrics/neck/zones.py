"""Where in a frame the neck metrics look, from the reference's region map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import distance_transform_edt, gaussian_filter

from erlnet.interfaces import REGIONS
from erlnet.metrics.neck import numbers as n


@dataclass(frozen=True)
class Zones:
    head: Bool[np.ndarray, "H W"]  # the head, without what may be its border
    neck: Bool[np.ndarray, "H W"]  # neck and collar, clear of the head
    torso: Bool[np.ndarray, "H W"]  # all of the body below the head, clear of it
    seam: Bool[np.ndarray, "H W"]  # the band along the head-torso border
    normal: Float[np.ndarray, "H W 2"]  # across that border, x then y, unit length, from the head to the torso; else 0


def region(bits: UInt8[np.ndarray, "H W"], name: str) -> Bool[np.ndarray, "H W"]:
    """One region's pixels."""
    return (bits & (1 << REGIONS.index(name))) != 0


def body(bits: UInt8[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """What lies below the head: neck and torso."""
    return (region(bits, "neck") | region(bits, "torso")) & ~region(bits, "head")


def zones(bits: UInt8[np.ndarray, "H W"]) -> Zones:
    """The zones of one frame; all empty where it has no head or no body."""
    scale = len(bits) / n.AT_HEIGHT
    head, below, neck = region(bits, "head"), body(bits), region(bits, "neck")
    to_head, to_body = distance(head), distance(below)
    collar = distance(neck & below) <= n.COLLAR * scale
    # Seen in the frame's own pixels: a distance of 1 is the neighbour, so the border itself lies half a pixel on.
    band = (to_head <= n.SEAM_BAND * scale) & (to_body <= n.SEAM_BAND * scale)
    clear = to_head > n.CLEAR * scale
    near = to_head <= n.NECK_REACH * np.sqrt((region(bits, "face") if region(bits, "face").any() else head).sum())
    return Zones(
        head & ~region(bits, "unknown") & (to_body > n.CLEAR * scale),
        below & collar & clear & near,
        below & clear,
        band,
        border_normal(to_head, to_body, band, scale),
    )


def distance(mask: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    """px from each pixel to the nearest of the mask, 0 inside; infinite where the mask is empty."""
    return distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)


def border_normal(
    to_head: Float[np.ndarray, "H W"],
    to_body: Float[np.ndarray, "H W"],
    band: Bool[np.ndarray, "H W"],
    scale: float,
) -> Float[np.ndarray, "H W 2"]:
    """Unit vectors down the slope from head to torso, 0 outside the band."""
    normal = np.zeros((*band.shape, 2), np.float32)
    if not band.any():
        return normal
    # Region maps have stairs; smoothed over two pixels the normal is that of the outline.
    signed = gaussian_filter((to_head - to_body).astype(np.float32), 2 * scale)
    dy, dx = np.gradient(signed)
    length = np.maximum(np.hypot(dx, dy), 1e-6)
    normal[band] = np.stack([dx / length, dy / length], axis=-1)[band]
    return normal

"""What the neck metrics are, in words, and what their scores depend on. Torch-free.

docs/neck-metrics.md has the formulas, the known answers and the response matrix.
"""

from __future__ import annotations

from typing import Any

from erlnet.metrics.card import Card
from erlnet.metrics.detectors import opencv_version
from erlnet.metrics.neck import numbers as n

FAMILY = "neck"
_VERSION = 1  # raised when the same inputs give other scores
_NECK = ("neck",)
_FLOW = "dense inverse search flow down to single pixels (OpenCV)"
_POINTS = (
    f"points of neck and collar (within half the face's size of the head) where the reference's structure tensor"
    f" has a smaller eigenvalue of at least {n.MIN_TEXTURE}"
)

NECK_CARDS: tuple[Card, ...] = (
    Card(
        "neck_distance", FAMILY, "neck distance", "px", False,
        f"Mean over frames of the mean way from reference to render, less the head's median way, of {_POINTS}; {_FLOW};"
        " matched where forward and backward flow agree to .5 px or 10 %. No value for a clip in which under 70 % are"
        " matched: see neck_match_failure. Grows with the frame's size. Does not see: what moves head and neck alike,"
        " seams, a mouth; a flat neck has no points.",
        _NECK, True, 0.0,
    ),
    Card(
        "neck_match_failure", FAMILY, "neck not matched", "share", False,
        f"Share, over the clip, of {_POINTS} whose flow into the render does not come back: they are gone, covered,"
        " doubled or smoothed away. Does not see: a whole shift, seams outside the points, motion, a mouth.",
        _NECK, True, 0.0,
    ),
    Card(
        "neck_flow_error", FAMILY, "neck flow error", "px/frame", False,
        f"Mean over frames of the mean length of (render's flow from frame t to t + 1, less the reference's) at"
        f" {_POINTS} that come back in the reference. Grows with the frame's size. Does not see: what stays as it is"
        " (a shift, a seam, gain), a mouth; a torso that stands still reads no more than the motion it lacks.",
        _NECK, True, 0.0,
    ),
    Card(
        "collar_distance", FAMILY, "collar distance", "px", False,
        "Mean over frames of the mean |way along its normal from reference to render, beyond the head's| of edges in"
        f" the neck's zone (Canny's, at least {n.MIN_EDGE:g} levels/px, at most {n.MAX_CONTOUR}): the profile across"
        " the edge is found again by correlation within 10 px at 256. No value for a clip in which under 70 % are"
        " found. Grows with the frame's size. Does not see: motion along the edge, what moves head and neck alike, a"
        " mouth; what takes edges away shows in collar_match_failure.",
        _NECK, True, 0.0,
    ),
    Card(
        "collar_match_failure", FAMILY, "collar not found", "share", False,
        "Share, over the clip, of the edges of collar_distance whose profile is not found again (correlation under"
        f" {n.MIN_RECOGNISED:g}, or at the end of the reach). Does not see: a shift within the reach, gain, motion, a"
        " mouth.",
        _NECK, True, 0.0,
    ),
    Card(
        "neck_seam", FAMILY, "neck seam", "levels", False,
        "Mean, over 8 px (at 256) either side of the head-torso border and over frames, of max(0, |d_n render| -"
        " largest |d_n reference| within 2 px); d_n: derivative along the border's normal (Gaussian, sigma 1.5 px at"
        " 256, times sigma; root mean square of RGB). 0 to 255, whatever the frame's size. Does not see: blur, motion,"
        " a shift of 2 px or less, a gap that is wider than the band.",
        _NECK, True, 0.0,
    ),
    Card(
        "neck_softness", FAMILY, "neck softness", "levels", False,
        "As neck_seam with the sides changed: the slope across the border that the render lacks. Does not see: seams,"
        " motion, a shift of 2 px or less.",
        _NECK, True, 0.0,
    ),
    Card(
        "torso_motion", FAMILY, "torso motion error", "", False,
        "RMS over frames of (render's torso shift - reference's), over the larger of RMS(reference's shift - its mean)"
        f" and {n.TORSO_FLOOR} px; shift: median flow of the torso's textured points from the reference's first frame."
        " 1 is a torso that stands still at the reference's mean place; one that is elsewhere reads more. Does not"
        " see: the neck alone, seams, a mouth; whether a shift is one of place or of motion.",
        ("torso",), True, 0.0,
    ),
)  # fmt: skip


def neck_fingerprint() -> dict[str, Any]:
    """Everything that the family's scores depend on beside the frames, JSON-able."""
    numbers = {name.lower(): value for name, value in vars(n).items() if name.isupper()}
    return {"family": FAMILY, "version": _VERSION, "opencv": opencv_version(), "luma": "Rec. 601"} | numbers

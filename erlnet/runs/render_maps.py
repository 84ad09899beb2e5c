"""Opacity and depth of the branches as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from erlnet.nerf.model import DbfNerf
from erlnet.runs.render_show import Show

_VIRIDIS = ("440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725")
_NOTHING = (24, 24, 27)  # where neither branch is
_SAMPLES = 8  # frames over which the range of depths is taken
_SOLID = 0.5  # opacity from which there is a surface
_ENDS = (0.01, 0.99)  # quantiles of depth that the colours span


class Maps(NamedTuple):
    """Of N frames at the image's size, in [0,1] but for the depth."""

    head: np.ndarray  # (N,H,W) opacity of Head-NeRF
    torso: np.ndarray  # (N,H,W) opacity of Static-NeRF
    coverage: np.ndarray  # (N,H,W) of both
    depth: np.ndarray  # (N,H,W) m from the camera's plane, 0 where there is nothing


@dataclass(frozen=True)
class DepthRange:
    """What the colours of a depth picture span, m."""

    near: float
    far: float


@torch.inference_mode()
def maps_of(model: DbfNerf, show: Show, part: slice) -> Maps:
    """What both branches render in some frames."""
    head, root = torch.from_numpy(show.path.head_to_world[part]), torch.from_numpy(show.path.root[part])
    out = model.render(show.signal[part], head, root)
    coverage = model.coverage(out.head, out.static)
    # Where the samples of both branches were marched together their weights are shares of one ray already.
    behind = 1.0 if model.joint else 1 - out.head.opacity
    depth = out.head.depth + behind * out.static.depth
    size = out.image.shape[-2:]
    large = [_large(x, size) for x in (out.head.opacity, out.static.opacity, coverage, depth)]
    distance = np.where(large[2] > 1e-3, large[3] / np.maximum(large[2], 1e-3), 0)
    return Maps(large[0], large[1], large[2], distance)


def _large(maps: Tensor, size: torch.Size) -> np.ndarray:
    return F.interpolate(maps.float(), size=size, mode="bilinear", align_corners=False)[:, 0].cpu().numpy()


def depth_range(model: DbfNerf, show: Show) -> DepthRange:
    """Over some frames of the show, so that one colour is one depth in all of them."""
    found = []
    for index in np.unique(np.linspace(0, len(show) - 1, _SAMPLES).round().astype(int)):
        maps = maps_of(model, show, slice(int(index), int(index) + 1))
        found.append(maps.depth[maps.coverage > _SOLID])
    depths = np.concatenate(found)
    if not len(depths):
        return DepthRange(0.0, 1.0)
    near, far = (float(x) for x in np.quantile(depths, _ENDS))
    return DepthRange(near, max(far, near + 1e-3))


def opacity_picture(opacity: np.ndarray) -> np.ndarray:
    """(H,W) in [0,1] -> (H,W,3) uint8, black 0, white 1."""
    grey = np.round(255 * opacity.clip(0, 1)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def depth_picture(depth: np.ndarray, coverage: np.ndarray, spans: DepthRange) -> np.ndarray:
    """(H,W) m -> (H,W,3) uint8, near is bright (viridis); fading out with the coverage."""
    share = ((spans.far - depth) / (spans.far - spans.near)).clip(0, 1)
    solid = coverage.clip(0, 1)[..., None]
    return np.round(solid * viridis(share) + (1 - solid) * np.array(_NOTHING)).astype(np.uint8)


def viridis(share: np.ndarray) -> np.ndarray:
    """[0,1] of any shape -> sRGB (...,3) in [0,255], even in how bright it looks (Smith and van der Walt 2015)."""
    anchors = np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in _VIRIDIS], float)
    at = share.clip(0, 1) * (len(anchors) - 1)
    low = np.minimum(at.astype(int), len(anchors) - 2)
    part = (at - low)[..., None]
    return (1 - part) * anchors[low] + part * anchors[low + 1]

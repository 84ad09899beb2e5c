"""Where the head and the torso can be: boxes in their own frames, from region maps and poses."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from erlnet.nerf.cameras import Pinhole, invert_rigid

MARGIN = 0.08  # of the box's extent, on each side


def extent(mask: Bool[Tensor, "H W"]) -> tuple[float, float, float, float] | None:
    """(left, top, right, bottom) px of what is set, None where nothing is."""
    columns, rows = mask.any(0).nonzero()[:, 0], mask.any(1).nonzero()[:, 0]
    if len(rows) == 0:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def lateral_box(
    masks: Bool[Tensor, "N H W"], frame_to_world: Float[Tensor, "N 4 4"], camera: Pinhole
) -> Float[Tensor, "2 2"]:
    """Lowest and highest x, y (m) of masked pixels, put at the depth of the frame's origin, over all images.

    The outermost 2 % of the images are left out on each side: one bad mask must not widen the box for good.
    """
    corners = []
    for mask, transform in zip(masks, frame_to_world):
        box = extent(mask)
        if box is None:
            continue
        x = torch.tensor([box[0], box[2], box[0], box[2]])
        y = torch.tensor([box[1], box[1], box[3], box[3]])
        z = transform[2, 3]
        world = torch.stack([(x - camera.cx) / camera.fx * z, (y - camera.cy) / camera.fy * z, z.expand(4)], -1)
        inverse = invert_rigid(transform)
        corners.append((world @ inverse[:3, :3].T + inverse[:3, 3])[:, :2])
    if not corners:
        raise ValueError("no image shows the region that the box is asked for")
    low = torch.stack(corners).amin(1).quantile(0.02, dim=0)
    high = torch.stack(corners).amax(1).quantile(0.98, dim=0)
    pad = MARGIN * (high - low)
    return torch.stack([low - pad, high + pad])


def head_box(
    masks: Bool[Tensor, "N H W"], head_to_world: Float[Tensor, "N 4 4"], camera: Pinhole
) -> Float[Tensor, "2 3"]:
    """The head's box in its own frame. Depth cannot be seen: half the height behind the origin, two thirds before."""
    lateral = lateral_box(masks, head_to_world, camera)
    height = lateral[1, 1] - lateral[0, 1]
    depth = torch.stack([-0.4 * height, 0.6 * height])
    return torch.cat([lateral, depth[:, None]], 1)


def static_box(
    masks: Bool[Tensor, "N H W"], root: Float[Tensor, "N 4 4"], camera: Pinhole, depth: float = 0.02
) -> Float[Tensor, "2 3"]:
    """The torso's box in its own frame, `depth` m to each side of the origin, as wide as the far end needs.

    It is thin because one camera before a torso that hardly turns says next to nothing of depth: what a thicker box
    leaves open is filled with texture, and tears as soon as the camera moves.
    """
    lateral = lateral_box(masks, root, camera)
    distance = root[:, 2, 3].mean()
    middle = lateral.mean(0)
    lateral = middle + (lateral - middle) * (distance + depth) / distance
    return torch.cat([lateral, torch.tensor([[-depth], [depth]])], 1)


def whole_box(
    head: Float[Tensor, "2 3"],
    static: Float[Tensor, "2 3"],
    head_to_world: Float[Tensor, "N 4 4"],
    root: Float[Tensor, "N 4 4"],
) -> Float[Tensor, "2 3"]:
    """A box in the head's frame that holds the head's box and, wherever the head goes, the torso's.

    The outermost 2 % of the images are left out on each side, as for the masks.
    """
    ends = torch.tensor([0, 1])
    corners = static[torch.cartesian_prod(ends, ends, ends), torch.arange(3)]  # (8,3)
    torso_to_head = invert_rigid(head_to_world) @ root
    moved = corners @ torso_to_head[:, :3, :3].transpose(1, 2) + torso_to_head[:, None, :3, 3]  # (N,8,3)
    low = torch.minimum(moved.amin(1).quantile(0.02, dim=0), head[0])
    return torch.stack([low, torch.maximum(moved.amax(1).quantile(0.98, dim=0), head[1])])

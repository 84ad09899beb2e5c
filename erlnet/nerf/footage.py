"""One person's training frames, and what is made of them before training: boxes, occupancy, sample frames."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from erlnet.nerf.branches import Driving
from erlnet.nerf.cameras import Pinhole
from erlnet.nerf.geometry import head_box, static_box, whole_box
from erlnet.nerf.head_motion import HeadMotion
from erlnet.nerf.model import DbfNerf, Scene
from erlnet.nerf.occupancy import seen_share
from erlnet.nerf.placement import made_on, moved
from erlnet.nerf.regions import bit
from erlnet.nerf.sound import SoundWindows
from erlnet.nerf.warp import HeadWarp
from erlnet.nerf.windows import whole


@dataclass(frozen=True)
class RendererData:
    """One person's training frames, all clips in a row."""

    frames: UInt8[Tensor, "N 3 H W"]
    regions: UInt8[Tensor, "N H W"]  # bit i is erlnet.interfaces.REGIONS[i]
    signal: Float[Tensor, "N D"] | SoundWindows  # the expression stream, or windows of sound features
    head_to_world: Float[Tensor, "N 4 4"]
    root: Float[Tensor, "N 4 4"]  # torso to world
    camera: Pinhole
    landmarks: Float[Tensor, "N 68 2"]  # px
    valid: Bool[Tensor, " N"]  # frames to train on
    head_box: Float[Tensor, "2 3"] | None = None  # m, in the head's frame; None: from the regions
    head: HeadMotion | None = None  # the person's, where the conditioning moves points by it

    def driving(self, index: Tensor) -> Driving:
        return Driving(self.signal[index], self.head_to_world[index], self.root[index])

    def statistics(self, index: Tensor) -> Driving:
        """What means and deviations are taken from; windows of sound side by side, so that rows count once."""
        stride = len(self.signal.offsets) if isinstance(self.signal, SoundWindows) else 1
        return Driving(self.signal[index[::stride]], self.head_to_world[index], self.root[index])


def sample_frames(data: RendererData, limit: int = 64) -> Tensor:
    """At most `limit` valid frames, evenly spread."""
    valid = data.valid.nonzero()[:, 0]
    return valid[torch.linspace(0, len(valid) - 1, min(limit, len(valid))).long()]


def masks_of(regions: Tensor) -> tuple[Tensor, Tensor]:
    """(head, static) (N,H,W) bool: where each branch may show."""
    head = bit(regions, "head") | (bit(regions, "unknown") & ~bit(regions, "torso"))
    return head, bit(regions, "torso") | bit(regions, "neck")


def scene_of(data: RendererData) -> Scene:
    some = sample_frames(data)
    regions = data.regions[some]
    _, static = masks_of(regions)
    box = data.head_box
    if box is None:
        box = head_box(bit(regions, "head"), data.head_to_world[some], data.camera)
    torso = static_box(static, data.root[some], data.camera)
    person = whole_box(box, torso, data.head_to_world[some], data.root[some])
    return Scene(data.camera, data.signal.shape[1], box, torso, person)


def carve(model: DbfNerf, data: RendererData) -> None:
    """Empties the cells that the region masks rule out, by what each branch says of itself."""
    some = sample_frames(data)
    masks = dict(zip(("head", "static"), masks_of(data.regions[some])))
    driving = data.driving(some)
    for branch in model.branches.each():
        occupancy, poses = branch.box.occupancy, branch.frame(driving)
        keep = torch.zeros(len(occupancy.cells), dtype=torch.bool)
        for name, share in branch.carving:
            keep |= seen_share(occupancy.centres(), masks[name], poses, data.camera) >= share
        occupancy.restrict(keep, grow=1)


def place_head(model: DbfNerf, data: RendererData) -> None:
    """Gives the person's head to what moves points by it, as buffers."""
    for module in model.modules():
        if isinstance(module, HeadWarp):
            if data.head is None:
                raise ValueError("this conditioning moves points by the head model, and no head was given")
            module.take(data.head, model.scene.head_box)


def tighten(model: DbfNerf, data: RendererData) -> None:
    """Samples only where the half-trained branches show something, over frames spread through the data."""
    views, device = [], model.plate.device
    for part in sample_frames(data, 48).split(4):
        rays = model.rays(whole(len(part), model.size))
        views.append((moved(rays, device), moved(data.driving(part), device)))
    with made_on(device):
        model.branches.tighten(views)

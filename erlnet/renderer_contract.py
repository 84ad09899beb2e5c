"""What components of the slots `branches`, `deform` and `fusion` must do (erlnet.testing.check_component)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from erlnet import registry
from erlnet.interfaces import REGIONS, FeatureMaps
from erlnet.nerf.branches import BranchParts, Driving
from erlnet.nerf.cameras import Pinhole, Rays, camera_rays

CHANNELS, FACTOR, SIZE = 12, 2, (6, 5)  # of feature maps, small and not square
SIGNAL = 12  # width of the signal
CONSTANT = 0.7


def check_shape(what: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    assert tuple(tensor.shape) == shape, f"{what}: shape {tuple(tensor.shape)}, expected {shape}"
    assert torch.isfinite(tensor).all(), f"{what}: holds a value that is no number"


def check_deform(component: Any) -> None:
    module = component.build(6)
    points, pose = torch.rand(3, 7, 3), torch.randn(3, 6)
    check_shape("points", module(points, pose), (3, 7, 3))
    width = getattr(module, "condition_width", 0)
    if width:
        check_shape("condition", module.condition(pose), (3, width))


def check_branches(component: Any) -> None:
    """For fusions of maps and for one that composites both branches together."""
    for joint in (False, True):
        module = component.build(small_parts(joint))
        rays, driving = look(), people()
        module.fit(driving)
        with torch.no_grad():
            for parameter in module.parameters():  # what starts at zero lets no gradient through
                parameter.add_(0.1 * torch.randn_like(parameter))
        maps = module(rays, driving, SIZE)
        for branch in maps:
            _check_maps(branch)
        if joint:
            both = maps[0].opacity + maps[1].opacity
            assert both.max() <= 1 + 1e-4, "composited together, both opacities add up to more than 1"
        sum(branch.features.square().sum() + branch.opacity.sum() for branch in maps).backward()
        lacking = [n for n, p in module.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
        assert not lacking, f"no gradient reaches {', '.join(lacking)}"
        _check_where(module, rays, driving)
        _check_hooks(module, rays, driving)


def _check_maps(branch: FeatureMaps) -> None:
    for what, tensor, channels in (
        ("features", branch.features, CHANNELS), ("opacity", branch.opacity, 1), ("depth", branch.depth, 1),
    ):  # fmt: skip
        check_shape(what, tensor, (2, channels, *SIZE))
    assert branch.opacity.min() >= 0, "opacity lies in [0,1]"
    assert branch.opacity.max() <= 1 + 1e-5, "opacity lies in [0,1]"


@torch.no_grad()
def _check_where(module: Any, rays: Rays, driving: Driving) -> None:
    """What no ray meets is empty; without the head its map is; a seed decides where samples fall."""
    beside = Rays(rays.origins, rays.directions + torch.tensor([9.0, 0.0, 0.0]))
    for branch in module(beside, driving, SIZE):
        assert not any(m.any() for m in (branch.features, branch.opacity, branch.depth)), "seen where nothing is"
    head, _ = module(rays, driving, SIZE, None, True)
    assert not any(m.any() for m in (head.features, head.opacity)), "a head that is left out is seen"
    first, again = (module(rays, driving, SIZE, torch.Generator().manual_seed(5))[0].features for _ in range(2))
    assert torch.equal(first, again), "the same seed gives the same samples"


def _check_hooks(module: Any, rays: Rays, driving: Driving) -> None:
    """What training asks beside maps."""
    assert isinstance(module.gated, bool), "gated says whether the health gate has two branches to tell apart"
    assert module.each(), "each() gives the branches, to be carved"
    regions = torch.full((2, SIZE[0] * FACTOR, SIZE[1] * FACTOR), 1 << REGIONS.index("background"), dtype=torch.uint8)
    for what, target in module.targets(regions, torch.zeros(2), FACTOR)._asdict().items():
        check_shape(f"target {what}", target, (2, 1, *SIZE))
    before = sum(int(branch.samples) for branch in module.each())
    module.tighten([(rays, driving)])
    assert sum(int(branch.samples) for branch in module.each()) < before, "tightened, rays take fewer samples"


def small_parts(joint: bool) -> BranchParts:
    """A head and a torso, each a box of two decimetres; `people` puts one behind the other in part."""
    half = torch.full((3,), 0.1)
    box = torch.stack([-half, half])
    whole = torch.stack([torch.tensor([-0.12, -0.2, -0.15]), half])
    encoding = registry.load("encoding", "triplane")(resolution=8, channels=2)
    conditioning, deform = registry.load("conditioning", "flame")(), registry.load("deform", "pose")()
    return BranchParts(encoding, conditioning, deform, SIGNAL, CHANNELS, 8, (6, 3), (4, 2), box, box, whole, joint)


def people() -> Driving:
    """Two images of a head one metre away, the second a little to the side."""
    head = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0])).repeat(2, 1, 1)
    head[:, 2, 3] = 1
    root = head.clone()
    root[:, 1, 3], root[:, 2, 3] = 0.1, 1.05
    head[1, 0, 3] = 0.02
    return Driving(torch.randn(2, SIGNAL), head, root)


def look() -> Rays:
    """Rays over head and torso, row by row."""
    height, width = SIZE
    camera = Pinhole(20.0, 20.0, width / 2, height / 2 - 2.0, height, width)
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return camera_rays(camera, x.flatten().repeat(2, 1), y.flatten().repeat(2, 1))


def blocks(features: Tensor) -> Tensor:
    """A decoder that shows the first three features as they are."""
    return torch.nn.functional.interpolate(features[:, :3], scale_factor=FACTOR, mode="nearest")


def _opacities(joint: bool) -> tuple[Tensor, Tensor]:
    """Of both branches, from nothing to all; as shares of what is seen where they are composited together."""
    head, static = torch.rand(2, 2, 1, *SIZE)
    head[:, :, :2], head[:, :, 2:3], static[:, :, :, :2] = 0, 1, 1
    return (head, static * (1 - head)) if joint else (head, static)


def check_fusion(component: Any) -> None:
    upsampler = registry.load("upsampler", "cnn")()
    module, decode = component.build(CHANNELS, FACTOR, upsampler), upsampler.build(CHANNELS, FACTOR)
    opacities = _opacities(getattr(component, "JOINT", False))
    maps = [FeatureMaps((a * torch.randn(2, CHANNELS, *SIZE)).requires_grad_(), a, a) for a in opacities]
    plate = torch.randn(2, CHANNELS, *SIZE)
    image = module(*maps, plate, decode)
    check_shape("image", image, (2, 3, SIZE[0] * FACTOR, SIZE[1] * FACTOR))
    image.square().sum().backward()
    for what, branch in zip(("head", "static"), maps):
        assert branch.features.grad is not None, f"no gradient reaches the {what} branch"
        assert branch.features.grad.abs().sum() > 0, f"no gradient reaches the {what} branch"
    with torch.no_grad():
        nobody = FeatureMaps(*(torch.zeros(2, n, 3, 7) for n in (CHANNELS, 1, 1)))
        plate = torch.randn(2, CHANNELS, 3, 7)
        alone = module(nobody, nobody, plate, blocks)
        assert torch.allclose(alone, blocks(plate), atol=1e-5), "where nobody is, the plate is seen"
        if getattr(component, "KEEPS_CONSTANTS", False):
            same = [FeatureMaps(CONSTANT * a.expand(2, CHANNELS, *SIZE), a, a) for a in opacities]
            image = module(*same, torch.full((2, CHANNELS, *SIZE), CONSTANT), blocks)
            off = float((image - CONSTANT).abs().max())
            assert off < 2e-3, f"features that are {CONSTANT} everywhere are off by {off:.2g}: a fringe"

"""DBF-NeRF, untrained, at the default sizes: rendering one frame at 256 px, steady state."""

import torch

from erlnet import registry
from erlnet.interfaces import SLOTS
from erlnet.nerf.cameras import Pinhole
from erlnet.nerf.model import DbfNerf, RendererComponents, Scene
from erlnet.nerf.settings import RendererSettings

SLOT_NAMES = ("branches", "conditioning", "encoding", "deform", "fusion", "upsampler", "perceptual")


def bench_render_four_frames_256(benchmark):
    """Before training opacity is low everywhere, so more samples count than later: an upper bound."""
    settings = RendererSettings(size=256)
    box = torch.tensor([[-0.12, -0.14, -0.12], [0.12, 0.14, 0.12]])
    components = RendererComponents(**{slot: registry.load(slot, SLOTS[slot])() for slot in SLOT_NAMES})
    scene = Scene(Pinhole(600.0, 600.0, 128.0, 128.0, 256, 256), 44, box, box * 2)
    model = DbfNerf(components, settings, scene).eval()
    head = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0])).repeat(4, 1, 1)
    head[:, 2, 3] = 0.8
    frames = benchmark(model.frames, torch.zeros(4, 44), head, head[0])
    assert frames.shape == (4, 3, 256, 256)
    assert frames.dtype == torch.uint8
    assert torch.isfinite(frames.float()).all()

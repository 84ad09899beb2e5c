"""A made-up person for the renderer's tests: a disc on a stick before a striped wall, 32x32."""

import torch

from erlnet.interfaces import REGIONS
from erlnet.nerf.cameras import Pinhole
from erlnet.nerf.components import (
    Cnn,
    ConditionDeform,
    Dual,
    FlameConditioning,
    NoDeform,
    NoPerceptual,
    PoseDeform,
    Single,
)
from erlnet.nerf.encoding_components import TriPlane
from erlnet.nerf.footage import RendererData
from erlnet.nerf.fusion_components import AttentionFusion, FeatureFusion, PixelFusion, VolumeFusion
from erlnet.nerf.model import RendererComponents
from erlnet.nerf.settings import RendererSettings

SIZE = 32
FUSIONS = {
    "normalised": FeatureFusion(),
    "over": FeatureFusion("over"),
    "pixel": PixelFusion(),
    "separate": PixelFusion("separate"),
    "refine": PixelFusion(refine=True),
    "attention": AttentionFusion(width=8, heads=2),
    "volume": VolumeFusion(),
}
BRANCHES = {"dual": Dual(), "single": Single()}
DEFORMS = {"pose": PoseDeform(8), "condition": ConditionDeform(8, 4), "none": NoDeform()}


def bits(*names: str) -> int:
    return sum(1 << REGIONS.index(name) for name in names)


def make_toy(n_frames: int = 2) -> RendererData:
    """The head moves 2 px to the right a frame and turns from red to yellow with the signal."""
    camera = Pinhole(64.0, 64.0, 16.0, 16.0, SIZE, SIZE)
    y, x = torch.meshgrid(torch.arange(SIZE) + 0.5, torch.arange(SIZE) + 0.5, indexing="ij")
    frames = torch.zeros(n_frames, 3, SIZE, SIZE, dtype=torch.uint8)
    regions = torch.full((n_frames, SIZE, SIZE), bits("background"), dtype=torch.uint8)
    frames[:, 2] = (x.long() % 8 < 4) * 200
    torso = (y > 24).expand(n_frames, -1, -1)
    neck = ((y > 20) & (y <= 24) & ((x - 16).abs() < 4)).expand(n_frames, -1, -1)
    signal = torch.linspace(0, 1, n_frames)[:, None].repeat(1, 3)
    head_to_world = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0])).repeat(n_frames, 1, 1)
    head_to_world[:, 2, 3] = 1
    root = head_to_world.clone()
    root[:, 1, 3] = 0.15
    landmarks = torch.zeros(n_frames, 68, 2)
    for i in range(n_frames):
        centre = 14 + 2 * i
        head = (x - centre) ** 2 + (y - 13) ** 2 < 64
        head_to_world[i, 0, 3], head_to_world[i, 1, 3] = (centre - 16) / 64, -3 / 64
        frames[i, 0][head], frames[i, 1][head], frames[i, 2][head] = 220, int(200 * signal[i, 0]), 30
        regions[i][head] = bits("head", "face")
        regions[i][head & ((x - centre).abs() < 3) & ((y - 17).abs() < 2)] |= bits("mouth")
        landmarks[i] = torch.tensor([centre, 10.0])
        landmarks[i, 36:42, 0] -= 3
        landmarks[i, 42:48, 0] += 3
        landmarks[i, 48:] = torch.tensor([centre, 17.0])
        below = torso[i] | (neck[i] & ~head)
        frames[i, :, below] = torch.tensor([40, 120, 60], dtype=torch.uint8)[:, None]
        regions[i][torso[i]] = bits("torso")
        regions[i][neck[i] & ~head] = bits("neck")
        regions[i][neck[i] & ~head & (y < 22)] |= bits("unknown")
    return RendererData(
        frames, regions, signal, head_to_world, root, camera, landmarks, torch.ones(n_frames, dtype=torch.bool)
    )


def make_components(fusion: str = "normalised", branches: str = "dual", deform: str = "pose") -> RendererComponents:
    return RendererComponents(
        BRANCHES[branches],
        FlameConditioning(width=8, hidden=8),
        TriPlane(16, 4),
        DEFORMS[deform],
        FUSIONS[fusion],
        Cnn(16, 1),
        NoPerceptual(),
    )


def make_settings(**changes) -> RendererSettings:
    small = {"size": SIZE, "steps": 80, "hidden": 16, "window": 4, "windows": 6, "mouth_share": 0.34}
    return RendererSettings(**(small | changes))


class Silent:
    def update(self, step: int, total: int, loss: float | None = None) -> None:
        pass

    def note(self, text: str) -> None:
        pass

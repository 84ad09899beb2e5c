"""LPIPS: the network against an independent implementation with the same weights, then with the real ones."""

import io

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.data import astronaut

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.metrics.lpips import Lpips, frame_distance, load_lpips, spatial_map

CHANNELS = (3, 64, 192, 384, 256, 256)
KERNELS = (11, 5, 3, 3, 3)


def random_weights() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    weights = {}
    for i, k in enumerate(KERNELS):
        fan_in = CHANNELS[i] * k * k
        shape = (CHANNELS[i + 1], CHANNELS[i], k, k)
        weights[f"conv{i}.weight"] = generator.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32)
        weights[f"conv{i}.bias"] = generator.normal(0, 0.1, CHANNELS[i + 1]).astype(np.float32)
        weights[f"lin{i}.weight"] = generator.uniform(0, 1, CHANNELS[i + 1]).astype(np.float32)
    return weights


@pytest.fixture(scope="module")
def judge() -> Lpips:
    try:
        return load_lpips(asset_path("lpips", "this test"))
    except AssetMissing as missing:
        pytest.skip(str(missing))


def distance(network: Lpips, a: torch.Tensor, b: torch.Tensor, data_range: float = 255.0) -> torch.Tensor:
    layers = [network.features(x, data_range=data_range) for x in (a, b)]
    return frame_distance(network.layer_maps(*layers))


def portrait(size: int) -> np.ndarray:
    return astronaut()[:size, 100 : 100 + size].transpose(2, 0, 1).copy()


def blurred(image: np.ndarray, sigma: float) -> torch.Tensor:
    smooth = gaussian_filter(image.astype(np.float32), (0, sigma, sigma))
    return torch.from_numpy(smooth.round().clip(0, 255).astype(np.uint8))[None]


def torchmetrics_network(weights: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """torchmetrics' LPIPS with these weights; its backbone normally comes from torchvision, which we do without."""
    module = pytest.importorskip("torchmetrics.functional.image.lpips", reason="an independent LPIPS to compare with")
    nn = torch.nn
    layers = [
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    ]  # fmt: skip
    for i, conv in enumerate(layer for layer in layers if isinstance(layer, nn.Conv2d)):
        conv.weight.data = torch.from_numpy(weights[f"conv{i}.weight"])
        conv.bias.data = torch.from_numpy(weights[f"conv{i}.bias"])
    monkeypatch.setattr(module, "_get_tv_model_features", lambda *args, **kwargs: nn.Sequential(*layers))
    network = module._LPIPS(pretrained=False, net="alex", use_dropout=False, eval_mode=True)
    for i, linear in enumerate(network.lins):
        linear.model[0].weight.data = torch.from_numpy(weights[f"lin{i}.weight"]).view(1, -1, 1, 1)
    return network


@pytest.mark.parametrize("size", [64, 97])
def test_the_network_is_torchmetrics_lpips(size, monkeypatch):
    weights = random_weights()
    other = torchmetrics_network(weights, monkeypatch)
    a, b = torch.from_numpy(portrait(size))[None], blurred(portrait(size), 2)
    with torch.no_grad():
        theirs = other(a / 127.5 - 1, b / 127.5 - 1).item()
    assert distance(Lpips(weights), a, b).item() == pytest.approx(theirs, rel=1e-4)


def test_the_real_weights_agree_with_torchmetrics(judge, monkeypatch):
    weights = {
        name.replace("_weight", ".weight").replace("_bias", ".bias"): buffer.numpy()
        for name, buffer in judge.named_buffers()
        if name not in ("shift", "scale")
    }
    other = torchmetrics_network(weights, monkeypatch)
    a, b = torch.from_numpy(portrait(64))[None], blurred(portrait(64), 1)
    with torch.no_grad():
        theirs = other(a / 127.5 - 1, b / 127.5 - 1).item()
    assert distance(judge, a, b).item() == pytest.approx(theirs, abs=1e-4)


def test_the_heads_are_those_that_torchmetrics_ships(judge):
    package = pytest.importorskip("torchmetrics", reason="its package holds the heads")
    from pathlib import Path

    file = Path(package.__file__).parent / "functional/image/lpips_models/alex.pth"
    heads = torch.load(io.BytesIO(file.read_bytes()), map_location="cpu", weights_only=True)
    for i in range(5):
        torch.testing.assert_close(getattr(judge, f"lin{i}_weight"), heads[f"lin{i}.model.1.weight"].reshape(-1))


def test_more_blur_is_further_away(judge):
    image = portrait(96)
    values = [distance(judge, torch.from_numpy(image)[None], blurred(image, s)).item() for s in (0.5, 1, 2, 4)]
    assert values == sorted(values)
    assert values[0] > 0.001
    assert values[-1] > 0.3


def test_equal_frames_are_at_distance_zero_and_the_distance_is_symmetric(judge):
    a, b = torch.from_numpy(portrait(64))[None], blurred(portrait(64), 2)
    assert distance(judge, a, a).item() == 0
    assert distance(judge, a, b).item() == pytest.approx(distance(judge, b, a).item(), rel=1e-5)


def test_the_range_is_stated_so_floats_and_bytes_agree(judge):
    a, b = torch.from_numpy(portrait(64))[None], blurred(portrait(64), 2)
    right = distance(judge, a, b).item()
    assert distance(judge, a / 255, b / 255, data_range=1.0).item() == pytest.approx(right, rel=1e-4)
    unscaled = distance(judge, a / 255 / 2 + 0.5, b / 255 / 2 + 0.5, data_range=1.0).item()  # [0,1] fed as if [-1,1]
    assert abs(unscaled - right) > 0.01


def test_the_spatial_map_is_large_where_the_frames_differ(judge):
    image = portrait(128)
    other = image.copy()
    other[:, 64:, 64:] = blurred(image, 4)[0, :, 64:, 64:].numpy()
    layers = [judge.features(torch.from_numpy(x)[None], data_range=255.0) for x in (image, other)]
    maps = judge.layer_maps(*layers)
    spatial = spatial_map(maps, 128, 128)[0]
    assert spatial.shape == (128, 128)
    assert spatial[72:, 72:].mean() > 10 * spatial[:40, :40].mean()
    assert spatial.mean().item() == pytest.approx(frame_distance(maps).item(), rel=0.05)


def test_frames_too_small_for_the_network_are_refused():
    with pytest.raises(ValueError, match="at least 32 px"):
        Lpips(random_weights()).features(torch.zeros(1, 3, 31, 64), data_range=1.0)

"""The perceptual loss: torchmetrics' LPIPS with the same weights, gradients by differences, what it needs."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.data import astronaut

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing, UserError
from erlnet.nerf.components import Lpips
from erlnet.nerf.perceptual import MIN_SIZE, STAGES, LpipsLoss, load_lpips_loss

WIDTHS = (64, 128, 256, 512, 512)


def random_weights(narrower: int = 1) -> dict[str, np.ndarray]:
    """A VGG16 with a share of its channels, of unit gain; positive heads."""
    generator = np.random.default_rng(0)
    weights, number, before = {}, 0, 3
    for stage, (convolutions, channels) in enumerate(zip(STAGES, WIDTHS)):
        width = channels // narrower
        for _ in range(convolutions):
            kernel = generator.normal(0, (2 / (9 * before)) ** 0.5, (width, before, 3, 3))
            weights[f"conv{number}.weight"] = kernel.astype(np.float32)
            weights[f"conv{number}.bias"] = generator.normal(0, 0.1, width).astype(np.float32)
            number, before = number + 1, width
        weights[f"lin{stage}.weight"] = generator.uniform(0, 1, width).astype(np.float32)
    return weights


def torchmetrics_network(weights: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """torchmetrics' LPIPS with these weights; its backbone normally comes from torchvision, which we do without."""
    module = pytest.importorskip("torchmetrics.functional.image.lpips", reason="an independent LPIPS to compare with")
    nn = torch.nn
    layers: list[nn.Module] = []
    before, number = 3, 0
    for convolutions, width in zip(STAGES, WIDTHS):
        for _ in range(convolutions):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            layers[-2].weight.data = torch.from_numpy(weights[f"conv{number}.weight"])
            layers[-2].bias.data = torch.from_numpy(weights[f"conv{number}.bias"])
            before, number = width, number + 1
        layers.append(nn.MaxPool2d(2, 2))
    monkeypatch.setattr(module, "_get_tv_model_features", lambda *args, **kwargs: nn.Sequential(*layers))
    network = module._LPIPS(pretrained=False, net="vgg", use_dropout=False, eval_mode=True)
    for i, linear in enumerate(network.lins):
        linear.model[0].weight.data = torch.from_numpy(weights[f"lin{i}.weight"]).view(1, -1, 1, 1)
    return network


def frames(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Crops of a photograph of a face, and the same blurred as a weak renderer blurs, in [0,1]."""
    corners = ((20, 170), (60, 190), (100, 200))
    sharp = np.stack([astronaut()[y : y + size, x : x + size].transpose(2, 0, 1) / 255 for y, x in corners])
    soft = gaussian_filter(sharp, (0, 0, 1.5, 1.5))
    return torch.from_numpy(soft).float(), torch.from_numpy(sharp).float()


@pytest.fixture(scope="module")
def published() -> dict[str, np.ndarray]:
    try:
        path = asset_path("lpips_vgg", "this test")
    except AssetMissing as missing:
        pytest.skip(str(missing))
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.mark.parametrize("size", [48, 37])
def test_the_loss_is_torchmetrics_lpips_of_the_published_weights(published, size, monkeypatch):
    other = torchmetrics_network(published, monkeypatch)
    soft, sharp = frames(size)
    with torch.no_grad():
        theirs = other(soft * 2 - 1, sharp * 2 - 1).mean().item()
        ours = LpipsLoss(published, 1.0, 3)(soft, sharp).item()
    assert theirs > 0.1
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_the_loss_is_torchmetrics_lpips_of_any_weights(monkeypatch):
    weights = random_weights()
    other = torchmetrics_network(weights, monkeypatch)
    soft, sharp = frames(32)
    with torch.no_grad():
        theirs = other(soft * 2 - 1, sharp * 2 - 1).mean().item()
        ours = LpipsLoss(weights, 0.5, 3)(soft, sharp).item()
    assert ours == pytest.approx(0.5 * theirs, rel=1e-4)


def test_its_gradient_is_that_of_differences():
    loss = LpipsLoss(random_weights(narrower=8), 1.0, 3).double()
    soft, sharp = (x.double() for x in frames(MIN_SIZE))
    image = soft.clone().requires_grad_()
    loss(image, sharp).backward()
    direction = torch.randn(image.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        ahead, behind = (loss(soft + step * direction, sharp) for step in (1e-6, -1e-6))
    assert (image.grad * direction).sum().item() == pytest.approx((ahead - behind).item() / 2e-6, rel=1e-4)


def test_it_falls_when_the_image_follows_its_gradient_and_changes_nothing_else(published):
    loss = LpipsLoss(published, 1.0, 3)
    assert list(loss.parameters()) == []
    assert list(loss.state_dict()) == []
    soft, sharp = frames(32)
    image, truth = soft.clone().requires_grad_(), sharp.clone().requires_grad_()
    before = loss(image, truth)
    before.backward()
    assert truth.grad is None
    with torch.no_grad():
        after = loss(image - 1e-3 * image.grad / image.grad.abs().mean(), sharp)
    assert after.item() < before.item()


def test_some_windows_stand_for_the_batch_from_its_first_to_its_last():
    weights = random_weights(narrower=8)
    generator = torch.Generator().manual_seed(0)
    images, truths = torch.rand(2, 7, 3, 32, 32, generator=generator)
    looked = [0, 3, 6]
    some = LpipsLoss(weights, 1.0, 3)(images, truths)
    assert torch.allclose(some, LpipsLoss(weights, 1.0, 7)(images[looked], truths[looked]))
    assert torch.isfinite(LpipsLoss(weights, 1.0, 100)(images, truths))


def test_windows_without_a_pixel_in_the_last_stage_are_refused():
    loss = LpipsLoss(random_weights(narrower=8), 1.0, 4)
    small = torch.rand(1, 3, MIN_SIZE - 1, 64)
    with pytest.raises(UserError, match=r"at least 16 px.*renderer\.window"):
        loss(small, small)
    assert torch.isfinite(loss(torch.rand(1, 3, MIN_SIZE, 16), torch.rand(1, 3, MIN_SIZE, 16)))


def test_without_its_weights_it_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path))
    with pytest.raises(AssetMissing) as caught:
        Lpips().build()
    assert caught.value.remedy == "python -m erlnet assets fetch lpips_vgg"


def test_the_judge_is_another_network():
    from erlnet.metrics.cards import fingerprint

    assert fingerprint("lpips")["network"] == "alex"


def test_the_component_gives_weight_and_windows_on(published):
    soft, sharp = frames(32)
    with torch.no_grad():
        whole = load_lpips_loss(asset_path("lpips_vgg", "this test"), 1.0, 1)(soft, sharp)
        assert torch.allclose(Lpips(weight=0.3, windows=1).build()(soft, sharp), 0.3 * whole)


@pytest.mark.parametrize("options", [{"weight": 0.0}, {"windows": 0}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="expected a weight above 0"):
        Lpips(**options)

"""Our numbers beside their references', on real frames: `pytest tests/metrics/test_parity.py -s` prints the tables."""

import os
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from published_cpbd import published_cpbd
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from erlnet.assets import asset_path
from erlnet.errors import AssetMissing
from erlnet.metrics.cpbd import cpbd, luma
from erlnet.metrics.image import psnr, squared_error_map
from erlnet.metrics.lpips import frame_distance, load_lpips
from erlnet.metrics.ssim import UNIFORM, ssim_map

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "clips"
FILES = ("dfrf_french.mp4", "crema_d/1001_DFA_ANG_XX.flv", "grid/lbax4n.mpg")
FRAMES = (5, 40)  # of each clip
PAIR = os.environ.get("LPIPS_PAIR", "")  # a folder with the three example pictures of the authors
PUBLISHED = {"ex_p0": 0.722, "ex_p1": 0.138}  # distances to ex_ref as its authors publish them, AlexNet, version 0.1
LATER = 3  # frames by which the other side of a pair is late
SIZES = (256, 512)
GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def decoded(file: Path) -> list[Image.Image]:
    with av.open(str(file)) as container:
        frames = (frame.to_image() for frame in container.decode(video=0))
        return [frame for frame, _ in zip(frames, range(FRAMES[-1] + LATER + 1))]


@pytest.fixture(scope="module")
def pairs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> (reference, render), (H,W,3) uint8: a frame beside a later one, and one beside its blur."""
    if not CLIPS.is_dir():
        pytest.skip("the real clips lie in ../shared, which is absent")
    found = {}
    for file in FILES:
        frames = decoded(CLIPS / file)
        for size in SIZES:
            for k in FRAMES:
                a, b = (np.asarray(frames[i].resize((size, size))) for i in (k, k + LATER))
                soft = gaussian_filter(a.astype(float), (1.2, 1.2, 0)).round().astype(np.uint8)
                found[f"{Path(file).stem} {k} {size} late"] = (a, b)
                found[f"{Path(file).stem} {k} {size} blur"] = (a, soft)
    return found


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1)[None].copy())


def said(title: str, rows: list[tuple[str, float, float]], tolerance: float) -> Iterator[float]:
    print(f"\n{title:<44}{'ours':>12}{'reference':>12}{'difference':>12}")
    for name, ours, theirs in rows:
        print(f"{name:<44}{ours:>12.6f}{theirs:>12.6f}{abs(ours - theirs):>12.1e}")
        yield abs(ours - theirs)
    print(f"{'largest difference allowed':<44}{tolerance:>36.0e}")


@pytest.mark.parametrize("kind", ["gaussian", "uniform"])
def test_ssim_reads_as_scikit_images(pairs, kind):
    ours, theirs = ({}, GAUSSIAN) if kind == "gaussian" else ({"window": UNIFORM}, {})
    rows = [
        (
            name,
            ssim_map(tensor(a), tensor(b), data_range=255.0, **ours).mean().item(),
            float(structural_similarity(a, b, channel_axis=2, data_range=255, **theirs)),
        )
        for name, (a, b) in pairs.items()
    ]
    assert max(said(f"SSIM, {kind} window, against scikit-image", rows, 1e-5)) <= 1e-5


def test_psnr_reads_as_scikit_images(pairs):
    """Of dB to five digits behind the point."""
    rows = [
        (
            name,
            psnr(squared_error_map(tensor(a), tensor(b)).mean(dim=(1, 2)), data_range=255.0).item(),
            float(peak_signal_noise_ratio(a, b, data_range=255)),
        )
        for name, (a, b) in pairs.items()
    ]
    assert max(said("PSNR, dB, against scikit-image", rows, 1e-5)) <= 1e-5


def test_cpbd_reads_as_the_published_package(pairs):
    rows = []
    for size in SIZES:
        chosen = {name: render for name, (_, render) in pairs.items() if f" {size} " in name}
        planes = np.concatenate([luma(render.transpose(2, 0, 1)[None]) for render in chosen.values()])
        theirs = published_cpbd(planes)
        if isinstance(theirs, str):
            pytest.skip(theirs)
        rows += list(zip(chosen, cpbd(planes).tolist(), theirs[0]))
    assert max(said("CPBD against the published package", rows, 1e-3)) <= 1e-3


def test_lpips_reads_the_published_pair():
    try:
        network = load_lpips(asset_path("lpips", "this test"))
    except AssetMissing as missing:
        pytest.skip(str(missing))
    if not (Path(PAIR) / "ex_ref.png").is_file():
        pytest.skip("LPIPS_PAIR names no folder with ex_ref.png, ex_p0.png and ex_p1.png (CONTRIBUTING.md)")
    files = {name: Path(PAIR) / f"{name}.png" for name in ("ex_ref", *PUBLISHED)}
    images = {name: tensor(np.asarray(Image.open(file).convert("RGB"))) for name, file in files.items()}
    layers = {name: network.features(image, data_range=255.0) for name, image in images.items()}
    rows = [
        (name, frame_distance(network.layer_maps(layers["ex_ref"], layers[name])).item(), published)
        for name, published in PUBLISHED.items()
    ]
    assert max(said("LPIPS, AlexNet, against its published pair", rows, 1e-3)) <= 1e-3

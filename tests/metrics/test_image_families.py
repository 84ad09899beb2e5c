import numpy as np
import pytest
from metric_fakes import ArrayClip, face, noise_frames

from erlnet.interfaces import REGIONS
from erlnet.metrics import families, pairs
from erlnet.metrics.families import build_family
from erlnet.metrics.pairs import ClipPair, Row, Unavailable, batches
from erlnet.metrics.protocol import IMAGE_REGIONS


def pair(reference: np.ndarray, rendered: np.ndarray, bits: np.ndarray | None = None, name: str = "c") -> ClipPair:
    count, _, height, width = reference.shape
    landmarks = np.stack([face((width / 2, height / 2), width / 3)] * count)
    regions = np.zeros((count, height, width), np.uint8) if bits is None else bits
    return ClipPair(name, "a", ArrayClip(reference, landmarks), ArrayClip(rendered, landmarks), regions, landmarks)


def value(rows: list[Row], frame: int, region: str) -> float | None:
    (found,) = [row.value for row in rows if (row.frame, row.region) == (frame, region)]
    return found


@pytest.mark.parametrize(("family", "perfect"), [("ssim", 1), ("psnr", 100)])
def test_truth_is_perfect_in_every_region_that_has_pixels(family, perfect):
    frames = noise_frames(2, 48)
    bits = np.full((2, 48, 48), 1 << REGIONS.index("head"), np.uint8)
    rows = build_family(family).score([pair(frames, frames, bits)])
    assert len(rows) == 2 * len(IMAGE_REGIONS)
    for region in ("frame", "head", "mouth"):
        assert value(rows, 1, region) == pytest.approx(perfect, abs=1e-4)
    assert value(rows, 0, "torso") is None  # no such pixel: no value, not zero


@pytest.mark.parametrize("family", ["ssim", "psnr"])
def test_only_the_region_that_is_damaged_falls(family):
    frames = noise_frames(1, 64)
    damaged = frames.copy()
    damaged[:, :, 44:, :] = 128
    bits = np.zeros((1, 64, 64), np.uint8)
    bits[:, :32] = 1 << REGIONS.index("head")
    bits[:, 44:] = 1 << REGIONS.index("torso")
    rows = build_family(family).score([pair(frames, damaged, bits)])
    truth = build_family(family).score([pair(frames, frames, bits)])
    assert value(rows, 0, "head") == pytest.approx(value(truth, 0, "head"), abs=1e-6)
    assert value(rows, 0, "torso") < value(rows, 0, "frame") < value(truth, 0, "frame")


def test_a_region_without_a_face_has_no_mouth():
    frames = noise_frames(2, 48)
    clip = pair(frames, frames)
    clip.landmarks[1] = np.nan
    rows = build_family("ssim").score([clip])
    assert value(rows, 0, "mouth") is not None
    assert value(rows, 1, "mouth") is None


def test_batches_bound_what_lies_in_memory_and_change_nothing(monkeypatch):
    reference, rendered = noise_frames(7, 48), noise_frames(7, 48, seed=1)
    whole = build_family("ssim").score([pair(reference, rendered)])
    monkeypatch.setattr(pairs, "_BATCH_PIXELS", 2 * 48 * 48)
    clip = pair(reference, rendered)
    assert batches(clip) == [(0, 2), (2, 4), (4, 6), (6, 7)]
    again = build_family("ssim").score([clip])
    assert [(row.frame, row.region) for row in again] == [(row.frame, row.region) for row in whole]
    for a, b in zip(again, whole):
        assert a.value == pytest.approx(b.value, abs=1e-6) if b.value is not None else a.value is None
    assert max(stop - start for start, stop in clip.rendered.asked) == 2


def test_the_truth_against_itself_is_read_once():
    clip = pair(noise_frames(3, 48), noise_frames(3, 48))
    same = ClipPair("c", "a", clip.reference, clip.reference, clip.regions, clip.landmarks)
    build_family("psnr").score([same])
    assert clip.reference.asked.count((0, 3)) == 1


def test_frames_of_another_size_are_refused_by_name():
    with pytest.raises(ValueError, match=r"clip7: .*differ in size: \(48, 48\) and \(32, 32\)"):
        build_family("psnr").score([pair(noise_frames(1, 48), noise_frames(1, 32), name="clip7")])


def test_clips_of_another_length_are_refused_by_name():
    with pytest.raises(ValueError, match="clip7: 2 reference frames, 3 rendered"):
        pair(noise_frames(2, 48), noise_frames(3, 48), name="clip7")


def test_lpips_without_its_weights_is_unavailable_and_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path))
    frames = noise_frames(1, 48)
    with pytest.raises(Unavailable) as caught:
        build_family("lpips").score([pair(frames, frames)])
    assert caught.value.remedy == "python -m erlnet assets fetch lpips"


def test_lpips_passes_each_distinct_frame_through_the_network_once(monkeypatch):
    from test_lpips import random_weights

    from erlnet.metrics.lpips import Lpips, frame_distance

    network = Lpips(random_weights())
    seen = []
    whole = network.features
    monkeypatch.setattr(
        network, "features", lambda f, data_range: seen.append(len(f)) or whole(f, data_range=data_range)
    )
    monkeypatch.setattr(families, "load_judge", lambda: network)
    reference = noise_frames(4, 64)
    still = np.repeat(noise_frames(1, 64, seed=5), 4, axis=0)
    rows = build_family("lpips").score([pair(reference, still)])
    assert seen == [5]
    import torch

    layers = [whole(torch.from_numpy(x[2:3]), data_range=255.0) for x in (reference, still)]
    expected = frame_distance(network.layer_maps(*layers)).item()
    assert value(rows, 2, "frame") == pytest.approx(expected, rel=1e-4)
    assert value(build_family("lpips").score([pair(reference, reference)]), 3, "frame") == 0

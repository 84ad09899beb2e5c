import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_fakes import ArrayClip
from PIL import Image
from published_cpbd import published_cpbd
from scipy.ndimage import gaussian_filter
from skimage.data import astronaut
from skimage.feature import canny as scikit_canny

import erlnet.metrics.cpbd as module
from erlnet.metrics import protocol
from erlnet.metrics.canny import HALO, canny, ridges
from erlnet.metrics.cpbd import cpbd, luma
from erlnet.metrics.cpbd_family import CpbdFamily
from erlnet.metrics.extra_cards import EXTRA_CARDS, extra_fingerprint
from erlnet.metrics.pairs import ClipPair


def grey_portrait(size: int = 512) -> np.ndarray:
    return np.asarray(Image.fromarray(astronaut()).resize((size, size)).convert("L"))


def one(plane: np.ndarray) -> float:
    (value,) = cpbd(plane[None])
    return float(value)


def noisy(plane: np.ndarray, sd: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sd, plane.shape)
    return np.clip(plane + noise, 0, 255).round().astype(np.uint8)


def blurred(plane: np.ndarray, sigma: float) -> np.ndarray:
    return gaussian_filter(plane.astype(float), sigma).round().astype(np.uint8)


def edge(*steps: int, dark: int = 100, size: int = 256) -> np.ndarray:
    """A vertical edge at column 100 that climbs by these steps, one a column; from there grey falls to both sides."""
    row = np.full(size, float(dark))
    row[:100] += np.minimum(100 - np.arange(100), 8)
    for i, step in enumerate(steps):
        row[101 + i :] += step
    end = 100 + len(steps)
    row[end:] -= np.minimum(np.arange(size - end), 8)
    return np.tile(row, (size, 1)).astype(np.uint8)


@pytest.mark.parametrize(
    ("steps", "sharp"),
    [
        ((40, 41), 1), ((20, 40, 30), 1),  # 2 and 3 columns wide: within 3, the width that is just noticed
        ((15, 30, 40, 20), 0), ((10, 15, 40, 30, 10), 0),  # 4 and 5 columns at high contrast
        ((5, 10, 15, 8), 1), ((4, 6, 14, 10, 4), 1),  # the same at low contrast, where 5 is just noticed
        ((4, 6, 14, 10, 4, 3), 0),
    ],
)  # fmt: skip
def test_an_edge_is_sharp_up_to_the_width_that_is_just_noticed_at_its_contrast(steps, sharp):
    assert one(edge(*steps)) == sharp
    assert one(255 - edge(*steps)) == sharp


@pytest.mark.parametrize(("contrast", "sharp"), [(50, 1), (51, 0)])
def test_contrast_is_low_up_to_50_grey_levels(contrast, sharp):
    assert one(edge(10, 15, contrast - 35, 10)) == sharp


def test_a_bare_step_is_sharp_and_its_blur_is_not():
    step = np.full((256, 256), 60, np.uint8)
    step[:, 101:] = 200
    step[:, 100] = 130
    assert one(step) == 1
    assert one(blurred(step, 3)) == 0


def test_half_sharp_half_blurred_reads_a_half():
    plane = edge(15, 30, 40, 20)
    plane[128:] = edge(40, 41)[128:]
    assert one(plane) == pytest.approx(0.5, abs=0.01)


def test_edges_that_lie_flat_do_not_count():
    assert one(edge(40, 41)) == 1
    assert one(np.ascontiguousarray(edge(40, 41).T)) == 0


def test_blur_lowers_it_and_noise_raises_it():
    plane = grey_portrait()
    values = [one(blurred(plane, sigma)) for sigma in (0, 0.6, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.3
    assert values[-1] < 0.01
    soft = blurred(plane, 1)
    noise = [one(noisy(soft, sd)) for sd in (0, 2, 4, 8)]
    assert noise == sorted(noise)
    assert noise[-1] > one(plane)  # sharper than the truth, and worse


def test_a_flat_picture_has_no_edge_and_reads_0():
    for grey in (0, 128, 255):
        assert one(np.full((256, 256), grey, np.uint8)) == 0


@pytest.mark.parametrize("shape", [(255, 512), (512, 255), (64, 64)])
def test_frames_under_256_px_have_no_value(shape):
    assert np.isnan(cpbd(np.full((2, *shape), 9, np.uint8))).all()


@pytest.mark.parametrize(("width", "value"), [(319, 0), (320, 0.5)])
def test_incomplete_blocks_are_dropped(width, value):
    blur_then_sharp = np.concatenate([edge(15, 30, 40, 20), edge(40, 41)[:, 68:132]], axis=1)
    assert blur_then_sharp.shape == (256, 320)  # the sharp edge lies in the last column of blocks
    assert one(blur_then_sharp[:, :width]) == value


def test_a_batch_is_its_frames():
    planes = np.stack([grey_portrait(256), blurred(grey_portrait(256), 1), noisy(grey_portrait(256), 9)])
    assert cpbd(planes).tolist() == [one(plane) for plane in planes]
    assert cpbd(planes[:0]).shape == (0,)


def brute_force(plane: np.ndarray) -> float:
    """The definition pixel by pixel, in floats, with scikit-image's Canny."""
    grey = plane.astype(float)
    height, width = grey.shape
    padded = np.pad(grey, 1, mode="edge")
    gradient = np.zeros_like(grey)
    for y in range(height):
        for x in range(width):
            near = padded[y : y + 3, x : x + 3]
            gradient[y, x] = abs(np.array([1, 2, 1]) @ (near[:, 2] - near[:, 0])) / 4
    gradient[gradient <= 2 * np.sqrt(np.sqrt((gradient**2).mean()))] = 0
    edges = scikit_canny(grey)
    counts = [0, 0]
    for top in range(0, height - 63, 64):
        for left in range(0, width - 63, 64):
            block = np.s_[top : top + 64, left : left + 64]
            if edges[block].sum() <= 0.002 * 4096:
                continue
            noticed = 5 if np.ptp(grey[block]) <= 50 else 3
            for y, x in zip(*np.nonzero(gradient[block])):
                y, x = top + y, left + x
                if not (0 < y < height - 1 and 0 < x < width - 1):
                    continue
                here = gradient[y, x]
                if not (
                    here > max(gradient[y, x - 1], gradient[y, x + 1])
                    or here > max(gradient[y - 1, x], gradient[y + 1, x])
                ):
                    continue
                dx, dy = grey[y, x + 1] - grey[y, x - 1], grey[y + 1, x] - grey[y - 1, x]
                angle = 0.0 if dx == 0 else abs(np.degrees(np.arctan2(dy, dx)))
                if not (angle < 22.5 or angle > 157.5):
                    continue
                line = grey[y] if angle < 90 else -grey[y]
                right, left_end = x + 1, x - 1
                while right + 1 < width and line[right + 1] > line[right]:
                    right += 1
                while left_end > 0 and line[left_end - 1] < line[left_end]:
                    left_end -= 1
                detected = 1 - np.exp(-(((right - left_end) / noticed) ** 3.6))
                counts[0] += round(100 * detected) <= 63
                counts[1] += 1
    return counts[0] / counts[1] if counts[1] else 0.0


@settings(max_examples=8, deadline=None)
@given(
    height=st.integers(64, 140), width=st.integers(64, 140), seed=st.integers(0, 2**16),
    sigma=st.sampled_from([0.0, 0.7, 1.5, 4.0]), levels=st.sampled_from([3, 40, 255]),
)  # fmt: skip
def test_it_is_the_definition_pixel_by_pixel(height, width, seed, sigma, levels):
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(height, width)), sigma)
    noise[: height // 3, : width // 2] = noise.mean()  # some blocks without edges
    plane = ((noise - noise.min()) / np.ptp(noise) * levels).round().astype(np.uint8)
    assert module._cpbd(plane) == pytest.approx(brute_force(plane), abs=1e-9)


def test_the_edges_are_scikit_images():
    for plane in (grey_portrait(300)[:, :257], noisy(np.full((90, 70), 20, np.uint8), 0.4)):
        np.testing.assert_array_equal(canny(plane), scikit_canny(plane.astype(float)))


def test_a_band_holds_the_ridges_of_its_plane():
    plane = grey_portrait(256)
    np.testing.assert_allclose(ridges(plane[50:90])[HALO:-HALO], ridges(plane)[50 + HALO : 90 - HALO], atol=1e-9)


def test_blocks_that_a_band_leaves_open_are_settled_by_the_whole_frame(monkeypatch):
    plane = np.full((256, 256), 90, np.uint8)
    plane[70:78, 70] = 140  # an edge block whose band, rows 28 to 36 of the block, is flat
    plane[200, 30] = 91  # a single pixel: edges, but too few
    calls = []
    monkeypatch.setattr(module, "canny", lambda p: calls.append(1) or canny(p))
    found = module._edge_blocks(plane, np.ones((4, 4), bool))
    assert calls
    counts = scikit_canny(plane.astype(float)).reshape(4, 64, 4, 64).sum(axis=(1, 3))
    np.testing.assert_array_equal(found, counts > 0.002 * 4096)
    assert found[1, 1]
    assert not found[0, 0]


def test_luma_is_pillows():
    colours = np.random.default_rng(0).integers(0, 256, (2, 3, 64, 64), dtype=np.uint8)
    for frame, grey in zip(colours, luma(colours)):
        np.testing.assert_array_equal(grey, np.asarray(Image.fromarray(frame.transpose(1, 2, 0)).convert("L")))


def pair(reference: ArrayClip, rendered: ArrayClip) -> ClipPair:
    count = len(reference)
    return ClipPair("c", "a", reference, rendered, np.zeros((count, 1, 1), np.uint8), np.zeros((count, 68, 2)))


def clip(*planes: np.ndarray) -> ArrayClip:
    return ArrayClip(np.stack([np.repeat(plane[None], 3, axis=0) for plane in planes]), np.zeros((len(planes), 68, 2)))


def test_the_family_gives_the_renders_value_and_the_difference_to_the_truth_of_every_frame():
    truth = grey_portrait(256)
    soft = blurred(truth, 1)
    rows = CpbdFamily().score([pair(clip(truth, soft), clip(soft, truth))])
    sharp, dull = one(truth), one(soft)
    assert [(row.frame, row.value) for row in rows if row.metric == "cpbd"] == [(0, dull), (1, sharp)]
    assert [row.value for row in rows if row.metric == "cpbd_difference"] == [dull - sharp, sharp - dull]
    assert {row.region for row in rows} == {"frame"}
    same = clip(truth)
    assert [row.value for row in CpbdFamily().score([pair(same, same)])] == [sharp, 0]


def test_the_family_has_no_value_for_small_frames_and_refuses_another_size():
    small = clip(grey_portrait(128))
    assert [row.value for row in CpbdFamily().score([pair(small, small)])] == [None, None]
    with pytest.raises(ValueError, match=r"c: reference and render differ in size: \(256, 256\) and \(128, 128\)"):
        CpbdFamily().score([pair(clip(grey_portrait(256)), small)])


def test_long_clips_are_read_in_pieces():
    many = clip(*[grey_portrait(64)] * 40)
    assert len(CpbdFamily().score([pair(many, clip(*[grey_portrait(64)] * 40))])) == 80
    assert max(stop - start for start, stop in many.asked) <= 16


@pytest.mark.parametrize(
    ("family", "number", "value"),
    [("cpbd", "CPBD_BETA", 3.5), ("cpbd", "CPBD_CANNY", (1.0, 2.0)), ("ssim_uniform7", "SSIM_UNIFORM_WINDOW", 9)],
)
def test_cards_say_what_they_are_and_a_number_that_decides_a_score_is_in_the_fingerprint(
    family, number, value, monkeypatch
):
    assert any(card.family == family for card in EXTRA_CARDS)
    assert all(card.definition.endswith(".") and len(card.definition) > 60 for card in EXTRA_CARDS)
    before = extra_fingerprint(family)
    assert json.loads(json.dumps(before)) == before
    monkeypatch.setattr(protocol, number, value)
    assert extra_fingerprint(family) != before


def test_pictures_read_as_in_the_published_package():
    plane = grey_portrait()
    small = gaussian_filter(np.random.default_rng(0).normal(128, 90, (320, 300)), 0.8).clip(0, 255).astype(np.uint8)
    for planes in ([plane, blurred(plane, 0.7), noisy(blurred(plane, 1), 4), plane.T.copy()], [small]):
        theirs = published_cpbd(np.stack(planes))
        if isinstance(theirs, str):
            pytest.skip(theirs)
        np.testing.assert_allclose(cpbd(np.stack(planes)), theirs[0], atol=1e-3)

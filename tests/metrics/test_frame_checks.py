import re

import numpy as np
import pytest
import torch
from metric_fakes import ArrayClip, face, noise_frames

from erlnet.errors import UserError
from erlnet.metrics.cpbd_family import CpbdFamily
from erlnet.metrics.families import build_family
from erlnet.metrics.frame_checks import check_frames
from erlnet.metrics.mouth import join_short, mouth_scores
from erlnet.metrics.pairs import ClipPair
from erlnet.metrics.protocol import IMAGE_REGIONS
from erlnet.metrics.regions import region_means
from erlnet.metrics.uniform_ssim_family import UniformSsimFamily

BYTES = noise_frames(3, 32)
FLOATS = BYTES / 255


def with_value(frames: np.ndarray, frame: int, value: float) -> np.ndarray:
    changed = frames.copy()
    changed[frame, 1, 5, 6] = value
    return changed


def changed(frames: np.ndarray) -> np.ndarray:
    return np.clip(frames.astype(int) + np.random.default_rng(1).integers(-9, 10, frames.shape), 0, 255).astype(
        np.uint8
    )


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy, lambda x: np.ascontiguousarray(x[::-1])[::-1]])
def test_good_frames_pass_without_a_word(make):
    assert check_frames(make(BYTES), make(changed(BYTES)), clip="a") == []
    assert check_frames(make(FLOATS), make(FLOATS), clip="a", data_range=1.0) == []
    assert check_frames(make(FLOATS * 255), make(BYTES), clip="a") == []


def test_frames_that_must_not_be_written_pass_and_stay_as_they_are():
    frozen = BYTES.copy()
    frozen.flags.writeable = False
    assert check_frames(frozen, frozen, clip="a") == []
    np.testing.assert_array_equal(frozen, BYTES)


def test_what_rounding_sticks_out_of_the_range_passes():
    assert check_frames(FLOATS, with_value(FLOATS, 1, 1.0005), clip="a", data_range=1.0) == []


@pytest.mark.parametrize(
    ("rendered", "data_range", "message"),
    [
        (with_value(FLOATS, 2, np.nan), 1.0, "clip 'c7', frame 12, render: NaN or infinite values; "),
        (with_value(FLOATS, 0, np.inf), 1.0, "clip 'c7', frame 10, render: NaN or infinite values; "),
        (with_value(FLOATS, 1, 1.5), 1.0, "clip 'c7', frame 11, render: values from 0 to 1.5, the range is 0 to 1; "),
        (with_value(FLOATS, 1, -0.5), 1.0, "clip 'c7', frame 11, render: values from -0.5 to 1, the range is 0 to 1; "),
        (FLOATS * 255, 1.0, "clip 'c7', frame 10, render: values from 0 to 255, the range is 0 to 1; "),
        (BYTES.astype(np.uint16) * 257, 255.0, "frame 10, render: values from 0 to 65535, the range is 0 to 255; "),
        (with_value(BYTES.astype(np.int16), 2, -1), 255.0, "frame 12, render: values from -1 to 255, "),
        (BYTES, 1.0, "clip 'c7', render: integers with a range of 1; give the range 255 or floats"),
        (FLOATS.astype(np.uint8), 255.0, "frame 10, render: integers of 0 and 1 only, while the other side goes to "),
        (BYTES > 100, 255.0, "clip 'c7', render: frames of true and false; give bytes or floats"),
        (BYTES.transpose(0, 2, 3, 1), 255.0, "render: frames of shape (3, 32, 32, 3); move the channels to the front"),
        (BYTES[:, :1], 255.0, "render: frames of shape (3, 1, 32, 32); give (N,3,H,W) RGB"),
        (BYTES[0], 255.0, "render: frames of shape (3, 32, 32); give (N,3,H,W) RGB"),
        (BYTES[:0], 255.0, "render: no frames, shape (0, 3, 32, 32); "),
        (BYTES[:2], 255.0, "clip 'c7': 3 reference frames, 2 rendered; "),
        (BYTES[:, :, :, :20], 255.0, "clip 'c7': the reference is 32 x 32 px, the render 20 x 32 px; resize one"),
    ],
)
def test_frames_that_cannot_be_scored_are_refused_in_one_line(rendered, data_range, message):
    reference = FLOATS if data_range == 1.0 else BYTES
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        check_frames(reference, rendered, clip="c7", first=10, data_range=data_range)
    assert "\n" not in str(caught.value)


def test_the_reference_is_looked_at_too():
    with pytest.raises(UserError, match="clip 'a', frame 1, reference: NaN"):
        check_frames(with_value(FLOATS, 1, np.nan), FLOATS, clip="a", data_range=1.0)


def test_black_frames_are_no_mistake():
    assert check_frames(BYTES, np.zeros_like(BYTES), clip="a") == []
    assert check_frames(np.zeros_like(BYTES), np.ones_like(BYTES), clip="a") == []  # both sides hold as little


def test_exchanged_channels_are_warned_of_with_what_an_exchange_would_bring():
    (warning,) = check_frames(BYTES, changed(BYTES)[:, ::-1], clip="c7")
    assert re.fullmatch(r"clip 'c7': with red and blue exchanged .* falls to \d%; is one side BGR\?", warning)


def test_a_poor_render_in_the_right_order_is_not_taken_for_bgr():
    assert check_frames(BYTES, noise_frames(3, 32, seed=9), clip="a") == []
    assert check_frames(BYTES, np.repeat(BYTES.mean(axis=0, keepdims=True).astype(np.uint8), 3, 0), clip="a") == []


def test_grey_frames_say_nothing_of_their_order():
    grey = np.repeat(BYTES[:, :1], 3, axis=1)
    assert check_frames(grey, changed(grey)[:, ::-1], clip="a") == []


def pair(frames: np.ndarray, bits: np.ndarray | None = None) -> ClipPair:
    count, _, height, width = frames.shape
    landmarks = np.full((count, 68, 2), np.nan) if bits is None else np.stack([face((16.0, 16.0), 10.0)] * count)
    regions = np.zeros((count, height, width), np.uint8) if bits is None else bits
    return ClipPair("c", "a", ArrayClip(frames, landmarks), ArrayClip(changed(frames), landmarks), regions, landmarks)


@pytest.mark.parametrize("family", [build_family("ssim"), build_family("psnr"), UniformSsimFamily()])
def test_where_every_mask_is_empty_only_the_frame_has_a_value(family):
    rows = family.score([pair(BYTES)])
    assert len(rows) == len(BYTES) * len(IMAGE_REGIONS)
    assert {row.region for row in rows if row.value is not None} == {"frame"}
    assert all(np.isfinite(row.value) for row in rows if row.value is not None)


def test_a_mask_of_63_pixels_has_no_value_and_one_of_64_has_their_mean():
    values, masks = torch.arange(100.0).view(1, 10, 10), torch.zeros(1, 3, 10, 10, dtype=torch.bool)
    masks.view(3, 100)[1, :63] = True
    masks.view(3, 100)[2, :64] = True
    empty, few, enough = region_means(values, masks)[0]
    assert empty.isnan()
    assert few.isnan()
    assert enough.item() == pytest.approx(63 / 2)


@pytest.mark.parametrize("family", [build_family("ssim"), build_family("psnr"), UniformSsimFamily(), CpbdFamily()])
def test_no_clips_give_no_rows_and_a_single_frame_gives_its_own(family):
    assert family.score([]) == []
    rows = family.score([pair(BYTES[:1])])
    assert {row.frame for row in rows} == {0}


def test_one_short_clip_alone_is_a_unit_and_too_few_frames_have_no_correlation():
    assert join_short(["a"], [0.4]) == [[0]]
    curve = np.linspace(0, 0.3, 9)
    scores = mouth_scores([(curve, curve)])
    assert (scores.r, scores.slope, scores.lag) == (None, None, None)

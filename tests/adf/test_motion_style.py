"""Style encoders: what of a clip they read, and clips of any length, also one for each stream."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from motion_toys import MOTION_SETTINGS, WIDTH, Silent, toy_clip, toy_clips

from erlnet.adf.components import MeanStyle, NoSpeechLoss, NoStyle, TransformerStyle
from erlnet.adf.generate import generate, style_vector
from erlnet.adf.stack import parameters_of
from erlnet.adf.train_mapper import build_mapper, train_mapper
from erlnet.errors import UserError

KINDS = [
    TransformerStyle(width=16, heads=2, split=False),
    TransformerStyle(width=16, heads=2),
    MeanStyle(split=False),
    MeanStyle(),
    NoStyle(),
]


def encoder(kind, width_out: int = 6):
    torch.manual_seed(0)
    return kind.build(3, 2, width_out).eval()


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(1, 40), st.integers(0, 20))
def test_frames_outside_the_mask_count_for_nothing_at_any_length(kind, length: int, more: int) -> None:
    module = encoder(kind)
    motion = torch.randn(1, length + more, 5, generator=torch.Generator().manual_seed(length))
    motion[:, length:] = 40
    mask = torch.arange(length + more)[None] < length
    vector = module(motion, mask)
    torch.testing.assert_close(vector, module(motion[:, :length], mask[:, :length]), atol=1e-5, rtol=1e-4)
    assert vector.abs().max() <= 1


def test_the_mean_style_is_a_linear_layer_on_mean_and_sd() -> None:
    """Split: one on the first 3 channels, one on the other 2."""
    motion = torch.randn(2, 30, 5)

    def by_hand(layer: torch.nn.Linear, channels: torch.Tensor) -> torch.Tensor:
        statistics = torch.cat([channels.mean(1), (channels.var(1, unbiased=False) + 1e-4).sqrt()], dim=1)
        return torch.tanh(statistics @ layer.weight.T + layer.bias)

    apart = encoder(MeanStyle())
    expected = torch.cat([by_hand(apart.expression.out, motion[..., :3]), by_hand(apart.pose.out, motion[..., 3:])], 1)
    torch.testing.assert_close(apart(motion, torch.ones(2, 30, dtype=torch.bool)), expected)
    module = encoder(MeanStyle(split=False))
    expected = by_hand(module.out, motion)
    torch.testing.assert_close(module(motion, torch.ones(2, 30, dtype=torch.bool)), expected)
    order = torch.randperm(30)
    torch.testing.assert_close(module(motion[:, order], torch.ones(2, 30, dtype=torch.bool)), expected)


def test_no_style_is_zero_and_learns_nothing() -> None:
    module = encoder(NoStyle())
    assert module(torch.randn(3, 4, 5), torch.ones(3, 4, dtype=torch.bool)).tolist() == [[0.0] * 6] * 3
    assert parameters_of(module) == 0


@pytest.mark.parametrize("kind", [KINDS[1], KINDS[3]])
@pytest.mark.parametrize("width_out", [6, 7])
def test_a_split_style_keeps_each_stream_to_its_half(kind, width_out: int) -> None:
    module, mask = encoder(kind, width_out), torch.ones(1, 20, dtype=torch.bool)
    motion = torch.randn(1, 20, 5)
    other = motion.clone()
    other[..., 3:] += torch.randn(1, 20, 2)
    first, second = module(motion, mask)[0], module(other, mask)[0]
    half = width_out - width_out // 2
    assert len(first) == width_out
    assert torch.equal(first[:half], second[:half])
    assert (first[half:] - second[half:]).abs().min() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_the_two_streams_may_be_shown_by_clips_of_different_lengths(kind, codec) -> None:
    torch.manual_seed(0)
    mapper = build_mapper(12, codec, kind, MOTION_SETTINGS).eval()
    one, other = toy_clip(1, 50), toy_clip(2, 70)
    vector = style_vector(mapper, codec, one.expression, other.pose)
    torch.testing.assert_close(vector, style_vector(mapper, codec, one.expression, other.pose[:50]))
    assert generate(mapper, codec, one.features, one.expression, other.pose)[0].shape == (50, WIDTH)
    assert style_vector(mapper, codec, one.expression[:1], other.pose).shape == (1, MOTION_SETTINGS.style_width)


def test_without_a_style_the_style_clip_changes_nothing(codec) -> None:
    mapper, _ = train_mapper(toy_clips()[:2], codec, NoStyle(), NoSpeechLoss(), MOTION_SETTINGS.__class__(
        steps=4, width=16, heads=2), 0, Silent())  # fmt: skip
    clip = toy_clip(9)
    calm, lively = toy_clip(0), toy_clip(1, style="lively")
    first, second = (generate(mapper, codec, clip.features, c.expression, c.pose) for c in (calm, lively))
    assert all(torch.equal(*pair) for pair in zip(first, second))


def test_a_width_that_the_heads_do_not_divide_is_a_mistake_of_one_line() -> None:
    with pytest.raises(UserError, match=r"style\.heads=4"):
        TransformerStyle(width=12).build(3, 2, 6)

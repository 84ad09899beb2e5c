"""Streaming inference against the same sound in one go, with random weights."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_toys import FEATURES, WIDTH, toy_clip

from erlnet.adf.attention import futures
from erlnet.adf.components import Direct, Dual, Fsq, Single, TransformerStyle
from erlnet.adf.generate import generate, style_vector
from erlnet.adf.settings import MotionSettings
from erlnet.adf.stream import MotionStream
from erlnet.adf.train_mapper import build_mapper
from erlnet.errors import UserError

SMALL = {"width": 8, "layers": 2, "heads": 2, "reach": 2, "code_dim": 4}
SIZES = {"width": 8, "heads": 2, "layers": 2, "reach": 3, "style_width": 4}
STYLE = TransformerStyle(width=8, heads=2)


def made(vq, lookahead: int = -1):
    """(mapper, codec) whose attention prefers some offsets, so that a wrong one shows."""
    torch.manual_seed(0)
    codec = vq.build(WIDTH, 6, Fsq(levels=(3, 3))).eval()
    mapper = build_mapper(FEATURES, codec, STYLE, MotionSettings(**SIZES, lookahead=lookahead)).eval()
    for module in (codec, mapper):
        for name, tensor in module.named_parameters():
            if name.endswith("offset_bias"):
                torch.nn.init.normal_(tensor)
    return mapper, codec


PAIRS = {
    "unbounded": made(Dual(**SMALL)),
    "bounded": made(Dual(**SMALL, lookahead=2), 3),
    "causal": made(Single(**SMALL, lookahead=0), 0),
    "direct": made(Direct(**SMALL, lookahead=1), 4),
}


LATENCIES = {"unbounded": 4 * 3 + 2 * 2, "bounded": 5, "causal": 0, "direct": 5}


def in_pieces(stream: MotionStream, features: torch.Tensor, sizes: list[int]):
    """Both streams of all pushes and the finish, and how many frames were out after each push."""
    pieces, start, out = [], 0, []
    for size in sizes:
        pieces.append(stream.push(features[start : start + size]))
        start += size
        out.append(sum(len(piece[0]) for piece in pieces))
    pieces.append(stream.finish())
    return *(torch.cat(parts) for parts in zip(*pieces)), out


@pytest.mark.parametrize("kind", PAIRS)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.integers(0, 3))
@settings(max_examples=12, deadline=None)
def test_any_chunking_gives_what_the_whole_sound_gives(kind: str, sizes: list[int], seed: int) -> None:
    """The noise of the seed included: in these untrained mappers it moves every channel."""
    mapper, codec = PAIRS[kind]
    length = max(sum(sizes), 1)
    sizes = sizes if sum(sizes) else [1]
    clip, shown = toy_clip(3, length), toy_clip(4)
    whole = generate(mapper, codec, clip.features, shown.expression, shown.pose, seed)
    unlike = generate(mapper, codec, clip.features, shown.expression, shown.pose, seed + 1)
    stream = MotionStream(mapper, codec, style_vector(mapper, codec, shown.expression, shown.pose), seed)
    *pieces, _ = in_pieces(stream, clip.features, sizes)
    for one, other, third in zip(pieces, whole, unlike):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
        assert (third - other).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("kind", "latency"), [("unbounded", 4 * 3 + 2 * 2), ("bounded", 5), ("causal", 0), ("direct", 5)]
)
def test_a_frame_comes_as_soon_as_its_lookahead_is_heard(kind: str, latency: int) -> None:
    mapper, codec = PAIRS[kind]
    clip, shown = toy_clip(3, 60), toy_clip(4)
    stream = MotionStream(mapper, codec, style_vector(mapper, codec, shown.expression, shown.pose))
    assert stream.latency_frames == latency
    expression, pose, out = in_pieces(stream, clip.features, [1] * 60)
    assert out == [max(pushed - latency, 0) for pushed in range(1, 61)]
    assert (len(expression), len(pose)) == (60, 60)


@pytest.mark.parametrize("kind", PAIRS)
def test_sound_beyond_the_lookahead_changes_nothing_and_within_it_does(kind: str) -> None:
    """In double precision: through many layers of random weights little arrives from the very edge."""
    mapper, codec = (copy.deepcopy(module).double() for module in PAIRS[kind])
    clip, shown = toy_clip(3, 60), toy_clip(4)
    features = clip.features.double()
    other = features.clone()
    other[40:] += 1
    ahead = mapper.future + codec.layout.future
    first, second = (
        generate(mapper, codec, f, shown.expression.double(), shown.pose.double())[0] for f in (features, other)
    )
    change = (first - second).abs().amax(1)
    assert change[: 40 - ahead].max() < 1e-14
    assert change[40 - ahead] > 1e-12


def test_what_is_kept_and_computed_for_a_frame_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    mapper, codec = PAIRS["bounded"]
    shown, longest = toy_clip(4), 0
    stream = MotionStream(mapper, codec, style_vector(mapper, codec, shown.expression, shown.pose))
    stretch = mapper.stretch

    def counted(rows: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        nonlocal longest
        longest = max(longest, rows.shape[1])
        return stretch(rows, style)

    monkeypatch.setattr(mapper, "stretch", counted)
    for row in toy_clip(3, 200).features:
        stream.push(row[None])
    assert longest == mapper.past + 1 + mapper.future
    assert stream._listen.kept.shape[1] == mapper.past + mapper.future
    assert stream._speak.kept.shape[1] == codec.layout.past + codec.layout.future


def test_sound_that_cannot_be_used_is_a_mistake_of_one_line() -> None:
    mapper, codec = PAIRS["bounded"]
    stranger = made(Dual(**SMALL, lookahead=0))[1]
    stranger.pose_scale.mean.add_(1)
    shown = toy_clip(4)
    vector = style_vector(mapper, codec, shown.expression, shown.pose)
    with pytest.raises(UserError, match="another codec"):
        MotionStream(mapper, stranger, vector)
    stream = MotionStream(mapper, codec, vector)
    with pytest.raises(UserError, match="sound features: shape"):
        stream.push(torch.zeros(2, 5))
    with pytest.raises(UserError, match="frame 1 has a value"):
        stream.push(torch.tensor([[0.0] * FEATURES, [float("nan")] * FEATURES]))
    assert len(stream.finish()[0]) == 0, "what was refused was not heard"
    assert len(stream.finish()[0]) == 0
    with pytest.raises(UserError, match="finished"):
        stream.push(torch.zeros(1, FEATURES))


def test_a_lookahead_is_spread_over_the_layers() -> None:
    assert futures(3, 6, 3, "x") == (1, 1, 1)
    assert futures(5, 6, 3, "x") == (2, 2, 1)
    assert futures(-1, 6, 3, "x") == (6, 6, 6) == futures(99, 6, 3, "x")
    assert futures(0, 6, 2, "x") == (0, 0)
    with pytest.raises(UserError, match=r"motion\.lookahead=-2"):
        made(Dual(**SMALL), -2)
    with pytest.raises(UserError, match=r"vq\.lookahead=-3"):
        made(Dual(**SMALL, lookahead=-3))

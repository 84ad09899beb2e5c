"""Local attention against a loop over frames, and the bounds on what a frame sees."""

import pytest
import torch

from erlnet.adf import attention
from erlnet.adf.attention import Block, LocalAttention, in_chunks


def by_loop(layer: LocalAttention, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
    """One batch entry (T,C), frame by frame and head by head, from the definition."""
    length, width = x.shape
    c = width // layer.heads
    query = x @ layer.query.weight.T + layer.query.bias
    key, value = (memory @ layer.key_value.weight.T + layer.key_value.bias).split(width, dim=1)
    mixed = torch.zeros_like(x)
    for head in range(layer.heads):
        part = slice(head * c, (head + 1) * c)
        for t in range(length):
            seen = range(max(t - layer.past, 0), min(t + layer.future, length - 1) + 1)
            scores = [
                query[t, part] @ key[s, part] / c**0.5 + layer.offset_bias[head, s - t + layer.past] for s in seen
            ]
            weights = torch.stack(scores).softmax(0)
            mixed[t, part] = sum(w * value[s, part] for w, s in zip(weights, seen))
    return mixed @ layer.out.weight.T + layer.out.bias


@pytest.mark.parametrize(("past", "future", "length"), [(2, 2, 7), (3, 0, 6), (1, 4, 9), (6, 6, 3), (2, 2, 1)])
def test_attention_equals_a_loop_over_frames_heads_and_offsets(past: int, future: int, length: int) -> None:
    torch.manual_seed(0)
    layer = LocalAttention(8, 2, past, future)
    torch.nn.init.normal_(layer.offset_bias)
    x, memory = torch.randn(2, length, 8), torch.randn(2, length, 8)
    for given in (None, memory):
        expected = torch.stack([by_loop(layer, *pair) for pair in zip(x, x if given is None else given)])
        torch.testing.assert_close(layer(x, given), expected, atol=1e-5, rtol=1e-4)


def test_a_frame_depends_on_nothing_beyond_its_reach() -> None:
    torch.manual_seed(0)
    block, x = Block(8, 2, 3, 3), torch.randn(1, 20, 8)
    other = x.clone()
    other[:, 14:] = 9.0
    same = (block(x) - block(other)).abs().amax(-1)[0] < 1e-6
    assert same.tolist() == [True] * 11 + [False] * 9


def test_masked_frames_are_not_seen() -> None:
    torch.manual_seed(0)
    block, x = Block(8, 2, 3, 3), torch.randn(1, 9, 8)
    mask = torch.arange(9)[None] < 5
    torch.testing.assert_close(block(x, mask)[:, :5], block(x[:, :5]))


@pytest.mark.parametrize("length", [1, 30, 64, 65, 200])
def test_chunks_give_what_one_pass_gives(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "CHUNK", 16)
    torch.manual_seed(0)
    stack = torch.nn.Sequential(Block(8, 2, 4, 4), Block(8, 2, 4, 4))
    longest = 0

    def run(piece: torch.Tensor) -> torch.Tensor:
        nonlocal longest
        longest = max(longest, piece.shape[1])
        return stack(piece)

    x = torch.randn(2, length, 8)
    torch.testing.assert_close(in_chunks(run, x, 8, 8), stack(x), atol=1e-5, rtol=1e-4)
    assert longest <= 16 + 2 * 8

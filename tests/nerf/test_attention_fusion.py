"""Windowed cross-attention against a loop over pixels."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from erlnet.interfaces import FeatureMaps
from erlnet.nerf.attention import AttentionMerge, from_windows, to_windows
from erlnet.nerf.components import Cnn
from erlnet.nerf.fusion import fuse_features
from erlnet.nerf.fusion_components import AttentionFusion

CHANNELS, SIDE = 6, 4


def scene(height: int, width: int, seed: int = 0) -> tuple[FeatureMaps, FeatureMaps, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    maps = []
    for _ in range(2):
        alpha = torch.rand(2, 1, height, width, generator=generator)
        maps.append(FeatureMaps(alpha * torch.randn(2, CHANNELS, height, width, generator=generator), alpha, alpha))
    return maps[0], maps[1], torch.randn(2, CHANNELS, height, width, generator=generator)


def trained() -> AttentionMerge:
    """Weights as if after training: nothing is zero any more."""
    torch.manual_seed(3)
    module = AttentionFusion(width=8, heads=2, window=SIDE).build(CHANNELS, 4, Cnn())
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.5 * torch.randn_like(parameter))
    return module.eval()


def pixel_by_pixel(module: AttentionMerge, head, static, plate) -> torch.Tensor:
    """The docstring's equation, one pixel, head and token at a time."""
    merged = fuse_features(head, static, plate, "normalised")
    out = merged.clone()
    part = module.query.out_features // module.heads
    for b, y, x in torch.cartesian_prod(*(torch.arange(n) for n in (len(merged), *merged.shape[2:]))).tolist():
        query = module.query(torch.cat([merged[b, :, y, x], head.opacity[b, :, y, x], static.opacity[b, :, y, x]]))
        top, left = y // SIDE * SIDE, x // SIDE * SIDE
        answers = []
        for h in range(module.heads):
            scores, values = [], []
            for number, (branch, layer) in enumerate(((head, module.head_tokens), (static, module.static_tokens))):
                for row in range(top, min(top + SIDE, merged.shape[2])):
                    for column in range(left, min(left + SIDE, merged.shape[3])):
                        token = layer(
                            torch.cat([branch.features[b, :, row, column], branch.opacity[b, :, row, column]])
                        )
                        key, value = (half[h * part : (h + 1) * part] for half in token.chunk(2))
                        offset = (y - row + SIDE - 1) * (2 * SIDE - 1) + x - column + SIDE - 1
                        scores.append(query[h * part : (h + 1) * part] @ key / part**0.5)
                        scores[-1] = scores[-1] + module.position[h, number, offset]
                        values.append(value)
            answers.append(torch.stack(scores).softmax(0) @ torch.stack(values))
        covered = 1 - (1 - head.opacity[b, 0, y, x]) * (1 - static.opacity[b, 0, y, x])
        out[b, :, y, x] += covered * module.out(torch.cat(answers))
    return out


@torch.no_grad()
@pytest.mark.parametrize("size", [(8, 4), (5, 6), (3, 1)])
def test_it_agrees_with_its_equation_pixel_by_pixel_whatever_the_size(size):
    module, maps = trained(), scene(*size)
    assert torch.allclose(module.merge(*maps), pixel_by_pixel(module, *maps), atol=1e-4)


def test_training_starts_from_the_normalised_rule_to_the_bit():
    module, maps = AttentionFusion().build(CHANNELS, 4, Cnn()), scene(7, 9)
    assert torch.equal(module.merge(*maps), fuse_features(*maps, "normalised"))


@torch.no_grad()
def test_a_window_sees_nothing_of_the_next():
    module, (head, static, plate) = trained(), scene(8, 8)
    other = FeatureMaps(head.features.clone(), head.opacity, head.depth)
    other.features[:, :, :, SIDE:] += 1
    before, after = module.merge(head, static, plate), module.merge(other, static, plate)
    assert torch.equal(before[..., :SIDE], after[..., :SIDE])
    assert not torch.allclose(before[..., SIDE:], after[..., SIDE:])


@torch.no_grad()
def test_where_nobody_is_the_plate_stays_as_it_is():
    module, (head, static, plate) = trained(), scene(8, 8)
    for branch in (head, static):
        for tensor in (branch.features, branch.opacity):
            tensor[:, :, :2] = 0
    assert torch.equal(module.merge(head, static, plate)[:, :, :2], plate[:, :, :2])


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 5))
def test_windows_are_cut_and_put_back(rows, columns, side):
    maps = torch.rand(2, 3, rows * side, columns * side)
    tokens = to_windows(maps, side)
    assert tokens.shape == (2 * rows * columns, side * side, 3)
    assert torch.equal(tokens[0], maps[0, :, :side, :side].flatten(1).T)
    assert torch.equal(from_windows(tokens, side, *maps.shape[2:]), maps)


def test_sizes_that_cannot_be_are_refused_by_name():
    with pytest.raises(ValueError, match="width=30 heads=4"):
        AttentionFusion(width=30)

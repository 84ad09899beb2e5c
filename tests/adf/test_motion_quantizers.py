"""The quantizers against hand calculation: indices, rates, where codebooks start, when they move."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from erlnet.adf.components import Ema, Fsq, Residual, Single
from erlnet.errors import UserError

KINDS = [Ema(codes=16), Fsq(levels=(4, 4)), Residual(codes=16)]


def shown(quantizer, latents: torch.Tensor, times: int = 1):
    """A quantizer of width 4 that saw `latents` in training."""
    torch.manual_seed(0)
    module = quantizer.build(4).train()
    for _ in range(times):
        module(latents)
    return module.eval()


def cloud(seed: int = 0, frames: int = 2000) -> torch.Tensor:
    """(1,frames,4) far from the origin, with sds 4, 2, .2, .1."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, frames, 4, generator=generator) * torch.tensor([4, 2, 0.2, 0.1]) + 10


def test_sixteen_codes_are_sixteen_whatever_they_are_made_of() -> None:
    assert [kind.build(4).codebook_size for kind in KINDS] == [16, 16, 16]
    assert Fsq().build(8).codebook_size == Ema().codes == Residual().codes == 256
    assert Fsq(levels=(8, 6, 5)).build(8).codebook_size == 240


@pytest.mark.parametrize("kind", KINDS)
def test_a_codebook_starts_where_the_latents_are(kind) -> None:
    """After one look, far from the origin, most of the variance is already coded and most codes are used."""
    latents = cloud()
    quantised, indices, _ = shown(kind, latents)(latents)
    left = (quantised - latents).square().sum(-1).mean()
    assert left < 0.35 * (latents - latents.mean(1)).square().sum(-1).mean()
    assert len(indices.unique()) >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_a_codebook_moves_in_training_alone(kind) -> None:
    module = shown(kind, cloud())
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    module(cloud(1) + 50)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    fresh = kind.build(4).eval()
    kept = {name: tensor.clone() for name, tensor in fresh.state_dict().items()}
    fresh(cloud())
    assert all(torch.equal(tensor, kept[name]) for name, tensor in fresh.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
def test_every_code_decodes_to_what_is_coded_as_it(kind) -> None:
    module = shown(kind, cloud(), 5)
    latents = cloud(2)
    quantised, indices, _ = module(latents)
    torch.testing.assert_close(module.decode_indices(indices), quantised, atol=1e-4, rtol=1e-4)
    every = module.decode_indices(torch.arange(16)[None])[0]
    torch.testing.assert_close(every[indices], quantised, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_codebook(kind) -> None:
    first, second = shown(kind, cloud(), 3).state_dict(), shown(kind, cloud(), 3).state_dict()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@given(st.lists(st.integers(0, 63), min_size=1, max_size=20))
def test_a_residual_index_unfolds_to_its_levels(indices: list[int]) -> None:
    """Digits to the base 4, the first level the least: the vectors of the three books add up."""
    module = RESIDUAL
    books = [layer._codebook.embed[0] for layer in module.library.layers]
    expected = [books[0][i % 4] + books[1][i // 4 % 4] + books[2][i // 16] for i in indices]
    made = module.decode_indices(torch.tensor(indices)[None])[0]
    torch.testing.assert_close(made, torch.stack(expected))


RESIDUAL = shown(Residual(codes=64, levels=3), cloud())


def test_residual_levels_code_what_is_left_over() -> None:
    latents = cloud(3, 300)
    first, second, third = (layer._codebook.embed[0] for layer in RESIDUAL.library.layers)
    digits, left = [], latents[0]
    for book in (first, second, third):
        digit = torch.cdist(left, book).argmin(1)
        digits.append(digit)
        left = left - book[digit]
    by_hand = digits[0] + 4 * digits[1] + 16 * digits[2]
    assert (RESIDUAL(latents)[1][0] == by_hand).float().mean() > 0.98  # ties by rounding apart


def test_scalar_levels_are_rounded_as_in_the_paper() -> None:
    """An odd and an even number of levels: tanh, stretched to the levels, rounded; the first digit counts least."""
    module = Fsq(levels=(5, 4)).build(2).eval()
    with torch.no_grad():
        for layer in (module.enter, module.leave):
            layer.weight.copy_(torch.eye(2))
            layer.bias.zero_()
    latents = torch.tensor([[[0.0, 0.0], [9.0, 9.0], [-9.0, -9.0], [0.3, -0.9]]])
    quantised, indices, loss = module(latents)
    # tanh(.3) * 2 = .58 -> 1 of -2..2; levels -2..1 for the even one: -.9 -> -1 or lower, checked by its value below
    assert quantised[0, :3].tolist() == [[0.0, 0.0], [1.0, 0.5], [-1.0, -1.0]]
    assert indices[0, :3].tolist() == [2 + 5 * 2, 4 + 5 * 3, 0]
    assert quantised[0, 3, 0] == 0.5
    assert indices[0, 3] == 3 + 5 * (quantised[0, 3, 1] * 2 + 2)
    assert float(loss) == 0


@pytest.mark.parametrize("kind", [Ema(codes=16), Residual(codes=16)])
def test_restarts_are_counted(kind) -> None:
    """All codes start far from where the latents then are; each unused one is set anew and counted."""
    torch.manual_seed(0)
    module = kind.build(4).train()
    module(torch.randn(1, 200, 4) + 50)
    assert module.restarted == 0
    for _ in range(80):
        module(torch.randn(1, 200, 4))
    assert module.restarted >= 4
    count = module.restarted
    module.eval()(torch.randn(1, 200, 4))
    assert module.restarted == count


@pytest.mark.parametrize("tokens", [1, 2, 3])
@pytest.mark.parametrize("kind", [Ema(codes=16, commitment=0.0), Residual(codes=16, commitment=0.0)])
def test_gradients_pass_straight_through_once_however_many_codes_there_are(kind, tokens: int) -> None:
    torch.manual_seed(0)
    (part,) = Single(width=8, heads=1, code_dim=4, tokens=tokens).build(9, 6, kind).train().parts
    part.quantise(cloud())
    latents = cloud(1, 20).requires_grad_()
    quantised, _, _ = part.quantise(latents)
    weight = torch.randn(quantised.shape)
    (quantised * weight).sum().backward()
    torch.testing.assert_close(latents.grad, weight)


def test_sizes_that_make_no_codebook_are_mistakes_of_one_line() -> None:
    for wrong, words in (
        (Residual(codes=200), "take 196"),
        (Residual(codes=256, levels=0), "levels=0"),
        (Fsq(levels=(2, 4)), "from 3"),
        (Fsq(levels=(3,) * 9), "at most 8"),
        (Ema(codes=1), "codes=1"),
        (Ema(decay=1.5), "decay"),
    ):
        with pytest.raises(UserError, match=words) as error:
            wrong.build(8)
        assert "\n" not in str(error.value)

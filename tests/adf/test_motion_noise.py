"""The noise that both branches are given: its law, in any chunking, and that training draws from the same one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from erlnet.adf.noise import EACH, FPS, MEMORIES, WIDTH, NoiseSource, noise_windows


@pytest.fixture(scope="module")
def long_noise() -> torch.Tensor:
    return NoiseSource(0).take(200_000).double()


def of_each_memory(rows: torch.Tensor) -> list[torch.Tensor]:
    return list(rows.split(EACH, dim=-1))


def test_every_channel_has_mean_0_and_variance_1_and_none_knows_of_another(long_noise) -> None:
    """The slowest forgets in 75 frames, so 200,000 frames tell its mean to .03 and its variance to .02."""
    assert long_noise.shape == (200_000, WIDTH)
    assert long_noise.mean(0).abs().max() < 0.1
    assert (long_noise.square().mean(0) - 1).abs().max() < 0.08
    apart = torch.corrcoef(long_noise.T) - torch.eye(WIDTH)
    assert apart.abs().max() < 0.1


@pytest.mark.parametrize("lag", [1, 5, 25])
def test_what_is_remembered_decays_as_an_exponential(long_noise, lag: int) -> None:
    for memory, channels in zip(MEMORIES, of_each_memory(long_noise)):
        remembered = (channels[lag:] * channels[:-lag]).mean()
        expected = torch.exp(torch.tensor(-lag / (FPS * memory))).item()
        assert remembered.item() == pytest.approx(expected, abs=0.04)


def test_neighbouring_frames_differ_by_nothing_but_fresh_white_noise(long_noise) -> None:
    """What a frame adds to the decayed last one has variance 1 - decay^2 and no memory of its own."""
    for memory, channels in zip(MEMORIES, of_each_memory(long_noise)):
        decay = torch.exp(torch.tensor(-1 / (FPS * memory))).double()
        fresh = channels[1:] - decay * channels[:-1]
        assert fresh.var().item() == pytest.approx((1 - decay**2).item(), rel=0.02)
        assert abs((fresh[1:] * fresh[:-1]).mean().item()) < 0.01 * fresh.var().item()


@given(st.integers(0, 1000), st.lists(st.integers(0, 40), min_size=1, max_size=10))
def test_any_chunking_gives_the_same_bits(seed: int, sizes: list[int]) -> None:
    source = NoiseSource(seed)
    pieces = [source.take(size) for size in sizes]
    assert [len(piece) for piece in pieces] == sizes
    assert torch.equal(torch.cat(pieces), NoiseSource(seed).take(sum(sizes)))


def test_another_seed_gives_other_noise() -> None:
    one, other = (NoiseSource(seed).take(5000) for seed in (1, 2))
    for channels in zip(one[:, :EACH].T, other[:, :EACH].T):  # the fast ones: 500 independent values
        assert abs(torch.corrcoef(torch.stack(channels))[0, 1]) < 0.2


def test_training_draws_from_the_same_law_from_the_first_frame_on() -> None:
    """Over many stretches: mean 0, kurtosis 3, and the covariance of every frame with every other, for both."""
    frames = 30
    torch.manual_seed(0)
    drawn = noise_windows(6000, frames).double()
    lived = torch.stack([NoiseSource(seed).take(frames) for seed in range(1500)]).double()
    apart = (torch.arange(frames)[:, None] - torch.arange(frames)).abs()
    for stretches, allowed in ((drawn, 0.05), (lived, 0.1)):
        assert stretches.shape[1:] == (frames, WIDTH)
        for memory, channels in zip(MEMORIES, of_each_memory(stretches)):
            rows = channels.transpose(1, 2).flatten(0, 1)  # (stretches x channels, frames)
            assert rows.mean(0).abs().max() < allowed
            expected = torch.exp(-apart / (FPS * memory)).double()
            assert (rows.T @ rows / len(rows) - expected).abs().max() < allowed
            assert rows.pow(4).mean().item() == pytest.approx(3, abs=4 * allowed)


def test_stretches_follow_from_torchs_seed_and_differ_from_each_other() -> None:
    torch.manual_seed(3)
    first, again = noise_windows(2, 10), noise_windows(2, 10)
    torch.manual_seed(3)
    assert torch.equal(noise_windows(2, 10), first)
    assert not torch.equal(first, again)
    assert not torch.equal(first[0], first[1])
    assert noise_windows(2, 1).shape == (2, 1, WIDTH)

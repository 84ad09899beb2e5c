"""Usage, perplexity and rate, by hand."""

import pytest
import torch

from erlnet.adf.codebook import bits_per_second, perplexity, usage


def test_usage_counts_each_code_once() -> None:
    assert usage(torch.tensor([[3, 3, 0], [1, 3, 0]]), codes=8) == pytest.approx(3 / 8)


def test_perplexity_is_the_number_of_codes_that_evenly_used_carry_as_much() -> None:
    assert perplexity(torch.tensor([5, 5, 5])) == pytest.approx(1)
    assert perplexity(torch.arange(16)) == pytest.approx(16)
    # shares 1/2, 1/4, 1/4: entropy 1.5 bit, 2 ** 1.5
    assert perplexity(torch.tensor([0, 0, 7, 9])) == pytest.approx(2**1.5)


def test_the_rate_of_two_tokens_of_eight_bits_at_25_fps_is_400_bits_a_second() -> None:
    assert bits_per_second(codes=256, tokens=2) == 400
    assert bits_per_second(codes=1024, tokens=1) == 250

"""Volume rendering weights, by hand and by law."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from erlnet.nerf.volume import bin_samples, thickness_weights


def test_weights_match_a_hand_calculation():
    # sigma delta = 0.5, 0, 2: alphas .3935, 0, .8647; transmittances 1, .6065, .6065
    weights, opacity = thickness_weights(torch.tensor([[5.0, 0.0, 20.0]]) * 0.1)
    assert torch.allclose(weights, torch.tensor([[0.393469, 0.0, 0.524446]]), atol=1e-5)
    assert torch.allclose(opacity, torch.tensor([0.917915]), atol=1e-5)  # 1 - exp(-2.5)


def test_an_opaque_first_sample_hides_the_rest():
    weights, opacity = thickness_weights(torch.tensor([[1e4, 7.0]]) * 0.1)
    assert torch.allclose(weights, torch.tensor([[1.0, 0.0]]))
    assert float(opacity) == 1


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=12), st.floats(1e-4, 1))
def test_opacity_is_the_sum_of_weights_and_stays_within_0_and_1(densities, length):
    density = torch.tensor([densities])
    weights, opacity = thickness_weights(density * length)
    assert (weights >= 0).all()
    assert 0 <= float(opacity) <= 1
    assert abs(float(weights.sum()) - float(opacity)) < 1e-4


def test_samples_lie_in_the_middle_of_their_bins_and_stay_in_them_when_jittered():
    near, far = torch.tensor([1.0]), torch.tensor([3.0])
    assert torch.allclose(bin_samples(near, far, 4), torch.tensor([[1.25, 1.75, 2.25, 2.75]]))
    jittered = bin_samples(near.expand(500), far.expand(500), 4, torch.Generator().manual_seed(0))
    assert (jittered >= 1 + 0.5 * torch.arange(4)).all()
    assert (jittered <= 1.5 + 0.5 * torch.arange(4)).all()
    assert jittered.std(0).min() > 0.1  # evenly spread over a bin of .5: sd .144

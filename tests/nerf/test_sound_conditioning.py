"""`conditioning=direct`: windows of sound features in place of coefficients."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from renderer_toys import Silent, make_components, make_settings, make_toy

from erlnet.nerf.components import DirectConditioning
from erlnet.nerf.files import load_renderer, save_renderer
from erlnet.nerf.footage import RendererData
from erlnet.nerf.sound import SoundWindows
from erlnet.nerf.training import train_renderer


def test_a_window_lies_around_its_frame_and_repeats_its_clips_ends():
    rows = torch.arange(7.0)[:, None]  # clips of 4 and 3 frames
    windows = SoundWindows(rows, [4, 3], window=4)
    assert windows.shape == (7, 4)
    assert windows[torch.tensor([0, 2, 3])].tolist() == [[0, 0, 0, 1], [0, 1, 2, 3], [1, 2, 3, 3]]
    assert windows[torch.tensor([4, 6])].tolist() == [[4, 4, 4, 5], [4, 5, 6, 6]]
    assert windows[5:].tolist() == [[4, 4, 5, 6], [4, 5, 6, 6]]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_windows_are_those_of_each_clip_padded_by_itself(lengths, window, seed):
    rows = torch.randn(sum(lengths), 3, generator=torch.Generator().manual_seed(seed))
    before, after = window // 2, (window - 1) // 2
    expected = []
    for clip in rows.split(lengths):
        padded = torch.cat([clip[:1].expand(before, 3), clip, clip[-1:].expand(after, 3)])
        expected += [padded[t : t + window].flatten() for t in range(len(clip))]
    assert torch.equal(SoundWindows(rows, lengths, window)[torch.arange(len(rows))], torch.stack(expected))


def test_features_are_standardised_one_by_one_wherever_they_lie_in_the_window():
    conditioning = DirectConditioning(window=4).build(4 * 3)
    rows = torch.randn(400, 3) * torch.tensor([1.0, 10.0, 0.1]) + torch.tensor([0.0, 5.0, -1.0])
    conditioning.fit(rows.view(100, 12))
    assert torch.allclose(conditioning.standardise.mean, rows.mean(0), atol=1e-4)
    assert torch.allclose(conditioning.standardise.scale, 1 / rows.std(0, correction=0), rtol=1e-3)


def test_attention_starts_around_the_middle_and_no_frame_is_beyond_it():
    conditioning = DirectConditioning().build(16 * 5)
    assert conditioning.scores[-1].bias.argmax() == 8  # the frame itself
    window = torch.randn(1, 80, requires_grad=True)
    conditioning(window).square().sum().backward()
    felt = window.grad.view(16, 5).abs().sum(1)
    assert (felt > 0).all()
    assert felt[8] > 10 * felt[0]


def test_a_window_of_another_width_is_refused():
    with pytest.raises(ValueError, match="no whole number"):
        DirectConditioning(window=16).build(50)
    with pytest.raises(ValueError, match="window=0"):
        DirectConditioning(window=0)


@pytest.fixture(scope="module")
def speaking() -> RendererData:
    """Twelve frames of the toy, whose head turns yellow with the sound."""
    toy = make_toy(12)
    loud = torch.cat([toy.signal[:, :1], torch.randn(12, 3, generator=torch.Generator().manual_seed(0))], 1)
    still = toy.head_to_world[5].expand(12, 4, 4).clone()
    return replace(toy, signal=SoundWindows(loud, [12], 4), head_to_world=still)


@pytest.fixture(scope="module")
def components():
    return replace(make_components(), conditioning=DirectConditioning(4, 8, 8))


@pytest.fixture(scope="module")
def trained(speaking, components):
    return train_renderer(speaking, components, make_settings(steps=30), 0, Silent())[0]


def frames(model, data, rows):
    return model.frames(SoundWindows(rows, [12], 4)[:], data.head_to_world, data.root)


def test_a_frame_hears_the_sound_of_its_window_and_no_other(trained, speaking):
    rows = speaking.signal.rows
    changed = rows.clone()
    changed[6] += 20
    before, after = frames(trained, speaking, rows), frames(trained, speaking, changed)
    different = (before != after).flatten(1).any(1)
    # frame t hears t-2 to t+1
    assert different.nonzero()[:, 0].tolist() == [5, 6, 7, 8]


def test_the_same_seed_gives_the_same_bits(speaking, components):
    first, second = (
        train_renderer(speaking, components, make_settings(steps=6), 0, Silent())[0].state_dict() for _ in range(2)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_renderer_driven_by_sound_comes_back_from_its_file_alone(trained, speaking, components, tmp_path):
    save_renderer(tmp_path / "renderer.safetensors", trained)
    again = load_renderer(tmp_path / "renderer.safetensors", components, make_settings(steps=30))
    rows = speaking.signal.rows
    assert torch.equal(frames(trained, speaking, rows), frames(again, speaking, rows))


def test_statistics_take_windows_side_by_side(speaking):
    taken = speaking.statistics(torch.arange(12))
    assert torch.equal(taken.signal, speaking.signal[torch.tensor([0, 4, 8])])
    assert len(taken.head_to_world) == 12

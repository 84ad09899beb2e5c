"""The contrastive speech loss: which windows are negatives, the loss itself, and who learns from what."""

import math

import pytest
import torch
from motion_toys import MOTION_SETTINGS, STYLE, Silent, smooth, toy_clips

from erlnet.adf.components import Contrastive, NoSpeechLoss
from erlnet.adf.contrastive import candidates, info_nce
from erlnet.adf.settings import MotionSettings
from erlnet.adf.train_mapper import train_mapper
from erlnet.errors import UserError


def pairs(seed: int, batch: int = 4, length: int = 40):
    """(motion (B,T,3), sound (B,T,6)): the sound is a mixture of the motion's first two channels."""
    generator = torch.Generator().manual_seed(seed)
    motion = torch.stack([smooth(generator, length, 3, 0.06) for _ in range(batch)])
    mixing = torch.randn(2, 6, generator=torch.Generator().manual_seed(5))
    return motion, motion[..., :2] @ mixing * 7 + 3


def test_negatives_are_other_clips_and_the_same_clip_from_the_gap_on() -> None:
    """Two clips of 7 frames, windows of 3: centres 1..5. A frame that both show, and those beside it, are out."""
    sound = torch.arange(14.0).view(2, 7, 1)
    possible = candidates(sound, 3, 2).view(2, 5, 2, 5)
    for clip in range(2):
        for t in range(5):
            own = [u == t or abs(u - t) >= 2 for u in range(5)]
            assert possible[clip, t, clip].tolist() == own
            assert possible[clip, t, 1 - clip].all()
    sound[1, 3] = sound[0, 2]  # the second clip's centre 3 is the first one's centre 2
    possible = candidates(sound, 3, 2).view(2, 5, 2, 5)
    assert possible[0, 1, 1].tolist() == [True, False, False, False, True]
    assert torch.equal(possible.flatten(0, 1).flatten(1), possible.flatten(0, 1).flatten(1).T)


def test_silence_is_no_negative_of_silence() -> None:
    sound = torch.zeros(2, 20, 4)
    assert torch.equal(candidates(sound, 9, 3), torch.eye(24, dtype=torch.bool))


def test_the_loss_is_the_cross_entropy_of_the_right_pair_both_ways() -> None:
    scores = torch.tensor([[2.0, 1.0, 0.5], [0.0, 3.0, -1.0], [1.0, 0.0, 1.0]])
    possible = torch.tensor([[True, True, False], [True, True, True], [False, True, True]])

    def nll(right: float, *others: float) -> float:
        return math.log(sum(math.exp(s) for s in (right, *others))) - right

    rows = (nll(2, 1) + nll(3, 0, -1) + nll(1, 0)) / 3
    columns = (nll(2, 0) + nll(3, 1, 0) + nll(1, -1)) / 3
    assert float(info_nce(scores, possible)) == pytest.approx((rows + columns) / 2)


@pytest.fixture(scope="module")
def critic():
    """Trained on true pairs alone, in about a second."""
    torch.manual_seed(0)
    loss = Contrastive(width=32).build(3, 6)
    optimiser = torch.optim.Adam(loss.parameters(), lr=3e-3)
    for step in range(150):
        motion, sound = pairs(step)
        value = loss(torch.zeros_like(motion), motion, sound)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    return loss


def matched(loss, motion: torch.Tensor, sound: torch.Tensor) -> float:
    with torch.no_grad():
        possible = candidates(sound, loss.shape.window, loss.shape.gap)
        return float(info_nce(loss.critic(motion, sound), possible))


def test_the_critic_tells_motion_in_step_from_motion_that_is_late(critic) -> None:
    motion, sound = pairs(1000)
    in_step = matched(critic, motion, sound)
    late = matched(critic, motion.roll(4, dims=1), sound)
    still = matched(critic, torch.zeros_like(motion), sound)
    assert in_step < 1.5 < still
    assert in_step < 0.4 * late


def test_a_generator_that_follows_the_loss_comes_into_step(critic) -> None:
    """Motion as free parameters, started still: the loss alone makes it correlate with the truth."""
    truth, sound = pairs(1001)
    motion = (0.01 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))).requires_grad_()
    optimiser = torch.optim.Adam([motion], lr=0.03)
    for _ in range(60):
        value = critic(motion, truth, sound)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    made = motion.detach()[..., 0].flatten()
    assert torch.corrcoef(torch.stack([made, truth[..., 0].flatten()]))[0, 1] > 0.4


def test_generated_motion_does_not_change_the_critic(critic) -> None:
    motion, sound = pairs(1002)
    grads = []
    for generated in (torch.zeros_like(motion), torch.randn(motion.shape)):
        critic.zero_grad()
        critic(generated, motion, sound).backward()
        grads.append([p.grad.clone() for p in critic.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*grads))
    assert any(grad.abs().sum() > 0 for grad in grads[0])


def test_a_critic_that_only_guesses_has_no_say() -> None:
    torch.manual_seed(0)
    motion, sound = pairs(3)
    loss = Contrastive(width=32).build(3, 6)
    with torch.no_grad():
        for p in loss.critic.motion[-1].parameters():
            p.mul_(0)
        loss.critic.motion[-1].bias.fill_(1)  # every motion looks alike: it guesses
    generated = motion.clone().requires_grad_()
    loss(generated, motion, sound).backward()
    assert generated.grad.abs().max() == 0


def test_training_repeats_and_without_weight_is_bit_for_bit_that_without_a_loss(codec) -> None:
    quick = MotionSettings(steps=6, width=16, heads=2, window=48, batch=2)
    runs = {}
    losses = {"none": NoSpeechLoss(), "off": Contrastive(weight=0.0)}
    losses |= dict.fromkeys(("on", "again"), Contrastive(weight=5.0))
    for name, loss in losses.items():
        runs[name], metrics = train_mapper(toy_clips(), codec, STYLE, loss, quick, 0, Silent())
        assert (metrics["speech_loss_parameters"] > 0) == (name != "none")
    first, second = runs["none"].state_dict(), runs["off"].state_dict()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    assert torch.equal(runs["on"].place[0].weight, runs["again"].place[0].weight)
    assert not torch.equal(runs["on"].place[0].weight, runs["none"].place[0].weight)


def test_windows_too_short_to_compare_are_a_mistake_of_one_line(codec) -> None:
    settings = MotionSettings(steps=1, window=11)
    with pytest.raises(UserError, match=r"motion\.window=12 or more") as error:
        train_mapper(toy_clips(), codec, STYLE, Contrastive(), settings, 0, Silent())
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="temperature"):
        Contrastive(temperature=0.0).build(3, 6)
    assert MOTION_SETTINGS.window >= 12

"""One branch for each stream: which half of a style it sees, what noise changes, and who trains it."""

from dataclasses import replace

import pytest
import torch
from motion_toys import FEATURES, JAW, MOTION_SETTINGS, STYLE, WIDTH, Silent, toy_clip, toy_clips

import erlnet.adf.train_mapper as train_mapper_module
from erlnet.adf.branch import halves
from erlnet.adf.components import Direct, Dual, Fsq, MeanStyle, NoSpeechLoss, Single, TransformerStyle
from erlnet.adf.energy import energy_score
from erlnet.adf.generate import generate
from erlnet.adf.noise import NoiseSource, noise_windows
from erlnet.adf.settings import MotionSettings
from erlnet.adf.train_mapper import build_mapper, train_mapper

SMALL = {"width": 8, "layers": 1, "heads": 2, "reach": 2, "code_dim": 4}


def untrained(vq, style, **settings):
    torch.manual_seed(0)
    codec = vq(**SMALL).build(WIDTH, 6, Fsq(levels=(3, 3))).eval()
    for scale, stream in zip(codec.scales, ("expression", "pose")):
        scale.fit([getattr(clip, stream) for clip in toy_clips()])
    sizes = {"width": 8, "heads": 2, "reach": 3, "style_width": 5, **settings}  # halves of 3 and 2
    return build_mapper(FEATURES, codec, style, MotionSettings(**sizes)).eval(), codec


def swapped(mapper, codec):
    """Motions of one sound styled by clip a, by a with b's pose, and by a with b's expression."""
    clip, a, b = toy_clip(9), toy_clip(0), toy_clip(1, style="lively")
    shown = ((a.expression, a.pose), (a.expression, b.pose), (b.expression, a.pose))
    return [generate(mapper, codec, clip.features, *streams) for streams in shown]


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Bit for bit; a difference that only rounding makes is neither."""
    equal = torch.equal(one, other)
    assert equal or (one - other).abs().max() > 1e-4
    return equal


def test_each_branch_sees_its_own_half_of_a_split_style() -> None:
    style = torch.arange(1.0, 11).view(2, 5)
    encoder = MeanStyle().build(3, 2, 5)
    expression, pose = halves(encoder, style)
    assert expression.tolist() == [[1, 2, 3, 0, 0], [6, 7, 8, 0, 0]]
    assert pose.tolist() == [[0, 0, 0, 4, 5], [0, 0, 0, 9, 10]]
    whole = MeanStyle(split=False).build(3, 2, 5)
    assert all(torch.equal(seen, style) for seen in halves(whole, style))


def test_a_trained_mappers_streams_follow_their_own_style_and_no_other(mapper, codec) -> None:
    plain, pose_swapped, expression_swapped = swapped(mapper, codec)
    assert [same(*pair) for pair in zip(plain, pose_swapped)] == [True, False]
    assert [same(*pair) for pair in zip(plain, expression_swapped)] == [False, True]


@pytest.mark.parametrize("style", [TransformerStyle(width=8, heads=2), MeanStyle()])
@pytest.mark.parametrize("vq", [Dual, Direct])
def test_with_a_decoder_for_each_stream_a_split_style_keeps_them_apart(vq, style) -> None:
    plain, pose_swapped, expression_swapped = swapped(*untrained(vq, style))
    assert [same(*pair) for pair in zip(plain, pose_swapped)] == [True, False]
    assert [same(*pair) for pair in zip(plain, expression_swapped)] == [False, True]
    plain, pose_swapped, expression_swapped = swapped(*untrained(vq, replace(style, split=False)))
    assert [same(*pair) for pair in zip(plain, pose_swapped)] == [False, False]
    assert [same(*pair) for pair in zip(plain, expression_swapped)] == [False, False]


def test_one_decoder_of_both_streams_cannot_keep_split_styles_apart() -> None:
    plain, pose_swapped, _ = swapped(*untrained(Single, MeanStyle()))
    assert [same(*pair) for pair in zip(plain, pose_swapped)] == [False, False]


@pytest.mark.parametrize(
    ("vq", "reached"), [(Dual, ([1, 0], [0, 1])), (Direct, ([1, 0], [0, 1])), (Single, ([1, 1], [1, 1]))]
)
def test_which_streams_a_branch_reaches(vq, reached) -> None:
    """By gradients: its own stream alone, or, where both branches are summed for one decoder, both."""
    mapper, codec = untrained(vq, MeanStyle(), dropout=0.0)
    sound, vector = toy_clip(9, 20).features[None], torch.randn(1, 5)
    motion = mapper.motion(codec, mapper.latents(mapper(sound, vector, noise_windows(1, 20))))
    for name, expected in zip(("expression", "pose"), reached):
        weights = list(getattr(mapper, name).parameters())
        for stream, does in zip(motion, expected, strict=True):
            slopes = torch.autograd.grad(stream.square().sum(), weights, retain_graph=True, allow_unused=True)
            assert any(g is not None and bool(g.abs().max() > 0) for g in slopes) == bool(does)


def test_both_branches_are_given_the_noise() -> None:
    mapper, codec = untrained(Dual, MeanStyle())
    sound, vector = toy_clip(9, 20).features[None], torch.randn(1, 5)
    for branch, moved in ((mapper.expression, [True, False]), (mapper.pose, [False, True])):
        before = branch.chance.weight.detach().clone()
        plain, other = [], []
        for made, gain in ((plain, 1.0), (other, 0.0)):
            with torch.no_grad():
                branch.chance.weight.copy_(gain * before)
                made.extend(mapper.motion(codec, mapper.latents(mapper(sound, vector, NoiseSource(0).take(20)[None]))))
        branch.chance.weight.data.copy_(before)
        assert [not same(*pair) for pair in zip(plain, other)] == moved


def test_a_seed_gives_one_motion_and_other_seeds_other_heads_that_say_the_same(mapper, codec) -> None:
    """Counted as the share of a channel's variance that lies between seeds at one frame."""
    clip, shown = toy_clip(200, 400), toy_clip(0)

    def made(seed: int) -> torch.Tensor:
        return torch.cat(generate(mapper, codec, clip.features, shown.expression, shown.pose, seed), dim=-1)

    motions = torch.stack([made(seed) for seed in range(8)])
    assert torch.equal(made(3), motions[3])
    assert torch.equal(torch.cat(generate(mapper, codec, clip.features, shown.expression, shown.pose), -1), motions[0])
    total = motions.var((0, 1))
    between = motions.var(0).mean(0) / total
    assert between[JAW] < 0.15, "the sound decides what the jaw does"
    assert between[WIDTH:].min() > 0.8, "and nothing of this head, which never heard it"


def test_a_trained_head_scores_better_than_one_that_stands_still_and_than_an_untrained_one(mapper, codec) -> None:
    """On clips never seen. Standing still at the mean is the best that a regression could do: sound tells no head."""
    torch.manual_seed(0)
    untrained_mapper = build_mapper(FEATURES, codec, STYLE, MOTION_SETTINGS).eval()
    scores: dict[str, list[torch.Tensor]] = {"trained": [], "untrained": [], "still": []}
    for number in range(8):
        clip, shown = toy_clip(300 + number), toy_clip(number % 2, style=("calm", "lively")[number % 2])
        truth = codec.pose_scale.standardise(clip.pose)[None]
        still = torch.zeros_like(truth)
        scores["still"].append(energy_score(codec.pose_scale, still, still, truth))
        for name, module in (("trained", mapper), ("untrained", untrained_mapper)):
            poses = [generate(module, codec, clip.features, shown.expression, shown.pose, s)[1] for s in (1, 2)]
            one, other = (codec.pose_scale.standardise(pose)[None] for pose in poses)
            scores[name].append(energy_score(codec.pose_scale, one, other, truth))
    trained, no_training, still = (float(torch.stack(s).mean()) for s in scores.values())
    assert trained < 0.95 * still
    assert trained < 0.9 * no_training


@pytest.mark.parametrize(("length", "share_of_decay"), [(80, 1.0), (500, 0.5)])  # six clips: under a minute, and two
def test_the_more_there_is_to_learn_from_the_less_is_held_back(
    codec, monkeypatch: pytest.MonkeyPatch, length: int, share_of_decay: float
) -> None:
    decays = []
    monkeypatch.setattr(train_mapper_module, "optimise", lambda *given: decays.append(given[-1]) or 0.0)
    settings = replace(MOTION_SETTINGS, weight_decay=0.5)
    train_mapper([toy_clip(seed, length) for seed in range(6)], codec, STYLE, NoSpeechLoss(), settings, 0, Silent())
    assert decays == [pytest.approx(0.5 * share_of_decay)]


def test_the_heads_own_loss_cannot_be_switched_off() -> None:
    with pytest.raises(ValueError, match="head_energy"):
        replace(MOTION_SETTINGS, head_energy=0.0)

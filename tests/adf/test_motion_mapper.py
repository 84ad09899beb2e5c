"""The mapper from sound and style to motion, trained on a toy in about three seconds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from motion_toys import FEATURES, JAW, MOTION_SETTINGS, QUANTIZER, STYLE, VQ, WIDTH, Silent, toy_clip, toy_clips

from erlnet.adf import attention
from erlnet.adf.components import NoSpeechLoss, TransformerStyle
from erlnet.adf.files import load_codec, load_mapper, save_module
from erlnet.adf.generate import generate, style_vector
from erlnet.adf.noise import NoiseSource
from erlnet.adf.settings import MotionSettings
from erlnet.adf.train_mapper import StyleClips, train_mapper
from erlnet.errors import UserError


def generated(mapper, codec, clip, style):
    return generate(mapper, codec, clip.features, style.expression, style.pose)


def test_the_jaw_follows_the_sound_of_clips_never_seen(mapper, codec) -> None:
    for seed, style in ((200, "calm"), (201, "lively")):
        clip, shown = toy_clip(seed, 200, style), toy_clip(seed % 2, style=style)
        jaw, truth = generated(mapper, codec, clip, shown)[0][:, JAW].numpy(), clip.expression[:, JAW].numpy()
        assert np.corrcoef(jaw, truth)[0, 1] > 0.8
        lags = range(-3, 4)
        at_lag = [np.corrcoef(jaw[3 + k : 197 + k], truth[3:197])[0, 1] for k in lags]
        assert lags[int(np.argmax(at_lag))] == 0
        assert 0.6 < np.polyfit(truth, jaw, 1)[0] < 1.3


def test_the_style_clip_decides_how_it_is_said(mapper, codec) -> None:
    clip = toy_clip(200, 200)
    calm = generated(mapper, codec, clip, toy_clip(0, style="calm"))[0]
    lively = generated(mapper, codec, clip, toy_clip(1, style="lively"))[0]
    assert lively[:, JAW].std() > 1.4 * calm[:, JAW].std()  # twice the swing in the data
    assert lively[:, 1].mean() - calm[:, 1].mean() > 0.4  # the second unit is lifted by .6


def test_sound_and_noise_that_come_later_move_the_motion_as_much(mapper, codec) -> None:
    clip, shown = toy_clip(200, 120), toy_clip(0)
    chance = NoiseSource(0).take(125)
    vector = style_vector(mapper, codec, shown.expression, shown.pose)

    def made(features: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        expression, pose = mapper.motion(codec, mapper.latents(mapper(features[None], vector, rows[None])))
        return torch.cat([expression, pose], dim=-1)[0]

    first = made(clip.features, chance[5:])
    second = made(torch.cat([clip.features[:1].expand(5, -1), clip.features]), chance)
    edge = mapper.past + VQ.layers * VQ.reach
    torch.testing.assert_close(second[5 + edge : 120], first[edge : 120 - 5], atol=1e-4, rtol=0)
    change = (second[edge:120] - first[edge:120]).abs()
    assert change[:, :WIDTH].max() > 0.05
    assert change[:, WIDTH:].max() > 0.02


def test_the_codec_stays_bit_for_bit_as_it_was(trained_mapper, codec) -> None:
    _, _, before = trained_mapper
    assert before.keys() == codec.state_dict().keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in codec.state_dict().items())


def test_metrics_are_those_of_the_training_clips(trained_mapper, codec) -> None:
    mapper, metrics, _ = trained_mapper
    clips = toy_clips()
    made = [generated(mapper, codec, clip, clips[i % 2]) for i, clip in enumerate(clips)]
    for number, stream in enumerate(("expression", "pose")):
        truths = [getattr(clip, stream) for clip in clips]
        square = torch.cat([codec.scales[number].square_error(m[number], t) for m, t in zip(made, truths)])
        assert metrics[f"{stream}_error"] == pytest.approx(float(square.mean() ** 0.5), rel=1e-4)
    assert metrics["expression_error"] < 0.8 < 1
    assert 1 / 32 < metrics["code_accuracy"] < 1


@pytest.mark.parametrize(("length", "style_length"), [(1, 1), (2, 3), (7, 500), (600, 80)])
def test_any_length_of_sound_and_of_style_clip_works(mapper, codec, length: int, style_length: int) -> None:
    expression, pose = generated(mapper, codec, toy_clip(9, length), toy_clip(8, style_length))
    assert expression.shape == (length, WIDTH)
    assert pose.shape == (length, 6)
    assert torch.isfinite(expression).all()
    assert torch.isfinite(pose).all()


def test_long_sound_in_chunks_gives_what_one_pass_gives(mapper, codec, monkeypatch: pytest.MonkeyPatch) -> None:
    clip, shown = toy_clip(9, 300), toy_clip(8, 300)
    whole = generated(mapper, codec, clip, shown)
    monkeypatch.setattr(attention, "CHUNK", 32)
    for one, other in zip(whole, generated(mapper, codec, clip, shown)):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_the_same_seed_gives_the_same_bits(codec) -> None:
    quick = replace(MOTION_SETTINGS, steps=8)
    runs = [train_mapper(toy_clips(), codec, STYLE, NoSpeechLoss(), quick, s, Silent())[0] for s in (1, 1, 2)]
    first, second, other = (run.state_dict() for run in runs)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    assert not torch.equal(first["place.0.weight"], other["place.0.weight"])


def test_the_expected_code_is_the_mean_under_the_distribution(mapper) -> None:
    logits = torch.full((1, 1, 2, 32), -1e9)
    logits[0, 0, 0, [3, 5]] = torch.tensor([0.75, 0.25]).log()
    logits[0, 0, 1, 7] = 0.0
    latents = mapper.head.expected(logits)[0, 0]
    torch.testing.assert_close(latents[0], 0.75 * mapper.head.codebooks[0, 3] + 0.25 * mapper.head.codebooks[0, 5])
    torch.testing.assert_close(latents[1], mapper.head.codebooks[1, 7])


def test_style_clips_are_other_clips_of_the_same_speaker_and_style(codec) -> None:
    clips = [*toy_clips(), toy_clip(50, style="alone")]
    styles = StyleClips.of(clips, codec)
    assert styles.partners == ((2, 4), (3, 5), (0, 4), (1, 5), (0, 2), (1, 3), (6,))
    torch.manual_seed(0)
    motion, mask = styles.draw(torch.tensor([0, 6]))
    assert motion.shape[:2] == mask.shape
    assert mask.all(1).any()
    source = codec.standardise(clips[6].expression, clips[6].pose)
    stretch = motion[1, mask[1]]
    assert any(torch.equal(stretch, source[i : i + len(stretch)]) for i in range(len(source)))


def test_padding_of_a_style_clip_does_not_count() -> None:
    torch.manual_seed(0)
    encoder = TransformerStyle(width=16, heads=2).build(3, 2, 4).eval()
    motion = torch.randn(1, 12, 5)
    padded = torch.cat([motion, torch.full((1, 6, 5), 40.0)], dim=1)
    mask = torch.arange(18)[None] < 12
    torch.testing.assert_close(encoder(padded, mask), encoder(motion, mask[:, :12]))


def test_a_speech_loss_is_trained_along(codec) -> None:
    """Its own weights move, and so does what the mapper learns."""
    seen = []

    class Reward(torch.nn.Module):
        def __init__(self, motion_width: int, audio_width: int):
            super().__init__()
            self.gate = torch.nn.Parameter(torch.zeros(()))
            seen.append((self, motion_width, audio_width))

        def forward(self, motion: torch.Tensor, truth: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
            assert motion.shape == truth.shape
            assert motion.shape[:2] == sound.shape[:2]
            return motion.square().mean() + (self.gate - 1).square()

    class Component:
        def build(self, motion_width: int, audio_width: int) -> torch.nn.Module:
            return Reward(motion_width, audio_width)

    quick = replace(MOTION_SETTINGS, steps=8)
    plain, _ = train_mapper(toy_clips(), codec, STYLE, NoSpeechLoss(), quick, 0, Silent())
    tied, _ = train_mapper(toy_clips(), codec, STYLE, Component(), quick, 0, Silent())
    (reward, motion_width, audio_width) = seen[0]
    assert (motion_width, audio_width) == (WIDTH + 6, FEATURES)
    assert reward.gate.item() > 0
    for stream in (0, 1):
        assert not torch.equal(plain.place[stream].weight, tied.place[stream].weight)


def test_a_saved_mapper_generates_alike_and_only_with_its_codec(mapper, codec, tmp_path: Path) -> None:
    save_module(tmp_path / "codec.safetensors", codec)
    save_module(tmp_path / "mapper.safetensors", mapper)
    codec_again = load_codec(tmp_path / "codec.safetensors", VQ, QUANTIZER)
    again = load_mapper(tmp_path / "mapper.safetensors", codec_again, STYLE, MOTION_SETTINGS)
    clip, shown = toy_clip(9), toy_clip(8)
    for one, other in zip(generated(mapper, codec, clip, shown), generated(again, codec_again, clip, shown)):
        assert torch.equal(one, other)
    with pytest.raises(UserError, match="other components or sizes"):
        load_mapper(tmp_path / "mapper.safetensors", codec, STYLE, MotionSettings())
    stranger = VQ.build(WIDTH, 6, QUANTIZER).eval()
    with pytest.raises(UserError, match="another codec"):
        load_mapper(tmp_path / "mapper.safetensors", stranger, STYLE, MOTION_SETTINGS)


def test_input_that_cannot_be_used_is_a_mistake_of_one_line(mapper, codec) -> None:
    clip, shown = toy_clip(9), toy_clip(8)
    broken = clip.features.clone()
    broken[3, 1] = float("nan")
    for features, expression, pose, words in (
        (broken, shown.expression, shown.pose, "frame 3"),
        (clip.features[:, :5], shown.expression, shown.pose, "sound features"),
        (clip.features[:0], shown.expression, shown.pose, "sound features"),
        (clip.features, shown.expression[:0], shown.pose[:0], "style clip"),
        (clip.features, shown.expression[:, :5], shown.pose, "expression of the style clip"),
        (clip.features, shown.expression, shown.pose[:, :3], "pose of the style clip"),
        (clip.features, shown.expression, shown.pose + float("inf"), "frame 0"),
    ):
        with pytest.raises(UserError, match=words) as error:
            generate(mapper, codec, features, expression, pose)
        assert "\n" not in str(error.value)


def test_motion_is_made_with_the_codec_that_the_mapper_was_trained_on_and_no_other(mapper) -> None:
    stranger, clip = VQ.build(WIDTH, 6, QUANTIZER).eval(), toy_clip(9)
    for run in (
        lambda: generate(mapper, stranger, clip.features, clip.expression, clip.pose),
        lambda: style_vector(mapper, stranger, clip.expression, clip.pose),
    ):
        with pytest.raises(UserError, match="another codec"):
            run()


def test_training_clips_whose_streams_differ_in_length_are_refused(codec) -> None:
    clips = toy_clips()
    clips[2] = replace(clips[2], pose=clips[2].pose[:-1])
    with pytest.raises(UserError, match=r"training clip 2: .* \(80, 80, 79\)"):
        train_mapper(clips, codec, STYLE, NoSpeechLoss(), MOTION_SETTINGS, 0, Silent())


def test_the_style_vector_of_a_frozen_face_is_finite(mapper, codec) -> None:
    still = toy_clip(8)
    vector = style_vector(mapper, codec, still.expression[:1].expand(30, -1), still.pose[:1].expand(30, -1))
    assert torch.isfinite(vector).all()
    assert vector.abs().max() <= 1

"""The motion codecs, trained on a toy in about two seconds."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from motion_toys import CODEC_SETTINGS, QUANTIZER, VQ, WIDTH, Silent, make_codec, toy_clip, toy_clips

from erlnet.adf.codebook import perplexity, usage
from erlnet.adf.components import Dual, Ema
from erlnet.adf.files import load_codec, save_module
from erlnet.adf.train_codec import train_codec
from erlnet.errors import UserError


def test_a_round_trip_loses_far_less_than_a_standard_deviation(trained_codec) -> None:
    codec, metrics = trained_codec
    assert metrics["expression_error"] < 0.4
    assert metrics["pose_error"] < 0.4
    # The same, counted apart: the jaw's residual against its own variance.
    clips = toy_clips()
    truth = torch.cat([c.expression[:, 4] for c in clips])
    again = torch.cat([codec.reconstruct(c.expression[None], c.pose[None])[0][0, :, 4] for c in clips])
    assert (again - truth).var() < 0.15 * truth.var()


def test_held_out_motion_comes_back_better_than_as_the_mean(codec) -> None:
    clip = toy_clip(100)
    expression, pose = codec.reconstruct(clip.expression[None], clip.pose[None])
    for made, truth, scale in zip((expression, pose), (clip.expression, clip.pose), codec.scales):
        mean = scale.mean.expand_as(truth)
        assert scale.square_error(made[0], truth).mean() < 0.5 * scale.square_error(mean, truth).mean()


def test_indices_lie_in_the_codebook_and_metrics_count_them(trained_codec) -> None:
    codec, metrics = trained_codec
    codes = torch.cat([codec.encode(c.expression[None], c.pose[None])[0] for c in toy_clips()])
    assert codes.shape == (480, 2)
    assert 0 <= codes.min() <= codes.max() < 32 == codec.codebook_size
    assert metrics["expression_usage"] == usage(codes[:, 0], 32)
    assert metrics["pose_perplexity"] == pytest.approx(perplexity(codes[:, 1]))
    assert metrics["expression_usage"] > 0.5
    assert metrics["bits_per_second"] == 25 * 2 * 5


def test_the_two_streams_know_nothing_of_each_other(codec) -> None:
    clip, other = toy_clip(100), toy_clip(101)
    codes = codec.encode(clip.expression[None], clip.pose[None])
    mixed = codec.encode(clip.expression[None], other.pose[None])
    torch.testing.assert_close(codes[..., 0], mixed[..., 0])
    assert not torch.equal(codes[..., 1], mixed[..., 1])
    torch.testing.assert_close(codec.decode(codes)[0], codec.decode(mixed)[0])


@pytest.mark.parametrize("length", [1, 2, 7, 300])
def test_any_length_can_be_coded(codec, length: int) -> None:
    clip = toy_clip(5, length)
    expression, pose = codec.reconstruct(clip.expression[None], clip.pose[None])
    assert expression.shape == (1, length, WIDTH)
    assert pose.shape == (1, length, 6)
    assert torch.isfinite(expression).all()
    assert torch.isfinite(pose).all()


def test_a_code_depends_on_a_bounded_stretch_of_motion(codec) -> None:
    clip = toy_clip(6)
    changed = clip.expression.clone()
    changed[40:] += 1
    before = codec.encode(clip.expression[None], clip.pose[None])[0, :, 0]
    after = codec.encode(changed[None], clip.pose[None])[0, :, 0]
    assert torch.equal(before[: 40 - VQ.layers * VQ.reach], after[: 40 - VQ.layers * VQ.reach])
    assert not torch.equal(before[40:], after[40:])


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    quick = replace(CODEC_SETTINGS, steps=12)
    torch.manual_seed(1)
    first, _ = make_codec(3, quick)
    torch.manual_seed(2)
    drawn = torch.rand(())
    torch.manual_seed(2)
    second, other = make_codec(3, quick)[0], make_codec(4, quick)[0]
    assert torch.equal(torch.rand(()), drawn), "training leaves the caller's random numbers alone"
    weights = second.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in first.state_dict().items())
    assert not torch.equal(first.codebooks, other.codebooks)


def test_progress_counts_both_codecs() -> None:
    silent, clip = Silent(), toy_clip(0)
    train_codec([clip.expression], [clip.pose], VQ, QUANTIZER, replace(CODEC_SETTINGS, steps=4), 0, silent)
    assert silent.steps == [(n, 8) for n in range(1, 9)]


def test_codes_that_nobody_uses_restart_where_the_latents_are() -> None:
    used = {}
    for restart_below in (0.1, 0.0):
        torch.manual_seed(0)
        quantizer = Ema(codes=16, restart_below=restart_below).build(4).train()
        quantizer(torch.full((1, 64, 4), 50.0) + 0.01 * torch.randn(1, 64, 4))  # k-means starts far away
        for _ in range(100):
            quantizer(torch.randn(1, 64, 4))
        used[restart_below] = len(quantizer.eval()(torch.randn(8, 64, 4))[1].unique())
    assert used[0.0] < used[0.1] == 16


def test_a_saved_codec_decodes_alike(codec, tmp_path: Path) -> None:
    save_module(tmp_path / "codec.safetensors", codec)
    again = load_codec(tmp_path / "codec.safetensors", VQ, QUANTIZER)
    clip = toy_clip(7)
    codes = codec.encode(clip.expression[None], clip.pose[None])
    assert torch.equal(again.encode(clip.expression[None], clip.pose[None]), codes)
    assert torch.equal(again.decode(codes)[0], codec.decode(codes)[0])
    assert not any(p.requires_grad for p in again.parameters())


def test_weights_of_other_components_are_refused(codec, tmp_path: Path) -> None:
    path = tmp_path / "codec.safetensors"
    save_module(path, codec)
    with pytest.raises(UserError, match="other components or sizes"):
        load_codec(path, VQ, Ema(codes=16))
    path.write_bytes(b"not a tensor in sight")
    with pytest.raises(UserError, match="holds no weights"):
        load_codec(path, VQ, QUANTIZER)


def test_coefficients_that_cannot_be_used_are_a_mistake_of_one_line() -> None:
    good, bad = toy_clip(0), toy_clip(1)
    bad.expression[17, 2] = float("nan")
    for expression, pose, words in (
        ([], [], "no training clips"),
        ([good.expression, bad.expression], [good.pose, bad.pose], "training clip 1: frame 17"),
        ([good.expression, bad.expression[:, :5]], [good.pose, bad.pose], "expected"),
        ([good.expression], [good.pose[:, :3]], "pose of training clip 0"),
        ([good.expression[:0]], [good.pose[:0]], "expected"),
    ):
        with pytest.raises(UserError, match=words) as error:
            train_codec(expression, pose, VQ, QUANTIZER, CODEC_SETTINGS, 0, Silent())
        assert "\n" not in str(error.value)


def test_a_stream_too_narrow_for_jaw_and_lids_is_refused() -> None:
    with pytest.raises(ValueError, match="width 5"):
        Dual().build(5, 6, Ema())

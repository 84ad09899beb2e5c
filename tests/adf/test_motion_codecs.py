"""What the codecs have in common and what tells them apart: equal size, equal rate, joint or apart, codes or none."""

from dataclasses import replace

import pytest
import torch
from motion_toys import CODEC_SETTINGS, MOTION_SETTINGS, QUANTIZER, STYLE, VQ, WIDTH, Silent, toy_clip, toy_clips

from erlnet.adf.components import Direct, Dual, Ema, Fsq, NoSpeechLoss, Residual, Single
from erlnet.adf.files import load_codec, load_mapper, save_module
from erlnet.adf.generate import generate
from erlnet.adf.settings import MotionSettings
from erlnet.adf.stack import parameters_of
from erlnet.adf.train_codec import train_codec
from erlnet.adf.train_mapper import build_mapper, train_mapper
from erlnet.errors import UserError

OPTIONS = [
    {},
    {"width": 32, "heads": 2, "reach": 4, "code_dim": 8},
    {"width": 24, "heads": 8, "layers": 3, "code_dim": 16},
    {"width": 128, "heads": 4, "layers": 2, "reach": 12, "code_dim": 64},
    {"width": 8, "heads": 1, "layers": 1, "reach": 1, "code_dim": 4},
]
QUICK = replace(CODEC_SETTINGS, steps=12)


def trained(vq, quantizer=QUANTIZER, settings=QUICK):
    clips = toy_clips()
    silent = Silent()
    codec, metrics = train_codec(
        [c.expression for c in clips], [c.pose for c in clips], vq, quantizer, settings, 0, silent
    )
    return codec, metrics, silent


@pytest.mark.parametrize("expression_width", [6, 56, 105])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("quantizer", [Ema(codes=9), Fsq(levels=(3, 3)), Residual(codes=9)])
def test_all_codecs_have_the_parameters_of_dual_within_2_percent(options, expression_width, quantizer) -> None:
    codecs = [kind(**options).build(expression_width, 6, quantizer) for kind in (Dual, Single, Direct)]
    assert parameters_of(codecs[1]) == pytest.approx(parameters_of(codecs[0]), rel=0.02)
    assert codecs[1].inference_parameters == pytest.approx(codecs[0].inference_parameters, rel=0.02)
    mappers = [build_mapper(20, codec, STYLE, MOTION_SETTINGS) for codec in codecs]
    dual, single, direct = (m.inference_parameters(c) for m, c in zip(mappers, codecs))
    assert single == pytest.approx(dual, rel=0.02)
    assert direct == pytest.approx(dual, rel=0.02)
    # All that is trained, in both stages; without codes there are no encoders to train.
    trained = [parameters_of(codec) + parameters_of(mapper) for codec, mapper in zip(codecs, mappers)]
    encoders = sum(parameters_of(part.encoder) for part in codecs[0].parts)
    assert trained[1] == pytest.approx(trained[0], rel=0.02)
    books = parameters_of(codecs[0]) - encoders - codecs[0].inference_parameters
    assert trained[2] == pytest.approx(trained[0] - encoders - books, rel=0.02)
    # Counted apart: mapper with all that it holds, and the decoders of a codec that has its own.
    assert dual == parameters_of(mappers[0]) + sum(parameters_of(part.decoder) for part in codecs[0].parts)
    assert direct == parameters_of(mappers[2])


@pytest.mark.parametrize(
    ("vq", "quantizer", "bits"),
    [
        (Dual(**OPTIONS[1]), Ema(codes=256), 400),
        (Single(**OPTIONS[1]), Ema(codes=256), 400),
        (Single(**OPTIONS[1], tokens=1), Ema(codes=256), 200),
        (Dual(**OPTIONS[1]), Fsq(), 400),
        (Single(**OPTIONS[1]), Residual(), 400),
        (Dual(**OPTIONS[1]), Residual(codes=64, levels=3), 300),
        (Single(**OPTIONS[1]), Fsq(levels=(8, 6, 5)), 50 * 7.906890595608519),  # log2 240
    ],
)
def test_dual_and_single_have_one_rate_and_the_naive_form_half(vq, quantizer, bits) -> None:
    codec, metrics, _ = trained(vq, quantizer, replace(QUICK, steps=2))
    assert metrics["bits_per_second"] == pytest.approx(bits)
    clip = toy_clip(9)
    codes = codec.encode(clip.expression[None], clip.pose[None])
    assert codes.shape[-1] * 25 * torch.tensor(float(codec.codebook_size)).log2().item() == pytest.approx(bits)
    assert set(codec.layout.names) == {name[: -len("_usage")] for name in metrics if name.endswith("_usage")}


def test_a_joint_code_knows_both_streams() -> None:
    codec, _, silent = trained(Single(**OPTIONS[1]))
    assert silent.steps == [(n, 12) for n in range(1, 13)]
    clip, other = toy_clip(100), toy_clip(101)
    codes = codec.encode(clip.expression[None], clip.pose[None])
    mixed = codec.encode(clip.expression[None], other.pose[None])
    assert not torch.equal(codes[..., 0], mixed[..., 0])


def test_the_second_token_codes_what_the_first_left_over() -> None:
    """Quantised again by hand: nearest code, then the nearest code of the second book to the rest."""
    codec, _, _ = trained(Single(**OPTIONS[1]), settings=replace(QUICK, steps=60))
    clip = toy_clip(3)
    codes = codec.encode(clip.expression[None], clip.pose[None])[0]
    (part,) = codec.parts
    latents = part.encoder(codec.standardise(clip.expression, clip.pose)[None])[0]
    first, second = codec.codebooks
    one = torch.cdist(latents, first).argmin(1)
    two = torch.cdist(latents - first[one], second).argmin(1)
    assert (codes[:, 0] == one).float().mean() > 0.98  # ties by rounding apart
    assert (codes[:, 1] == two).float().mean() > 0.98
    both = latents - first[one] - second[two]
    assert both.square().mean() < 0.8 * (latents - first[one]).square().mean()
    made = codec.decode(codes[None])
    again = codec.decode_latents(torch.stack([first[codes[:, 0]], second[codes[:, 1]]], dim=-2)[None])
    torch.testing.assert_close(made[0], again[0])


@pytest.mark.parametrize("quantizer", [Ema(codes=16), Fsq(levels=(4, 4)), Residual(codes=16)])
def test_training_repeats_bit_for_bit_and_survives_the_file(quantizer, tmp_path) -> None:
    vq = Single(**OPTIONS[1])
    codec, second = (trained(vq, quantizer)[0] for _ in range(2))
    weights = second.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in codec.state_dict().items())
    save_module(tmp_path / "codec.safetensors", codec)
    again = load_codec(tmp_path / "codec.safetensors", vq, quantizer)
    clip = toy_clip(7)
    codes = codec.encode(clip.expression[None], clip.pose[None])
    assert torch.equal(again.encode(clip.expression[None], clip.pose[None]), codes)
    assert all(torch.equal(*pair) for pair in zip(again.decode(codes), codec.decode(codes)))
    with pytest.raises(UserError, match="other components or sizes"):
        load_codec(tmp_path / "codec.safetensors", Dual(**OPTIONS[1]), quantizer)


def test_without_codes_the_mapper_trains_and_keeps_the_decoders(tmp_path) -> None:
    codec, metrics, silent = trained(Direct(**OPTIONS[1]))
    assert metrics == {"parameters": 0}
    assert silent.steps == []
    assert codec.tokens == 0
    clips = toy_clips()
    frames = torch.cat([c.expression for c in clips])
    torch.testing.assert_close(codec.expression_scale.mean, frames.mean(0))
    settings = replace(MOTION_SETTINGS, steps=80)
    mapper, metrics = train_mapper(clips, codec, STYLE, NoSpeechLoss(), settings, 0, Silent())
    assert metrics["expression_error"] < 0.8
    assert metrics["parameters"] == metrics["inference_parameters"] == parameters_of(mapper)
    assert "code_accuracy" not in metrics
    save_module(tmp_path / "codec.safetensors", codec)
    save_module(tmp_path / "mapper.safetensors", mapper)
    codec_again = load_codec(tmp_path / "codec.safetensors", Direct(**OPTIONS[1]), QUANTIZER)
    again = load_mapper(tmp_path / "mapper.safetensors", codec_again, STYLE, MOTION_SETTINGS)
    clip = toy_clip(9)
    for pair in zip(
        generate(mapper, codec, clip.features, clip.expression, clip.pose),
        generate(again, codec_again, clip.features, clip.expression, clip.pose),
    ):
        assert torch.equal(*pair)
    codec_again.expression_scale.mean.add_(0.5)
    with pytest.raises(UserError, match="another codec"):
        load_mapper(tmp_path / "mapper.safetensors", codec_again, STYLE, MOTION_SETTINGS)


def test_without_codes_nothing_can_be_coded() -> None:
    codec = Direct(**OPTIONS[1]).build(WIDTH, 6, QUANTIZER)
    clip = toy_clip(0)
    for wrong in (
        lambda: codec.encode(clip.expression[None], clip.pose[None]),
        lambda: codec.reconstruct(clip.expression[None], clip.pose[None]),
        lambda: codec.decode(torch.zeros(1, 3, 2, dtype=torch.int64)),
        lambda: codec.codebooks,
        lambda: codec.codebook_size,
        lambda: codec.decode_latents(torch.zeros(1, 3, 2, 8)),
    ):
        with pytest.raises(UserError, match="vq=none") as error:
            wrong()
        assert "\n" not in str(error.value)


def test_sizes_that_do_not_fit_are_mistakes_of_one_line() -> None:
    for wrong, words in (
        (Dual(width=30), "vq.width=30"),
        (Single(layers=0), "layers"),
        (Single(tokens=0), "vq.tokens=0"),
    ):
        with pytest.raises(UserError, match=words):
            wrong.build(WIDTH, 6, QUANTIZER)
    with pytest.raises(UserError, match=r"motion\.width=30"):
        build_mapper(4, VQ.build(WIDTH, 6, QUANTIZER), STYLE, MotionSettings(width=30))

"""Whisper's encoder: from its two kinds of file, against transformers called directly, and for real on speech."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from ct2_files import ct2_bytes, whisper_variables
from sound_toys import RATE, best_shift, delayed, syllables

from erlnet.assets import asset_path, asset_present
from erlnet.audio.components import Whisper
from erlnet.audio.whisper_weights import encoder_from_ct2
from erlnet.data.video import probe, read_audio
from erlnet.errors import AssetMissing, UserError

transformers = pytest.importorskip("transformers")

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "clips"
needs_asset = pytest.mark.skipif(
    not asset_present("whisper"), reason="the asset whisper is missing: python -m erlnet assets fetch whisper"
)
TINY = {
    "vocab_size": 20, "d_model": 16, "encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "max_target_positions": 8,
    "pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0, "decoder_start_token_id": 0,
}  # fmt: skip


def tiny_model(**options: object):
    """Random weights: it tests loading and timing, and knows nothing of speech."""
    torch.manual_seed(0)
    config = transformers.WhisperConfig(**TINY | options, attn_implementation="eager")
    return transformers.WhisperModel(config).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("whisper")
    tiny_model().save_pretrained(place)
    return place


def log_mel(samples: np.ndarray, n_mels: int = 80) -> np.ndarray:
    """(n_mels,3000) as Whisper's paper and code define it: 25 ms Hann, 10 ms hop, Slaney's mel, 8 below the peak."""
    padded = np.pad(np.pad(samples, (0, 480_000 - len(samples))).astype(float), 200, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:3000]
    power = np.abs(np.fft.rfft(windows * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)))) ** 2
    mels = np.linspace(0, 15 + 27 * np.log(8) / np.log(6.4), n_mels + 2)
    hz = np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))
    bands = [
        np.interp(np.arange(201) * 40.0, hz[i : i + 3], [0, 1, 0], left=0, right=0) * 2 / (hz[i + 2] - hz[i])
        for i in range(n_mels)
    ]
    log = np.log10(np.maximum(np.stack(bands) @ power.T, 1e-10))
    return (np.maximum(log, log.max() - 8) + 4) / 4


def by_hand(encoder: torch.nn.Module, samples: np.ndarray, n_frames: int) -> np.ndarray:
    """Our own mel, transformers' encoder, and the weights 1/4, 1/2, 1/4 of rows 2t, 2t+1, 2t+2."""
    with torch.no_grad():
        rows = encoder(torch.from_numpy(log_mel(samples)).float()[None]).last_hidden_state[0].numpy()
    return rows[0:-2:2][:n_frames] / 4 + rows[1:-1:2][:n_frames] / 2 + rows[2::2][:n_frames] / 4


def test_features_equal_those_of_transformers_called_directly(folder):
    samples = syllables(3)
    got = Whisper(model=str(folder)).build()(samples, 75)
    assert (got.shape, got.dtype) == ((75, 16), np.float32)
    np.testing.assert_allclose(got, by_hand(tiny_model().encoder, samples, 75), atol=1e-4)


@pytest.mark.parametrize("precision", [np.float32, np.float16])
def test_a_ctranslate2_file_of_the_same_weights_is_the_same_encoder(tmp_path, precision):
    wanted = tiny_model().encoder.state_dict()
    path = tmp_path / "model.bin"
    variables = {
        name: array.astype(precision) if array.dtype.kind == "f" else array
        for name, array in whisper_variables(wanted, heads=2).items()
    }
    path.write_bytes(ct2_bytes(variables))
    encoder = encoder_from_ct2(transformers, path)
    assert encoder.config.encoder_attention_heads == 2
    got = encoder.state_dict()
    assert got.keys() == wanted.keys()
    for name in wanted:
        np.testing.assert_array_equal(got[name], wanted[name].numpy().astype(precision))
    mel = torch.randn(1, 80, 3000)
    with torch.no_grad():
        difference = encoder(mel).last_hidden_state - tiny_model().encoder(mel).last_hidden_state
    assert difference.abs().max() < (1e-5 if precision == np.float32 else 2e-2)


def without(name: str):
    return lambda variables: {k: v for k, v in variables.items() if k != name}


def replaced(name: str, array: np.ndarray):
    return lambda variables: variables | {name: array}


PROJECTION = "encoder/layer_0/self_attention/linear_0"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("encoder/conv2/bias"), "has no variable 'encoder/conv2/bias'"),
        (without("encoder/num_heads"), "has no variable 'encoder/num_heads'"),
        (replaced("encoder/layer_1/ffn/linear_0/weight", np.ones((24, 16), np.int8)), "linear_0/weight in floating"),
        (replaced(f"{PROJECTION}/bias", np.ones(48, np.float32)), "not zero for the keys"),
        (replaced("encoder/conv2/bias", np.ones(5, np.float32)), "shapes do not fit"),
        (replaced(f"{PROJECTION}/weight", np.ones((47, 16), np.float32)), "shapes do not fit"),
    ],
)
def test_a_ctranslate2_file_that_is_no_whisper_of_ours_is_refused_in_one_line(tmp_path, change, words):
    path = tmp_path / "model.bin"
    path.write_bytes(ct2_bytes(change(whisper_variables(tiny_model().encoder.state_dict(), heads=2))))
    with pytest.raises(UserError, match=words) as error:
        encoder_from_ct2(transformers, path)
    assert "\n" not in str(error.value)


def test_another_kind_of_ctranslate2_model_is_refused(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(ct2_bytes({}, kind="TransformerSpec"))
    with pytest.raises(UserError, match="of the kind TransformerSpec; a Whisper model is needed"):
        encoder_from_ct2(transformers, path)


def test_long_sound_is_heard_in_windows_and_joined(folder):
    """31 s: [0, 30) and [25, 31) s; five seconds are shared, and the second takes over along a straight line."""
    encoder, samples = Whisper(model=str(folder)).build(), syllables(31)
    got = encoder(samples, 775)
    first, second = encoder(samples[: 750 * 640], 750), encoder(samples[625 * 640 :], 150)
    np.testing.assert_array_equal(got[:625], first[:625])
    np.testing.assert_array_equal(got[750:], second[125:])
    later = (np.arange(125)[:, None] + 1) / 126
    np.testing.assert_allclose(got[625:750], (1 - later) * first[625:] + later * second[:125], atol=1e-5)


def test_short_sound_silence_and_unusable_sound(folder):
    encoder = Whisper(model=str(folder)).build()
    assert encoder(syllables(1)[:100], 1).shape == (1, 16)
    assert np.isfinite(encoder(np.zeros(RATE, np.float32), 25)).all()
    np.testing.assert_array_equal(encoder(syllables(2), 25), encoder(syllables(2)[:RATE], 25))
    with pytest.raises(UserError, match="empty"):
        encoder(np.zeros(0, np.float32), 25)


def test_the_encoder_is_frozen_and_deterministic(folder):
    first, second = (Whisper(model=str(folder)).build() for _ in range(2))
    assert not first._encoder.training
    assert not any(p.requires_grad for p in first._encoder.parameters())
    np.testing.assert_array_equal(first(syllables(1), 25), second(syllables(1), 25))
    assert first.future == math.inf


@pytest.mark.parametrize("frames", [3, -4])
def test_sound_that_is_late_by_some_frames_gives_features_that_are_late_by_as_many(folder, frames):
    """Without the positions, which outshout sound where weights are small and random; the asset's test has them."""
    encoder, samples = Whisper(model=str(folder)).build(), syllables(4)
    encoder._encoder.embed_positions.weight.zero_()
    assert best_shift(encoder(samples, 100), encoder(delayed(samples, frames), 100)) == frames


def test_another_kind_of_model_and_another_length_are_refused(tmp_path):
    transformers.Wav2Vec2Config().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="a wav2vec2 model; a Whisper model is needed"):
        Whisper(model=str(tmp_path)).build()
    tiny_model(max_source_positions=100).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="hears 2 s; 30 s is needed"):
        Whisper(model=str(tmp_path)).build()


def test_a_model_or_a_package_that_is_not_here_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path))
    with pytest.raises(AssetMissing, match=r"audio=whisper.*python -m erlnet assets fetch whisper"):
        Whisper().build()
    with pytest.raises(AssetMissing, match="hf download no/such"):
        Whisper(model="no/such").build()
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(AssetMissing, match=r"erlnet\[speech\]"):
        Whisper().build()


@needs_asset
def test_the_asset_holds_whispers_own_positions_and_loads_whole():
    """Sinusoids as the paper's code writes them: wavelengths from 2 pi to 20000 pi rows, sines before cosines."""
    encoder = encoder_from_ct2(transformers, asset_path("whisper", "a test"))
    angles = np.arange(1500)[:, None] * np.exp(-math.log(10_000) / 191 * np.arange(192))
    positions = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    np.testing.assert_allclose(encoder.embed_positions.weight, positions, atol=1e-3)  # float16 in the file
    assert (encoder.config.d_model, encoder.config.encoder_layers, encoder.config.encoder_attention_heads) == (
        384,
        4,
        6,
    )


def speech() -> np.ndarray:
    clip = CLIPS / "grid" / "bbaf2n.mpg"
    if not clip.is_file():
        pytest.skip(f"no real clip at {clip}")
    sound = read_audio(clip, probe(clip).start, 75)
    assert sound is not None
    return sound


@needs_asset
def test_the_asset_on_real_speech_equals_transformers_called_directly():
    samples, features = speech(), Whisper().build()
    config = transformers.WhisperConfig.from_dict(features._encoder.config.to_dict())
    config._attn_implementation = "eager"
    model = transformers.WhisperModel(config).eval()
    model.encoder.load_state_dict(features._encoder.state_dict(), strict=True)
    np.testing.assert_allclose(features.mel(samples)[0], log_mel(samples), atol=5e-5)
    got = features(samples, 75)
    assert got.shape == (75, features.width) == (75, 384)
    np.testing.assert_allclose(got, by_hand(model.encoder, samples, 75), atol=1e-4)


@needs_asset
@pytest.mark.parametrize("frames", [3, -4])
def test_real_speech_that_is_late_by_some_frames_is_detected(frames):
    samples, encoder = speech(), Whisper().build()
    late = delayed(samples, frames)
    assert best_shift(encoder(samples, 75), encoder(late, len(late) // 640)) == frames

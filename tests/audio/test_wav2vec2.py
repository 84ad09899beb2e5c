"""wav2vec2's real loading code on tiny models with random weights, saved in their own format by transformers."""

import json
import math
import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sound_toys import RATE, best_shift, delayed, mean_of_line, syllables

from erlnet.audio.components import Wav2Vec2
from erlnet.audio.wav2vec2 import Wav2Vec2Encoder, stride_and_receptive_field
from erlnet.errors import AssetMissing, UserError

transformers = pytest.importorskip("transformers")

TINY = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "conv_dim": (12,) * 7,
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2,
}  # fmt: skip


def save_test_model(folder: Path, kind: str = "Wav2Vec2", normalise: bool = True, **options: object) -> Path:
    """A model whose weights are random: it tests loading and timing, and knows nothing of speech."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**TINY, **options)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=normalise).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_test_model(tmp_path_factory.mktemp("wav2vec2"))


def straight_through_transformers(folder: Path, samples: np.ndarray, n_frames: int, layer: int) -> np.ndarray:
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    values = extractor(samples, sampling_rate=RATE, return_tensors="pt").input_values
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        rows = model(torch.nn.functional.pad(values, (0, 400)), output_hidden_states=True).hidden_states[layer][0]
    return mean_of_line(rows.numpy(), 320 * np.arange(len(rows)) + 199.5, n_frames)


@pytest.mark.parametrize(
    ("kind", "normalise", "layer"),
    [("Wav2Vec2", True, -1), ("Wav2Vec2", False, 1), ("Hubert", True, 0), ("WavLM", True, -1)],
)
def test_features_equal_those_of_transformers_called_directly(tmp_path, kind, normalise, layer):
    save_test_model(tmp_path, kind, normalise)
    samples = 0.3 + syllables(2)  # off centre, so that the scaling shows
    got = Wav2Vec2(model=str(tmp_path), layer=layer).build()(samples, 50)
    assert (got.shape, got.dtype) == ((50, 16), np.float32)
    np.testing.assert_allclose(got, straight_through_transformers(tmp_path, samples, 50, layer), atol=3e-5)


def test_the_last_hidden_state_is_the_models_output(folder):
    encoder = Wav2Vec2(model=str(folder)).build()
    values = torch.randn(1, 4000)
    with torch.no_grad():
        result = encoder._model(values, output_hidden_states=True)
    assert torch.equal(result.hidden_states[-1], result.last_hidden_state)


def test_stride_and_receptive_field_are_those_of_the_paper():
    """wav2vec 2.0, section 4.2: a stride of 20 ms and a receptive field of 25 ms."""
    config = transformers.Wav2Vec2Config()
    assert stride_and_receptive_field(config.conv_kernel, config.conv_stride) == (320, 400)


def test_a_row_hears_the_samples_that_the_receptive_field_says(tmp_path):
    """Of the convolutions alone: row m moves with samples 320 m .. 320 m + 399 and with no other."""
    encoder = Wav2Vec2(model=str(save_test_model(tmp_path, feat_extract_norm="layer"))).build()
    sound = torch.randn(1, 4000, requires_grad=True)
    encoder._model.feature_extractor(sound)[0, :, 5].sum().backward()
    heard = sound.grad[0].nonzero()[:, 0]
    assert (int(heard.min()), int(heard.max())) == (1600, 1999)


def test_the_encoder_is_frozen_and_deterministic_and_leaves_the_random_numbers_alone(folder):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, second = (Wav2Vec2(model=str(folder)).build() for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert not first._model.training
    assert not any(p.requires_grad for p in first._model.parameters())
    samples = syllables(1)
    np.testing.assert_array_equal(first(samples, 25), second(samples, 25))
    assert first.future == math.inf


@pytest.mark.parametrize("frames", [3, -4])
def test_sound_that_is_late_by_some_frames_gives_features_that_are_late_by_as_many(folder, frames):
    encoder, samples = Wav2Vec2(model=str(folder)).build(), syllables(4)
    assert best_shift(encoder(samples, 100), encoder(delayed(samples, frames), 100)) == frames


def test_windows_change_nothing_away_from_their_edges_where_a_layer_hears_near_sound_alone(tmp_path):
    """Layer 0 hears 400 samples and 8 rows to each side; with the resampling, 5 frames at a window's edge differ."""
    save_test_model(tmp_path, feat_extract_norm="layer")
    samples, model = syllables(5), str(tmp_path)
    whole = Wav2Vec2Encoder(model, layer=0)(samples, 125)
    cut = Wav2Vec2Encoder(model, layer=0, window=50, overlap=20)(samples, 125)  # [0,50) [30,80) [60,110) [90,125)
    off = np.abs(cut - whole).max(1)
    edges = {t for edge in (30, 50, 60, 80, 90, 110) for t in range(edge - 5, edge + 5)}
    assert off[[t for t in range(125) if t not in edges]].max() < 2e-5
    assert off.max() > 1e-3  # at the edges they do differ


def test_windows_change_a_layer_that_hears_everything_a_little(folder):
    """Attention, and the first layer's statistics over time, hear a whole window: no exactness is promised."""
    samples = syllables(20)
    whole = Wav2Vec2Encoder(str(folder), -1)(samples, 500)
    cut = Wav2Vec2Encoder(str(folder), -1, window=250, overlap=125)(samples, 500)
    assert best_shift(whole, cut) == 0
    relative = np.sqrt(((cut - whole) ** 2).mean()) / whole.std()
    assert 1e-4 < relative < 0.2


def test_short_sound_is_padded_and_silence_is_finite(folder):
    encoder = Wav2Vec2(model=str(folder)).build()
    assert encoder(syllables(1)[:100], 25).shape == (25, 16)
    assert encoder(syllables(1)[:100], 1).shape == (1, 16)
    assert np.isfinite(encoder(np.zeros(RATE, np.float32), 25)).all()
    samples = syllables(2)
    np.testing.assert_array_equal(encoder(samples, 25), encoder(samples[: 25 * 640 + 400], 25))


def test_sound_that_cannot_be_used_is_a_mistake_of_one_line(folder):
    encoder = Wav2Vec2(model=str(folder)).build()
    with pytest.raises(UserError, match="empty"):
        encoder(np.zeros(0, np.float32), 25)
    with pytest.raises(UserError, match=r"no number at 0\.000 s"):
        encoder(np.array([0, np.nan], np.float32), 25)


def test_a_model_that_is_not_here_is_missing_and_nothing_is_asked_of_the_network(monkeypatch):
    def forbidden(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    with pytest.raises(AssetMissing, match=r"neither a folder nor in the hub's cache.*: hf download no/such$") as error:
        Wav2Vec2(model="no/such").build()
    assert error.value.remedy == "hf download no/such"


def test_a_hub_name_is_taken_from_the_hubs_cache(tmp_path, monkeypatch, folder):
    cached = tmp_path / "models--someone--tiny"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0" * 40)
    shutil.copytree(folder, cached / "snapshots" / ("0" * 40))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    samples = syllables(1)
    found = Wav2Vec2(model="someone/tiny").build()(samples, 25)
    np.testing.assert_array_equal(found, Wav2Vec2(model=str(folder)).build()(samples, 25))


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(AssetMissing, match=r"package transformers is missing.*pip install \"erlnet\[speech\]\""):
        Wav2Vec2().build()


def test_another_kind_of_model_is_refused(tmp_path):
    transformers.BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="a bert model; wav2vec2, HuBERT or WavLM is needed"):
        Wav2Vec2(model=str(tmp_path)).build()


@pytest.mark.parametrize("layer", [3, -4])
def test_a_layer_that_is_not_there_is_refused(folder, layer):
    with pytest.raises(UserError, match=rf"wav2vec2\.layer={layer}: .* has layers 0 to 2"):
        Wav2Vec2(model=str(folder), layer=layer).build()


def no_folder(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def one_weight_less(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layers.1.attention.v_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def no_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def no_extractor(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()


def another_rate(folder: Path) -> None:
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sampling_rate": 8000}))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (no_folder, "there is no such folder"),
        (no_weights, "not a model that can be read"),
        (cut_weights, "not a model that can be read"),
        (one_weight_less, r"lacks 1 of the model's weights \(encoder.layers.1.attention.v_proj.weight first\)"),
        (no_json, "not a model that can be read"),
        (no_extractor, r"not a model that can be read \(Can't load feature extractor"),
        (another_rate, "takes 8000 Hz"),
    ],
)
def test_a_damaged_folder_is_a_mistake_of_one_line_that_names_it(tmp_path, damage, words):
    damage(save_test_model(tmp_path / "model"))
    with pytest.raises(UserError, match=words) as error:
        Wav2Vec2(model=str(tmp_path / "model")).build()
    assert str(error.value).startswith(f"wav2vec2.model={tmp_path / 'model'}: ")
    assert "\n" not in str(error.value)
    assert not isinstance(error.value, AssetMissing)

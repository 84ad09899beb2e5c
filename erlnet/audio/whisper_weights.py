"""A Whisper encoder out of a CTranslate2 file: its variables under transformers' names."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from erlnet.audio.ctranslate2 import Ct2Model, read_ct2
from erlnet.errors import UserError

_ENDS = {"weight": "weight", "bias": "bias"}
_NORM = {"gamma": "weight", "beta": "bias"}
_LAYER = (  # of one layer: CTranslate2's part, transformers' part, the last words of both
    ("self_attention/layer_norm", "self_attn_layer_norm", _NORM),
    ("self_attention/linear_1", "self_attn.out_proj", _ENDS),
    ("ffn/layer_norm", "final_layer_norm", _NORM),
    ("ffn/linear_0", "fc1", _ENDS),
    ("ffn/linear_1", "fc2", _ENDS),
)


def encoder_from_ct2(transformers: ModuleType, path: Path) -> Any:
    """transformers' WhisperEncoder, float32, in eval mode, without gradients, every weight from the file.

    UserError where the file is none of CTranslate2's, holds another kind of model, or is quantised.
    """
    model = read_ct2(path)
    if model.kind != "WhisperSpec":
        raise UserError(f"{path}: holds a model of the kind {model.kind}; a Whisper model is needed")
    try:
        n_layers = sum(f"encoder/layer_{i}/ffn/linear_0/weight" in model.variables for i in range(100))
        weights = encoder_weights(model, n_layers)
        config = transformers.WhisperConfig(
            d_model=len(weights["conv1.weight"]),
            num_mel_bins=weights["conv1.weight"].shape[1],
            max_source_positions=len(weights["embed_positions.weight"]),
            encoder_layers=n_layers,
            encoder_attention_heads=int(model.variables["encoder/num_heads"]),
            encoder_ffn_dim=len(weights["layers.0.fc1.weight"]),
        )
        with torch.device("meta"):  # no weights are drawn only to be replaced
            encoder = transformers.models.whisper.modeling_whisper.WhisperEncoder(config)
        encoder.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()}, strict=True, assign=True)
    except KeyError as error:
        raise UserError(f"{path}: has no variable {error}; a Whisper model in float16 or float32 is needed") from None
    except (RuntimeError, ValueError) as error:
        raise UserError(f"{path}: its shapes do not fit each other ({str(error).splitlines()[0]})") from None
    return encoder.eval().requires_grad_(False)


def encoder_weights(model: Ct2Model, n_layers: int) -> dict[str, np.ndarray]:
    """State dict of transformers' WhisperEncoder, float32. KeyError where a variable is missing or quantised."""
    found = {"embed_positions.weight": _floats(model, "encoder/position_encodings/encodings")}
    parts = [("conv1", "conv1", _ENDS), ("conv2", "conv2", _ENDS), ("layer_norm", "layer_norm", _NORM)]
    for i in range(n_layers):
        parts += [(f"layer_{i}/{theirs}", f"layers.{i}.{ours}", ends) for theirs, ours, ends in _LAYER]
        found |= _queries_keys_values(model, i)
    for theirs, ours, ends in parts:
        found |= {f"{ours}.{end}": _floats(model, f"encoder/{theirs}/{name}") for name, end in ends.items()}
    return found


def _queries_keys_values(model: Ct2Model, layer: int) -> dict[str, np.ndarray]:
    """CTranslate2 stacks the three projections; Whisper's keys have no bias, so theirs is stored as zeros."""
    name = f"encoder/layer_{layer}/self_attention/linear_0"
    weights, biases = (np.split(_floats(model, f"{name}/{end}"), 3) for end in ("weight", "bias"))
    if biases[1].any():
        raise ValueError(f"{name}/bias is not zero for the keys")
    found = {f"layers.{layer}.self_attn.{p}_proj.weight": w for p, w in zip("qkv", weights)}
    return found | {f"layers.{layer}.self_attn.{p}_proj.bias": b for p, b in zip("qv", biases[::2])}


def _floats(model: Ct2Model, name: str) -> np.ndarray:
    values = model.variables[name]
    if values.dtype.kind != "f":
        raise KeyError(f"{name} in floating point")
    return values.astype(np.float32)

"""Writes CTranslate2 files, from the description of the layout and not from the reader."""

import struct

import numpy as np

CODES = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}


def ct2_name(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def ct2_bytes(
    variables: dict[str, np.ndarray],
    aliases: dict[str, str] | None = None,
    kind: str = "WhisperSpec",
    version: int = 6,
) -> bytes:
    out = struct.pack("<I", version) + ct2_name(kind) + struct.pack("<II", 3, len(variables))
    for name, array in variables.items():
        out += ct2_name(name) + struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
        out += struct.pack("<BI", CODES[array.dtype.name], array.nbytes) + array.tobytes()
    aliases = aliases or {}
    out += struct.pack("<I", len(aliases))
    return out + b"".join(ct2_name(alias) + ct2_name(name) for alias, name in aliases.items())


def whisper_variables(state: dict, heads: int) -> dict[str, np.ndarray]:
    """The encoder of a transformers Whisper, `state` its state dict, as CTranslate2's converter lays it out."""
    state = {name: tensor.numpy() for name, tensor in state.items()}
    found = {
        "encoder/num_heads": np.array(heads, np.int16),
        "encoder/position_encodings/encodings": state["embed_positions.weight"],
        "encoder/layer_norm/gamma": state["layer_norm.weight"],
        "encoder/layer_norm/beta": state["layer_norm.bias"],
    }
    for conv in ("conv1", "conv2"):
        found |= {f"encoder/{conv}/{end}": state[f"{conv}.{end}"] for end in ("weight", "bias")}
    for i in range(sum(name.endswith("fc1.weight") for name in state)):
        there, here = f"encoder/layer_{i}", f"layers.{i}"
        query, key, value = (state[f"{here}.self_attn.{p}_proj.weight"] for p in "qkv")
        biases = state[f"{here}.self_attn.q_proj.bias"], state[f"{here}.self_attn.v_proj.bias"]
        found[f"{there}/self_attention/linear_0/weight"] = np.concatenate([query, key, value])
        found[f"{there}/self_attention/linear_0/bias"] = np.concatenate([biases[0], 0 * biases[0], biases[1]])
        for theirs, ours in (("self_attention/linear_1", "self_attn.out_proj"), ("ffn/linear_0", "fc1")):
            found |= {f"{there}/{theirs}/{end}": state[f"{here}.{ours}.{end}"] for end in ("weight", "bias")}
        found |= {f"{there}/ffn/linear_1/{end}": state[f"{here}.fc2.{end}"] for end in ("weight", "bias")}
        for theirs, ours in (("self_attention", "self_attn_layer_norm"), ("ffn", "final_layer_norm")):
            found[f"{there}/{theirs}/layer_norm/gamma"] = state[f"{here}.{ours}.weight"]
            found[f"{there}/{theirs}/layer_norm/beta"] = state[f"{here}.{ours}.bias"]
    return found

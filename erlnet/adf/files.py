"""Weights on disk: safetensors, with the data's widths in the header; everything else comes from the components."""

import json
from pathlib import Path
from typing import TypeVar, cast

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from erlnet.adf.codec import MotionCodec
from erlnet.adf.mapper import Mapper
from erlnet.adf.settings import MotionSettings
from erlnet.adf.train_mapper import build_mapper
from erlnet.errors import UserError
from erlnet.interfaces import Quantizer, Style, Vq

M = TypeVar("M", bound=nn.Module)


def save_module(path: Path, module: MotionCodec | Mapper) -> None:
    """Every parameter and buffer of a codec or mapper, and its `widths`."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    save_file(tensors, path, metadata={"widths": json.dumps(module.widths)})


def load_codec(path: Path, vq: Vq, quantizer: Quantizer) -> MotionCodec:
    """The codec saved at `path`, frozen and in eval mode; UserError where it was made by other components."""
    widths = _widths(path)
    return _filled(path, cast(MotionCodec, vq.build(widths["expression_width"], widths["pose_width"], quantizer)))


def load_mapper(path: Path, codec: MotionCodec, style: Style, settings: MotionSettings) -> Mapper:
    """The mapper saved at `path`, frozen and in eval mode; UserError where it was trained on another codec."""
    mapper = _filled(path, build_mapper(_widths(path)["feature_width"], codec, style, settings))
    try:
        mapper.check_codec(codec)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return mapper


def _widths(path: Path) -> dict[str, int]:
    try:
        with safe_open(path, "pt") as file:
            return json.loads(file.metadata()["widths"])
    except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
        raise UserError(f"{path} holds no weights of this stage ({error}); train it again") from None


def _filled(path: Path, module: M) -> M:
    try:
        module.load_state_dict(load_file(path))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise UserError(f"{path} was trained with other components or sizes ({reason}); train it again") from None
    return module.eval().requires_grad_(False)

"""Inference: sound features and a style clip -> both motion streams."""

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.adf.attention import CHUNK
from erlnet.adf.codec import MotionCodec
from erlnet.adf.mapper import Mapper
from erlnet.adf.noise import NoiseSource
from erlnet.adf.training import few_threads
from erlnet.errors import UserError


@torch.no_grad()
def generate(
    mapper: Mapper,
    codec: MotionCodec,
    features: Float[Tensor, "T A"],
    style_expression: Float[Tensor, "Te E"],
    style_pose: Float[Tensor, "Tp 6"],
    seed: int = 0,
) -> tuple[Float[Tensor, "T E"], Float[Tensor, "T 6"]]:
    """Motion for every row of `features`, in the streams' own units; any T >= 1, any style clip, in bounded memory.

    One of the motions that go with sound and style: another `seed` gives another, the same seed the same.

    Both modules must be in eval mode, as training and loading leave them. UserError where an input is empty, of a
    width that the modules were not trained on, or holds a value that is no number, and where the mapper was trained on
    another codec.
    """
    check_rows("sound features", features, mapper.feature_width)
    vector = style_vector(mapper, codec, style_expression, style_pose)
    chance = NoiseSource(seed).take(len(features))[None]
    with few_threads(min(len(features), CHUNK), mapper.inference_parameters(codec)):
        expression, pose = mapper.motion(codec, mapper.latents(mapper(features[None], vector, chance)))
    return expression[0], pose[0]


@torch.no_grad()
def style_vector(
    mapper: Mapper, codec: MotionCodec, expression: Float[Tensor, "Te E"], pose: Float[Tensor, "Tp 6"]
) -> Float[Tensor, "1 S"]:
    """What the mapper knows of a style clip, or of one for each stream: expression and pose may come from two clips.

    Where their lengths differ, the first frames that both have are read: a style has no timing, and repeating or
    holding the shorter one would show jumps, or a stillness, that nobody performed. Errors as for `generate`.
    """
    mapper.check_codec(codec)
    check_rows("expression of the style clip", expression, codec.widths["expression_width"])
    check_rows("pose of the style clip", pose, codec.widths["pose_width"])
    both = min(len(expression), len(pose))
    motion = codec.standardise(expression[:both], pose[:both])[None]
    return mapper.style(motion, torch.ones(motion.shape[:2], dtype=torch.bool, device=motion.device))


def check_rows(what: str, rows: Tensor, width: int) -> None:
    """UserError where `rows` are not (T >= 1, width), or one holds a value that is no number."""
    if rows.ndim != 2 or not len(rows) or rows.shape[1] != width:
        raise UserError(f"{what}: shape {tuple(rows.shape)}, expected (T >= 1, {width}) as in training")
    if not torch.isfinite(rows).all():
        frame = int((~torch.isfinite(rows)).any(1).int().argmax())
        raise UserError(f"{what}: frame {frame} has a value that is no number")

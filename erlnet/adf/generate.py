"""Inference: sound features and a style clip -> both motion streams."""

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.adf.codec import MotionCodec
from erlnet.adf.mapper import Mapper
from erlnet.errors import UserError


@torch.no_grad()
def generate(
    mapper: Mapper,
    codec: MotionCodec,
    features: Float[Tensor, "T A"],
    style_expression: Float[Tensor, "Ts E"],
    style_pose: Float[Tensor, "Ts 6"],
) -> tuple[Float[Tensor, "T E"], Float[Tensor, "T 6"]]:
    """Motion for every row of `features`, in the streams' own units; any T >= 1, any Ts >= 1, in bounded memory.

    Both modules must be in eval mode, as training and loading leave them. UserError where an input is empty, of a
    width that the modules were not trained on, or holds a value that is no number.
    """
    _check("sound features", features, mapper.feature_width)
    _check("expression of the style clip", style_expression, codec.widths["expression_width"])
    _check("pose of the style clip", style_pose, codec.widths["pose_width"])
    if len(style_expression) != len(style_pose):
        raise UserError(f"style clip: {len(style_expression)} frames of expression, {len(style_pose)} of pose")
    logits = mapper(features[None], style_vector(mapper, codec, style_expression, style_pose))
    expression, pose = codec.decode_latents(mapper.expected_latents(logits))
    return expression[0], pose[0]


@torch.no_grad()
def style_vector(
    mapper: Mapper, codec: MotionCodec, expression: Float[Tensor, "T E"], pose: Float[Tensor, "T 6"]
) -> Float[Tensor, "1 S"]:
    """What the mapper knows of a style clip."""
    motion = codec.standardise(expression, pose)[None]
    return mapper.style(motion, torch.ones(motion.shape[:2], dtype=torch.bool, device=motion.device))


def _check(what: str, rows: Tensor, width: int) -> None:
    if rows.ndim != 2 or not len(rows) or rows.shape[1] != width:
        raise UserError(f"{what}: shape {tuple(rows.shape)}, expected (T >= 1, {width}) as in training")
    if not torch.isfinite(rows).all():
        frame = int((~torch.isfinite(rows)).any(1).int().argmax())
        raise UserError(f"{what}: frame {frame} has a value that is no number")

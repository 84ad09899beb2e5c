"""Are these frames fit to be scored? A look at them first, so that a wrong range does not pass for a low score."""

import numpy as np
import torch
from jaxtyping import Num
from torch import Tensor

from erlnet.errors import UserError

Frames = Num[np.ndarray, "..."] | Num[Tensor, "..."]

_ROUNDING = 1e-3  # of the range by which floats may stick out of it: networks and resampling overshoot by less
_BGR_FACTOR = 0.5  # exchanging red and blue has to halve the squared error before frames are suspected
_BGR_LEAST = 0.02  # of the range: a root mean squared error below it is no matter of channels
_BGR_STEP = 4  # px; colours are compared on every fourth row and column


def check_frames(
    reference: Frames, rendered: Frames, *, clip: str, first: int = 0, data_range: float = 255.0
) -> list[str]:
    """Raises UserError, one line with clip and frame, where frames cannot be scored; gives warnings in words otherwise.

    Both sides are (N,3,H,W) RGB in [0, data_range]; `first` is the number of the batch's first frame in its clip.
    Refused: another shape, no frames, sides that differ in number or size, NaN or infinite values, values out of the
    range, integers with a range other than 255, and bytes that hold only 0 and 1 while the other side holds more.
    A warning is given where the render looks as if red and blue were exchanged.
    """
    sides = {"reference": _tensor(reference), "render": _tensor(rendered)}
    for side, frames in sides.items():
        _check_shape(frames, f"clip '{clip}', {side}")
    true, made = sides.values()
    if len(true) != len(made):
        raise UserError(f"clip '{clip}': {len(true)} reference frames, {len(made)} rendered; give as many of both")
    if true.shape != made.shape:
        raise UserError(
            f"clip '{clip}': the reference is {_size(true)}, the render {_size(made)}; resize one to the other"
        )
    for side, frames in sides.items():
        _check_values(frames, clip, side, first, data_range)
    for side, frames, other in (("reference", true, made), ("render", made, true)):
        if _is_integer(frames) and frames.max() == 1 and other.max() > 1:
            raise UserError(
                f"clip '{clip}', frame {first}, {side}: integers of 0 and 1 only, while the other side goes to"
                f" {other.max().item():g}; multiply floats of [0, 1] by 255 before they become bytes"
            )
    return _looks_like_bgr(true, made, clip, data_range)


def _tensor(frames: Frames) -> Tensor:
    """As a tensor on the frames' own device; integers wider than a byte as int64, which torch can compare."""
    if isinstance(frames, np.ndarray):
        if frames.dtype.kind in "iu" and frames.dtype != np.uint8:
            frames = frames.astype(np.int64)
        elif not (frames.flags.writeable and frames.flags.c_contiguous):
            frames = frames.copy()  # torch takes neither reversed axes nor arrays that must not be written
        return torch.from_numpy(frames)
    return frames if frames.is_floating_point() or frames.dtype in (torch.uint8, torch.bool) else frames.long()


def _check_shape(frames: Tensor, where: str) -> None:
    if frames.ndim != 4 or frames.shape[1] != 3:
        channels_last = frames.ndim == 4 and frames.shape[-1] == 3
        hint = "move the channels to the front" if channels_last else "give (N,3,H,W) RGB"
        raise UserError(f"{where}: frames of shape {tuple(frames.shape)}; {hint}")
    if not frames.numel():
        raise UserError(f"{where}: no frames, shape {tuple(frames.shape)}; leave the clip out or give at least one")


def _check_values(frames: Tensor, clip: str, side: str, first: int, data_range: float) -> None:
    def where(bad: Tensor) -> str:
        return f"clip '{clip}', frame {first + int(bad.flatten(1).any(dim=1).nonzero()[0, 0])}, {side}"

    if frames.dtype == torch.bool:
        raise UserError(f"clip '{clip}', {side}: frames of true and false; give bytes or floats")
    if _is_integer(frames):
        if data_range != 255:
            raise UserError(
                f"clip '{clip}', {side}: integers with a range of {data_range:g}; give the range 255 or floats"
            )
        slack = 0.0
    else:
        known = torch.isfinite(frames)
        if not known.all():
            raise UserError(
                f"{where(~known)}: NaN or infinite values; render it again or leave out the frame on both sides"
            )
        slack = _ROUNDING * data_range
    low, high = frames.min().item(), frames.max().item()
    if low < -slack or high > data_range + slack:
        bad = (frames < -slack) | (frames > data_range + slack)
        raise UserError(
            f"{where(bad)}: values from {low:g} to {high:g}, the range is 0 to {data_range:g};"
            " rescale them or state the range that they have"
        )


def _looks_like_bgr(reference: Tensor, rendered: Tensor, clip: str, data_range: float) -> list[str]:
    a, b = (frames[..., ::_BGR_STEP, ::_BGR_STEP].double() for frames in (reference, rendered))
    as_given, exchanged = (float((a - x).square().mean()) for x in (b, b.flip(1)))
    if exchanged >= _BGR_FACTOR * as_given or as_given < (_BGR_LEAST * data_range) ** 2:
        return []
    return [
        f"clip '{clip}': with red and blue exchanged the render's squared error falls to"
        f" {exchanged / as_given:.0%}; is one side BGR?"
    ]


def _is_integer(frames: Tensor) -> bool:
    return not frames.is_floating_point()


def _size(frames: Tensor) -> str:
    return f"{frames.shape[3]} x {frames.shape[2]} px"

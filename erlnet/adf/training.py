"""What both trainings of this room share: seeding, windows out of clips of any length, the optimisation loop."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from erlnet.errors import UserError
from erlnet.repeatable import fixed_order

WARM_UP = 0.05  # share of the steps over which the learning rate rises; it then falls as a cosine
CLIP_NORM = 1.0


SMALL = 3e8  # frames of a step times parameters


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Random numbers follow from `seed` inside; outside nothing changes."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


@contextmanager
def few_threads(frames: int, parameters: int) -> Iterator[None]:
    """One thread inside where a step is too small to share out, whatever torch is set to; as before outside.

    Two threads gain nothing on the default sizes, and cost ten times as long where another process has the core:
    each of a step's thousand small operations then waits for the thread that does not run.
    """
    before = torch.get_num_threads()
    if frames * parameters < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def optimise(
    groups: Sequence[Sequence[nn.Parameter]],
    lr: float,
    steps: int,
    loss_at: Callable[[int], Float[Tensor, ""]],
    report: Callable[[int, float], None],
    weight_decay: float = 0.01,
) -> float:
    """AdamW for `steps` steps on `loss_at(step)`; the mean loss of the last tenth. UserError where it diverges.

    Each group's gradient is clipped apart, so that no group's size changes what another learns.
    """
    parameters = [parameter for group in groups for parameter in group]
    optimiser = torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / steps))
    last = []
    for step in range(steps):
        loss = loss_at(step)
        optimiser.zero_grad(set_to_none=True)
        with fixed_order():
            loss.backward()
        for group in groups:
            nn.utils.clip_grad_norm_(group, CLIP_NORM)
        optimiser.step()
        schedule.step()
        value = loss.item()
        if not math.isfinite(value):
            raise UserError(f"training diverged at step {step + 1} of {steps} (loss {value}); lower lr={lr:g}")
        if step >= steps * 9 // 10:
            last.append(value)
        report(step + 1, value)
    return sum(last) / max(len(last), 1)


def _rate(done: float) -> float:
    return (done + 1e-3) / WARM_UP if done < WARM_UP else 0.5 + 0.5 * math.cos(math.pi * done)


@dataclass(frozen=True)
class Windows:
    """Windows drawn from clips laid end to end; every frame of every clip is as likely to lie at a window's centre."""

    starts: Int64[Tensor, " N"]  # of each clip in the concatenation
    lengths: Int64[Tensor, " N"]
    window: int

    @classmethod
    def of(cls, clips: Sequence[Tensor], window: int) -> "Windows":
        """A window is never longer than the longest clip."""
        lengths = torch.tensor([len(clip) for clip in clips])
        return cls(lengths.cumsum(0) - lengths, lengths, min(window, int(lengths.max())))

    def draw(self, batch: int) -> tuple[Int64[Tensor, " B"], Int64[Tensor, "B T"]]:
        """(the clip of each window, its frames in the concatenation); a shorter clip holds its last frame."""
        centre = torch.randint(int(self.lengths.sum()), (batch,))
        clip = torch.searchsorted(self.starts, centre, right=True) - 1
        length = self.lengths[clip]
        offset = centre - self.starts[clip] - self.window // 2
        offset = offset.clamp(min=0).minimum((length - self.window).clamp(min=0))
        frames = (offset[:, None] + torch.arange(self.window)).minimum(length[:, None] - 1)
        return clip, self.starts[clip][:, None] + frames


def check_clips(what: str, clips: Sequence[Tensor], width: int | None = None) -> None:
    """UserError where there is no clip, an empty one, one of another width, or a value that is no number."""
    if not clips:
        raise UserError(f"{what}: no training clips; give at least one")
    width = clips[0].shape[-1] if width is None else width
    for index, clip in enumerate(clips):
        if clip.ndim != 2 or not len(clip) or clip.shape[1] != width:
            raise UserError(f"{what} of training clip {index}: shape {tuple(clip.shape)}, expected (T >= 1, {width})")
        if not torch.isfinite(clip).all():
            frame = int((~torch.isfinite(clip)).any(1).int().argmax())
            raise UserError(
                f"{what} of training clip {index}: frame {frame} has a value that is no number; track it again"
            )

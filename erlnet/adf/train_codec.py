"""Stage `codec`: coefficient streams -> a trained motion codec and what it reached."""

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.adf.codebook import bits_per_second, perplexity, usage
from erlnet.adf.codec import MotionCodec, StreamCodec
from erlnet.adf.settings import CodecSettings
from erlnet.adf.training import Windows, check_clips, few_threads, optimise, seeded
from erlnet.interfaces import Progress, Quantizer, Vq

CONTINUOUS = 0.3  # share of the steps before codes come in: k-means of latents that mean something starts the codebook
START_FRAMES = 8192  # at most, for that k-means


def train_codec(
    expression: Sequence[Float[Tensor, "_ E"]],
    pose: Sequence[Float[Tensor, "_ 6"]],
    vq: Vq,
    quantizer: Quantizer,
    settings: CodecSettings,
    seed: int,
    progress: Progress,
) -> tuple[MotionCodec, dict[str, float]]:
    """One tensor a clip and stream, at 25 fps. The same seed gives the same bits on the same machine and threads.

    Metrics, on the training clips, for s in expression, pose: `s_error` (weighted RMS error in training sds, so 1 is
    what the mean pose scores), `s_usage`, `s_perplexity` (over one epoch); `bits_per_second`, `parameters`.
    UserError where a clip is empty, of another width, or holds a value that is no number.
    """
    check_clips("expression", expression)
    check_clips("pose", pose, 6)
    with seeded(seed):
        codec = cast(MotionCodec, vq.build(expression[0].shape[1], pose[0].shape[1], quantizer)).to(
            expression[0].device
        )
        clips = {"expression": expression, "pose": pose}
        total = settings.steps * len(codec.streams)
        for number, (name, stream) in enumerate(codec.streams.items()):
            done = number * settings.steps
            _train_stream(
                stream, clips[name], settings, lambda step, loss, d=done: progress.update(d + step, total, loss)
            )
    codec.eval().requires_grad_(False)
    metrics: dict[str, float] = {}
    for name, stream in codec.streams.items():
        metrics |= {f"{name}_{k}": v for k, v in codec_quality(stream, clips[name]).items()}
    metrics["bits_per_second"] = bits_per_second(codec.codebook_size, codec.tokens)
    metrics["parameters"] = sum(p.numel() for p in codec.parameters())
    return codec, metrics


def _train_stream(codec: StreamCodec, clips: Sequence[Float[Tensor, "_ C"]], settings: CodecSettings, report) -> None:
    codec.train()
    codec.scale.fit(clips)
    windows, frames = Windows.of(clips, settings.window), torch.cat(list(clips))
    first = int(settings.steps * CONTINUOUS)

    def loss_at(step: int) -> Float[Tensor, ""]:
        if step == first:
            _start_codebook(codec, clips)
        _, chosen = windows.draw(settings.batch)
        return codec.loss(_jitter(codec, frames[chosen.to(frames.device)], settings.jitter), quantise=step >= first)

    parameters = list(codec.parameters())
    with few_threads(settings.batch * windows.window, sum(p.numel() for p in parameters)):
        optimise(parameters, settings.lr, settings.steps, loss_at, report)


def _jitter(codec: StreamCodec, stream: Float[Tensor, "B T C"], amount: float) -> Float[Tensor, "B T C"]:
    """Scales each window by 1 +- `amount` and moves each of its channels by `amount` sd.

    So that a posture between or a little beyond those of a short training set finds codes too.
    """
    batch, _, width = stream.shape
    standard = codec.scale.standardise(stream)
    gain = 1 + amount * (2 * torch.rand(batch, 1, 1) - 1)
    return codec.scale.restore(standard * gain.to(stream) + amount * torch.randn(batch, 1, width).to(stream))


@torch.no_grad()
def _start_codebook(codec: StreamCodec, clips: Sequence[Float[Tensor, "_ C"]]) -> None:
    """Shows the quantizer latents of the whole training set once, for a codebook that starts from data."""
    latents = torch.cat([codec.latents(clip[None])[0] for clip in clips])
    codec.quantizer(latents[torch.randperm(len(latents))[:START_FRAMES].to(latents.device)][None])


@torch.no_grad()
def codec_quality(codec: StreamCodec, clips: Sequence[Float[Tensor, "_ C"]]) -> dict[str, float]:
    """`error` (weighted RMS, in training sds), `usage` and `perplexity` of the codes, over all frames of `clips`."""
    square, indices = 0.0, []
    for clip in clips:
        codes = codec.encode(clip[None])
        square += float(codec.scale.square_error(codec.decode(codes)[0], clip).sum())
        indices.append(codes.flatten())
    every = torch.cat(indices)
    return {
        "error": (square / len(every)) ** 0.5,
        "usage": usage(every, codec.quantizer.codebook_size),
        "perplexity": perplexity(every),
    }

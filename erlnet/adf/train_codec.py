"""Stage `codec`: coefficient streams -> a trained motion codec and what it reached."""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.adf.codebook import bits_per_second, perplexity, usage
from erlnet.adf.codec import MotionCodec
from erlnet.adf.part import Part
from erlnet.adf.scaling import StreamScale
from erlnet.adf.settings import CodecSettings
from erlnet.adf.stack import parameters_of
from erlnet.adf.training import Windows, check_clips, few_threads, optimise, seeded
from erlnet.errors import UserError
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

    The codec's parts are trained one after the other, `settings.steps` steps each. Metrics, on the training clips:
    - `expression_error`, `pose_error`: weighted RMS error in training sds, so 1 is what the mean pose scores;
    - `NAME_usage`, `NAME_perplexity`, over one epoch, and `NAME_restarts`, codes restarted in training where the
      quantizer counts them, for each codebook: `expression`, `pose`; or `joint_1`, `joint_2` of a joint codec;
    - `bits_per_second`, `parameters` (trained), `inference_parameters` (of the decoders).
    A codec without codes has `parameters` (0) alone: its scales are fitted and nothing is trained.
    UserError where a clip is empty, of another width, or holds a value that is no number.
    """
    check_clips("expression", expression)
    check_clips("pose", pose, 6)
    for index, clip in enumerate(zip(expression, pose, strict=True)):
        if len(clip[0]) != len(clip[1]):
            raise UserError(
                f"training clip {index}: {len(clip[0])} frames of expression, {len(clip[1])} of pose; make them equal"
            )
    with seeded(seed):
        codec = cast(MotionCodec, vq.build(expression[0].shape[1], pose[0].shape[1], quantizer))
        codec = codec.to(expression[0].device).train()
        for scale, clips in zip(codec.scales, (expression, pose)):
            scale.fit(clips)
        motion = [codec.inputs(codec.standardise(e, p)) for e, p in zip(expression, pose)]
        total = settings.steps * len(codec.parts)
        for number, part in enumerate(codec.parts):
            done, scales = number * settings.steps, [codec.scales[stream] for stream in part.streams]
            _train_part(
                part, scales, [clip[number] for clip in motion], settings,
                lambda step, loss, d=done: progress.update(d + step, total, loss),
            )  # fmt: skip
    codec.eval().requires_grad_(False)
    return codec, {"parameters": parameters_of(codec)} | (
        codec_quality(codec, expression, pose) if codec.tokens else {}
    )


def _train_part(
    part: Part,
    scales: Sequence[StreamScale],
    clips: Sequence[Float[Tensor, "_ C"]],
    settings: CodecSettings,
    report: Callable[[int, float], None],
) -> None:
    """`clips` are standardised. Loss: StreamScale.error, summed over streams, and commitment."""
    windows, frames = Windows.of(clips, settings.window), torch.cat(list(clips))
    first, widths = int(settings.steps * CONTINUOUS), [scale.width for scale in scales]

    def loss_at(step: int) -> Float[Tensor, ""]:
        if step == first:
            _start_codebooks(part, clips)
        _, chosen = windows.draw(settings.batch)
        truth = _jitter(frames[chosen.to(frames.device)], settings.jitter)
        latents = part.encoder(truth)
        commitment = latents.new_zeros(())
        if step >= first:
            latents, _, commitment = part.quantise(latents)
        pieces = zip(scales, part.decoder(latents).split(widths, dim=-1), truth.split(widths, dim=-1))
        return torch.stack([scale.error(made, true) for scale, made, true in pieces]).sum() + commitment

    parameters = list(part.parameters())
    with few_threads(settings.batch * windows.window, sum(p.numel() for p in parameters)):
        optimise([parameters], settings.lr, settings.steps, loss_at, report)


def _jitter(standard: Float[Tensor, "B T C"], amount: float) -> Float[Tensor, "B T C"]:
    """Scales each window by 1 +- `amount` and moves each of its channels by `amount` sd.

    So that a posture between or a little beyond those of a short training set finds codes too.
    """
    batch, _, width = standard.shape
    gain = 1 + amount * (2 * torch.rand(batch, 1, 1) - 1)
    return standard * gain.to(standard) + amount * torch.randn(batch, 1, width).to(standard)


@torch.no_grad()
def _start_codebooks(part: Part, clips: Sequence[Float[Tensor, "_ C"]]) -> None:
    """Shows the quantizers latents of the whole training set once, for codebooks that start from data."""
    latents = torch.cat([part.encoder(clip[None])[0] for clip in clips])
    part.quantise(latents[torch.randperm(len(latents))[:START_FRAMES].to(latents.device)][None])


@torch.no_grad()
def codec_quality(
    codec: MotionCodec, expression: Sequence[Float[Tensor, "_ E"]], pose: Sequence[Float[Tensor, "_ 6"]]
) -> dict[str, float]:
    """What `train_codec` measures, over all frames of any clips; the codec has codes."""
    squares, indices = [0.0, 0.0], []
    for clip in zip(expression, pose):
        codes = codec.encode(clip[0][None], clip[1][None])
        indices.append(codes[0])
        for number, (scale, made, truth) in enumerate(zip(codec.scales, codec.decode(codes), clip)):
            squares[number] += float(scale.square_error(made[0], truth).sum())
    every = torch.cat(indices)
    metrics = {f"{s}_error": (square / len(every)) ** 0.5 for s, square in zip(("expression", "pose"), squares)}
    books = [book for part in codec.parts for book in part.books]
    for name, book, codes in zip(codec.layout.names, books, every.unbind(-1), strict=True):
        metrics[f"{name}_usage"] = usage(codes, book.codebook_size)
        metrics[f"{name}_perplexity"] = perplexity(codes)
        restarted = getattr(book, "restarted", None)
        if restarted is not None:
            metrics[f"{name}_restarts"] = restarted
    metrics["bits_per_second"] = bits_per_second(codec.codebook_size, codec.tokens)
    metrics["inference_parameters"] = codec.inference_parameters
    return metrics

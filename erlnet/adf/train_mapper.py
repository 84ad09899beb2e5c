"""Stage `motion`: sound features and a style clip -> codes, through the frozen codec."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from erlnet.adf.codec import MotionCodec
from erlnet.adf.generate import style_vector
from erlnet.adf.mapper import Mapper, MapperShape
from erlnet.adf.settings import MotionSettings
from erlnet.adf.training import Windows, check_clips, few_threads, optimise, seeded
from erlnet.errors import UserError
from erlnet.interfaces import Progress, SpeechLoss, Style

STYLE_FRAMES = (50, 125)  # a training step shows 2 to 5 s of the style clip, so that its length tells nothing


@dataclass(frozen=True)
class TrainingClip:
    """One training clip at 25 fps; clips of the same speaker and style serve each other as style clips."""

    features: Float[Tensor, "T A"]
    expression: Float[Tensor, "T E"]
    pose: Float[Tensor, "T 6"]
    speaker: str
    style: str


def build_mapper(feature_width: int, codec: MotionCodec, style: Style, settings: MotionSettings) -> Mapper:
    """An untrained mapper to the codes of `codec`."""
    encoder = style.build(codec.width, settings.style_width)
    shape = MapperShape(
        settings.width, settings.layers, settings.heads, settings.reach, settings.dropout, settings.style_width
    )
    return Mapper(feature_width, encoder, codec.codebooks, shape)


def train_mapper(
    clips: Sequence[TrainingClip],
    codec: MotionCodec,
    style: Style,
    speech_loss: SpeechLoss,
    settings: MotionSettings,
    seed: int,
    progress: Progress,
) -> tuple[Mapper, dict[str, float]]:
    """The codec's weights do not change. The same seed gives the same bits on the same machine and threads.

    Metrics: `loss` (mean over the last tenth of the steps), `expression_error` and `pose_error` (weighted RMS on the
    training clips, in training sds), `code_accuracy`, `parameters`.
    UserError where a clip is empty, holds a value that is no number, or its streams differ in length.
    """
    check_clips("sound features", [clip.features for clip in clips])
    check_clips("expression", [clip.expression for clip in clips], codec.widths["expression_width"])
    check_clips("pose", [clip.pose for clip in clips], codec.widths["pose_width"])
    for index, clip in enumerate(clips):
        if not len(clip.features) == len(clip.expression) == len(clip.pose):
            lengths = len(clip.features), len(clip.expression), len(clip.pose)
            raise UserError(f"training clip {index}: sound, expression and pose have {lengths} frames; make them equal")
    codec.eval().requires_grad_(False)
    with seeded(seed):
        features = torch.cat([clip.features for clip in clips])
        mapper = build_mapper(features.shape[1], codec, style, settings).to(features.device)
        mapper.fit_features(features)
        loss = optimise_mapper(mapper, clips, codec, speech_loss, settings, progress)
    mapper.eval().requires_grad_(False)
    metrics = {"loss": loss, **_training_quality(mapper, clips, codec)}
    metrics["parameters"] = sum(p.numel() for p in mapper.parameters())
    return mapper, metrics


def optimise_mapper(
    mapper: Mapper,
    clips: Sequence[TrainingClip],
    codec: MotionCodec,
    speech_loss: SpeechLoss,
    settings: MotionSettings,
    progress: Progress,
) -> float:
    """Trains `mapper` in place; the mean loss of the last tenth of the steps.

    Loss: error of the decoded expected code (StreamScale.error, mean of the streams), cross-entropy of the codes, and
    what the slot `speech_loss` adds: a module (generated motion (B,T,M) in training sds, sound (B,T,A)) -> ().
    """
    features = torch.cat([clip.features for clip in clips])
    expression, pose = torch.cat([clip.expression for clip in clips]), torch.cat([clip.pose for clip in clips])
    with torch.no_grad():
        codes = torch.cat([codec.encode(clip.expression[None], clip.pose[None])[0] for clip in clips])
        styles = StyleClips.of(clips, codec)
    windows = Windows.of([clip.features for clip in clips], settings.window)
    sync = speech_loss.build(codec.width, features.shape[1])
    parameters = list(mapper.parameters())
    if sync is not None:
        parameters += list(sync.to(features.device).parameters())

    def loss_at(step: int) -> Float[Tensor, ""]:
        chosen, frames = windows.draw(settings.batch)
        frames = frames.to(features.device)
        sound = features[frames]
        logits = mapper(sound, mapper.style(*styles.draw(chosen)))
        generated = codec.decode_latents(mapper.expected_latents(logits))
        errors = [
            scale.error(scale.standardise(made), scale.standardise(truth[frames]))
            for scale, made, truth in zip(codec.scales, generated, (expression, pose), strict=True)
        ]
        cross_entropy = F.cross_entropy(
            logits.flatten(0, 2), codes[frames].flatten(), label_smoothing=settings.label_smoothing
        )
        loss = torch.stack(errors).mean() + settings.code_weight * cross_entropy
        return loss if sync is None else loss + sync(codec.standardise(*generated), sound)

    def report(step: int, loss: float) -> None:
        progress.update(step, settings.steps, loss)

    mapper.train()
    with few_threads(settings.batch * windows.window, sum(p.numel() for p in parameters)):
        return optimise(parameters, settings.lr, settings.steps, loss_at, report, settings.weight_decay)


@dataclass(frozen=True)
class StyleClips:
    """Draws a style clip for each training window: another clip of the same speaker and style where there is one."""

    motion: tuple[Float[Tensor, "T M"], ...]  # standardised
    partners: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, clips: Sequence[TrainingClip], codec: MotionCodec) -> "StyleClips":
        partners = []
        for index, clip in enumerate(clips):
            alike = [i for i, c in enumerate(clips) if (c.speaker, c.style) == (clip.speaker, clip.style)]
            partners.append(tuple(i for i in alike if i != index) or (index,))
        return cls(tuple(codec.standardise(c.expression, c.pose) for c in clips), tuple(partners))

    def draw(self, clips: Int64[Tensor, " B"]) -> tuple[Float[Tensor, "B T M"], Bool[Tensor, "B T"]]:
        """(stretches of 2 to 5 s, which of their frames there are), one for each clip index."""
        length = int(torch.randint(STYLE_FRAMES[0], STYLE_FRAMES[1] + 1, ()))
        stretches = []
        for index in clips.tolist():
            partners = self.partners[index]
            motion = self.motion[partners[int(torch.randint(len(partners), ()))]]
            start = int(torch.randint(max(len(motion) - length, 0) + 1, ()))
            stretches.append(motion[start : start + length])
        padded = nn.utils.rnn.pad_sequence(stretches, batch_first=True)
        lengths = torch.tensor([len(s) for s in stretches], device=padded.device)
        return padded, torch.arange(padded.shape[1], device=padded.device) < lengths[:, None]


@torch.no_grad()
def _training_quality(mapper: Mapper, clips: Sequence[TrainingClip], codec: MotionCodec) -> dict[str, float]:
    """Errors and code accuracy on the training clips, each styled by the first clip of its speaker and style."""
    squares, hits, frames = [0.0, 0.0], 0.0, 0
    for clip in clips:
        first = next(c for c in clips if (c.speaker, c.style) == (clip.speaker, clip.style))
        vector = style_vector(mapper, codec, first.expression, first.pose)
        logits = mapper(clip.features[None], vector)
        codes = codec.encode(clip.expression[None], clip.pose[None])
        generated = codec.decode_latents(mapper.expected_latents(logits))
        hits += float((logits.argmax(-1) == codes).float().mean()) * len(clip.features)
        frames += len(clip.features)
        for number, (scale, made, truth) in enumerate(zip(codec.scales, generated, (clip.expression, clip.pose))):
            squares[number] += float(scale.square_error(made[0], truth).sum())
    expression, pose = ((square / frames) ** 0.5 for square in squares)
    return {"expression_error": expression, "pose_error": pose, "code_accuracy": hits / frames}

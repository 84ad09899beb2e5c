"""Stage `motion`: sound features and a style clip -> codes, through the frozen codec."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from erlnet.adf.branch import MapperShape
from erlnet.adf.codec import MotionCodec
from erlnet.adf.energy import energy_score
from erlnet.adf.generate import style_vector
from erlnet.adf.mapper import Mapper
from erlnet.adf.noise import NoiseSource, noise_windows
from erlnet.adf.settings import MotionSettings
from erlnet.adf.stack import parameters_of
from erlnet.adf.training import Windows, check_clips, few_threads, optimise, seeded
from erlnet.errors import UserError
from erlnet.interfaces import Progress, SpeechLoss, Style

MINUTE = 1500  # frames
UNITS, JAW = 0, 1  # groups of the expression stream that sound has a say in; lids are left to chance
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
    """An untrained mapper to the codes of `codec`, or to latents where it has none."""
    encoder = style.build(codec.widths["expression_width"], codec.widths["pose_width"], settings.style_width)
    shape = MapperShape(
        settings.width, settings.layers, settings.heads, settings.reach, settings.lookahead, settings.dropout,
        settings.style_width,
    )  # fmt: skip
    return Mapper(feature_width, encoder, codec, shape)


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
    training clips, in training sds, of one generated motion each: the head's is one of many), `code_accuracy` where
    there are codes, `parameters` (trained, those of the speech loss apart), `speech_loss_parameters`,
    `inference_parameters` (mapper, style encoder and decoders).
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
        # Drawn apart: a speech loss of no weight leaves the mapper bit for bit as without one.
        with torch.random.fork_rng():
            sync = speech_loss.build(codec.width, features.shape[1])
        loss = optimise_mapper(mapper, clips, codec, sync, settings, progress)
    mapper.eval().requires_grad_(False)
    metrics = {"loss": loss, **_training_quality(mapper, clips, codec)}
    metrics["parameters"] = parameters_of(mapper)
    metrics["speech_loss_parameters"] = 0 if sync is None else parameters_of(sync)
    metrics["inference_parameters"] = mapper.inference_parameters(codec)
    return mapper, metrics


def optimise_mapper(
    mapper: Mapper,
    clips: Sequence[TrainingClip],
    codec: MotionCodec,
    sync: nn.Module | None,
    settings: MotionSettings,
    progress: Progress,
) -> float:
    """Trains `mapper` in place; the mean loss of the last tenth of the steps.

    Loss: error of the decoded units and jaw (StreamScale.error, of the mean of two motions: what the sound decides),
    energy score of both streams (erlnet.adf.energy: what it leaves open), cross-entropy of the codes that carry
    expression, and what the slot `speech_loss` adds: `sync`, a module (generated motion, true motion, both (B,T,M) and
    in training sds, sound (B,T,A)) -> (), trained along; its gradients are clipped apart from the mapper's.
    """
    features = torch.cat([clip.features for clip in clips])
    with torch.no_grad():
        motion = torch.cat([codec.standardise(clip.expression, clip.pose) for clip in clips])
        styles = StyleClips.of(clips, codec)
        codes = _codes_of(clips, codec) if codec.tokens else None
    decided = codec.expression_scale.only(UNITS, JAW)
    windows = Windows.of([clip.features for clip in clips], settings.window)
    # The less there is to learn from, the more has to be held back.
    decay = settings.weight_decay * min(1.0, MINUTE / len(features))
    groups = [list(mapper.parameters())]
    if sync is not None:
        groups.append(list(sync.to(features.device).train().parameters()))

    def loss_at(step: int) -> Float[Tensor, ""]:
        chosen, frames = windows.draw(settings.batch)
        frames = frames.to(features.device)
        sound, truth = features[frames], motion[frames]
        style, chance = mapper.style(*styles.draw(chosen)), noise_windows(2 * len(sound), sound.shape[1])
        # Two motions of the same sound and style, for the energy score.
        place = mapper.places(mapper.heard(sound).repeat(2, 1, 1), style.repeat(2, 1), chance.to(sound))
        one, other = codec.standardise(*mapper.motion(codec, mapper.latents(place))).chunk(2)
        (one_face, one_head), (other_face, other_head) = codec.split(one), codec.split(other)
        true_face, true_head = codec.split(truth)
        face, head = codec.scales
        loss = face.error((one_face + other_face) / 2, true_face, decided)
        loss = loss + settings.face_energy * energy_score(face, one_face, other_face, true_face)
        loss = loss + settings.head_energy * energy_score(head, one_head, other_head, true_head)
        if mapper.head is not None and codes is not None:
            said = slice(1) if len(mapper.reads) > 1 else slice(None)  # not those that say nothing but head pose
            logits = mapper.head.logits(place.chunk(2)[0])[..., said, :].flatten(0, 2)
            wanted = codes[frames][..., said].flatten()
            cross_entropy = F.cross_entropy(logits, wanted, label_smoothing=settings.label_smoothing)
            loss = loss + settings.code_weight * cross_entropy
        return loss if sync is None else loss + sync(one, truth, sound)

    def report(step: int, loss: float) -> None:
        progress.update(step, settings.steps, loss)

    mapper.train()
    with few_threads(settings.batch * windows.window, sum(p.numel() for group in groups for p in group)):
        return optimise(groups, settings.lr, settings.steps, loss_at, report, decay)


def _codes_of(clips: Sequence[TrainingClip], codec: MotionCodec) -> Int64[Tensor, "N K"]:
    return torch.cat([codec.encode(clip.expression[None], clip.pose[None])[0] for clip in clips])


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
        chance = NoiseSource(0).take(len(clip.features))[None]
        place = mapper(clip.features[None], style_vector(mapper, codec, first.expression, first.pose), chance)
        if mapper.head is not None:
            codes = codec.encode(clip.expression[None], clip.pose[None])
            hits += float((mapper.head.logits(place).argmax(-1) == codes).float().mean()) * len(clip.features)
        frames += len(clip.features)
        generated = mapper.motion(codec, mapper.latents(place))
        for number, (scale, made, truth) in enumerate(zip(codec.scales, generated, (clip.expression, clip.pose))):
            squares[number] += float(scale.square_error(made[0], truth).sum())
    expression, pose = ((square / frames) ** 0.5 for square in squares)
    errors = {"expression_error": expression, "pose_error": pose}
    return errors if mapper.head is None else errors | {"code_accuracy": hits / frames}

"""A critic that tells which sound goes with a motion, and draws generated motion to its own sound.

After SyncNet (Chung and Zisserman 2016), as Wav2Lip uses it: what in-step motion looks like is learned from true motion
alone, and the generator learns from the critic's opinion without being able to change it. The two are trained along:
what the critic knows so far decides how much it has to say.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from erlnet.errors import UserError


@dataclass(frozen=True)
class ContrastiveShape:
    window: int  # frames of motion, and of sound, that are compared
    width: int
    temperature: float  # that training starts from
    gap: int  # frames at least between a window and its negatives of the same clip

    def __post_init__(self) -> None:
        if min(self.window, self.width, self.gap) < 1 or self.temperature <= 0:
            raise UserError("speech_loss: window, width and negatives_gap are at least 1, temperature is above 0")


class Critic(nn.Module):
    """Windows of motion and of sound -> directions of one space, near for what belongs together."""

    def __init__(self, motion_width: int, audio_width: int, shape: ContrastiveShape):
        super().__init__()
        self.motion = _encoder(motion_width, shape)
        # Sound features come in any unit; they are standardised by each batch.
        standardise = nn.BatchNorm1d(audio_width, affine=False, track_running_stats=False)
        self.sound = nn.Sequential(standardise, _encoder(audio_width, shape))
        self.log_temperature = nn.Parameter(torch.tensor(math.log(shape.temperature)))

    def forward(self, motion: Float[Tensor, "B T M"], sound: Float[Tensor, "B T A"]) -> Float[Tensor, "N N"]:
        """(motion window, sound window): cosine over temperature; N = B (T - window + 1), clip by clip."""
        directions = [
            F.normalize(encoder(x.transpose(1, 2)).transpose(1, 2).flatten(0, 1), dim=-1)
            for encoder, x in ((self.motion, motion), (self.sound, sound))
        ]
        return directions[0] @ directions[1].T / self.log_temperature.exp().clamp_min(0.01)


class ContrastiveLoss(nn.Module):
    """InfoNCE both ways (sound among windows of motion, motion among windows of sound), twice:

    - on true motion, which trains the critic;
    - on generated motion, through the critic as it stands, times `weight` and the critic's trust: how far its own loss
      lies below that of guessing, in [0,1]. At the start that is 0, so noise teaches nothing.

    Negatives of a window are all windows of the batch, those of its own clip above all, except where the sound is the
    same or at most gap - 1 frames from it: those are no negatives, also where two windows of a batch overlap.
    """

    def __init__(self, motion_width: int, audio_width: int, shape: ContrastiveShape, weight: float):
        super().__init__()
        self.shape, self.weight = shape, weight
        self.critic = Critic(motion_width, audio_width, shape)

    def forward(
        self,
        generated: Float[Tensor, "B T M"],
        truth: Float[Tensor, "B T M"],
        sound: Float[Tensor, "B T A"],
    ) -> Float[Tensor, ""]:
        """UserError where T is too short for a window and one negative of the same clip."""
        least = self.shape.window + self.shape.gap
        if sound.shape[1] < least:
            raise UserError(
                f"speech_loss=contrastive compares windows of {self.shape.window} frames, {self.shape.gap} apart: a "
                f"training window of {sound.shape[1]} frames is too short; give motion.window={least} or more, "
                "longer clips, or speech_loss=none"
            )
        possible = candidates(sound, self.shape.window, self.shape.gap)
        own = info_nce(self.critic(truth, sound), possible)
        guessing = possible.sum(1).double().log().mean()
        trust = (1 - own.detach() / guessing.clamp_min(1e-6)).clamp(0, 1).to(own)
        frozen = {name: tensor.detach() for name, tensor in self.critic.state_dict(keep_vars=True).items()}
        matched = info_nce(functional_call(self.critic, frozen, (generated, sound)), possible)
        return own + self.weight * trust * matched


def info_nce(scores: Float[Tensor, "N N"], possible: Bool[Tensor, "N N"]) -> Float[Tensor, ""]:
    """Cross-entropy of the diagonal among the `possible` entries of its row and, averaged, of its column."""
    masked = scores.masked_fill(~possible, -math.inf)
    target = torch.arange(len(scores), device=scores.device)
    return (F.cross_entropy(masked, target) + F.cross_entropy(masked.T, target)) / 2


def candidates(sound: Float[Tensor, "B T A"], window: int, gap: int) -> Bool[Tensor, "N N"]:
    """(N,N), N = B (T - window + 1): itself, and every window whose sound is other and not within gap - 1 frames.

    Two frames are the same where their features are equal, bit for bit: the same moment drawn twice, or silence.
    """
    batch, length, _ = sound.shape
    moment = sound.flatten(0, 1).unique(dim=0, return_inverse=True)[1].view(batch, length)
    centre = moment[:, window // 2 : length - window + 1 + window // 2]  # of each window
    count = centre.shape[1]
    same = (centre.reshape(-1, 1, 1) == centre).float()  # (N, B, count)
    near = F.max_pool1d(same, 2 * gap - 1, stride=1, padding=gap - 1).flatten(1) > 0
    near = near | near.T
    itself = torch.eye(batch * count, dtype=torch.bool, device=sound.device)
    return ~near | itself


def _encoder(width_in: int, shape: ContrastiveShape) -> nn.Sequential:
    """(B,C,T) -> (B,width,T - window + 1): one layer over whole windows, then a perceptron at each."""
    return nn.Sequential(
        nn.Conv1d(width_in, shape.width, shape.window),
        nn.GELU(),
        nn.Conv1d(shape.width, shape.width, 1),
        nn.GELU(),
        nn.Conv1d(shape.width, shape.width, 1),
    )

"""What is believed of a face before it is seen, as standard deviations.

A unit's own spread keeps what the landmarks cannot tell near its mean; the spread of its second difference is the
smoothness. Both are weighed against the landmarks' measured noise, so nothing is smoothed that is seen clearly: speech
moves the lips by .1 to .3 of a unit a frame, and a well-seen mouth passes untouched.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.data.tracking.basis import LandmarkBasis
from erlnet.data.tracking.projection import POSE
from erlnet.head.mediapipe68 import MEDIAPIPE_PLACES

_MEASURED_MM = ((17, 2.5), (10, 1.2), (9, 1.3), (12, 0.7), (12, 0.8), (8, 0.15))
"""(points, mm): how far each group of the 68 points is found from its usual place on the shipped head, from person to
person. But lips that touch do so for every detector and every model: what more they show would pass as speech.
"""
_UNKNOWN_MM = ((17, 3.0), (10, 3.0), (9, 1.0), (12, 0.5), (12, 0.5), (8, 0.15))
"""The same on a head where nobody has looked: a jaw line or a brow is wherever the annotators put it."""


@dataclass(frozen=True)
class Spreads:
    """Standard deviations, for each frame's unknowns and for the person."""

    expression: float = 0.5  # of a bounded unit about 0, where nothing better is known
    expression_component: float = 1.0  # of an unbounded component
    expression_reach: float = 0.006  # m: and no more than moves a landmark so far
    expression_guessed: float = 0.15  # about a guess that comes with the observation (blendshape scores)
    lids: float = 0.5
    lids_guessed: float = 0.25
    jaw: tuple[float, float, float] = (0.3, 0.03, 0.03)  # rad: open, then sideways and roll
    rotation: float = 3.0  # rad about the clip's middle pose
    translation: float = 30.0  # m: next to nothing, for it counts once a frame
    neck_shift: float = 0.02  # m, of the head on the neck where the torso's place is known
    expression_step2: float = 0.08  # second difference a frame^2
    lids_step2: float = 0.5  # a blink shuts in two frames
    jaw_step2: float = 0.08  # rad
    rotation_step2: float = 0.006  # rad: a brisk nod reaches this, detector noise a multiple
    translation_step2: float = 0.0015  # m
    shape: float = 0.5  # a slider's ends are caricatures of people
    focal: float = 0.3  # natural log; a face's perspective tells it poorly, and a misfit in depth mimics it

    def for_person(self, share: float) -> "Spreads":
        """With beliefs about the person as they are held against many frames (`held_against`)."""
        return replace(self, shape=share * self.shape, focal=share * self.focal)


INDEPENDENT = 8  # frames of a clip whose errors have nothing to do with one another, about


def held_against(n_frames: int) -> float:
    """What a spread is to be multiplied with where it is held against frames of which few are independent."""
    return min(1.0, (INDEPENDENT / n_frames) ** 0.5)


@dataclass(frozen=True)
class Anchors:
    """Where a detector's landmarks stand on the resting head, against the head model's."""

    mean: Float[Tensor, "N 3"]  # m
    spread: Float[Tensor, "N 3"]  # m, from person to person

    def held(self, share: float) -> "Anchors":
        return replace(self, spread=share * self.spread)


def anchors_for(basis: LandmarkBasis) -> Anchors:
    """Of mediapipe's points. Their usual places are known on the shipped head (its units have bounds), not on FLAME."""
    measured = bool(torch.isfinite(basis.face_high[0]))
    groups = _MEASURED_MM if measured else _UNKNOWN_MM
    spread = torch.cat([basis.template.new_full((n, 3), mm / 1000) for n, mm in groups])
    return Anchors(torch.from_numpy(MEDIAPIPE_PLACES) if measured else torch.zeros_like(spread), spread)


@dataclass(frozen=True)
class Prior:
    """Gaussian beliefs about one clip's unknowns."""

    mean: Float[Tensor, "T K"]
    spread: Float[Tensor, " K"]
    step2: Float[Tensor, " K"]  # spread of the second difference
    low: Float[Tensor, " K"]
    high: Float[Tensor, " K"]

    def at(self, frames: Tensor) -> "Prior":
        return replace(self, mean=self.mean[frames])


def prior_for(
    spreads: Spreads,
    n_frames: int,
    basis: LandmarkBasis,
    expression: Float[Tensor, "T E"] | None,
    lids: Float[Tensor, "T 2"] | None,
) -> Prior:
    """Beliefs for a clip; `expression` and `lids` are guesses of them, or None."""
    low, high = basis.face_low, basis.face_high
    n_units = basis.n_face - 2
    mean = low.new_zeros(n_frames, len(low) + POSE)
    if expression is not None:
        mean[:, :n_units] = torch.nan_to_num(expression)
    if lids is not None:
        mean[:, n_units : n_units + 2] = torch.nan_to_num(lids)
    s = spreads
    unit = s.expression if torch.isfinite(high[0]) else s.expression_component
    spread = low.new_tensor(
        [unit if expression is None else s.expression_guessed] * n_units
        + [s.lids if lids is None else s.lids_guessed] * 2
        + [*s.jaw, *[s.rotation] * 3, *[s.translation] * 3],
    )
    reach = basis.face_dirs[..., :n_units].norm(dim=1).amax(0).clamp_min(1e-6)
    spread[:n_units] = torch.minimum(spread[:n_units], s.expression_reach / reach)
    step2 = low.new_tensor(
        [s.expression_step2] * n_units
        + [s.lids_step2] * 2
        + [*[s.jaw_step2] * 3, *[s.rotation_step2] * 3, *[s.translation_step2] * 3],
    )
    free = low.new_full((POSE,), torch.inf)
    return Prior(mean, spread, step2, torch.cat([low, -free]), torch.cat([high, free]))

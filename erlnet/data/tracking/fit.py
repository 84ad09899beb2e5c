"""Maximum a posteriori fit of a head model to landmarks: Gauss-Newton over all frames at once.

Two stages: `fit_person` finds what stays the same (shape, focal length, landmark offsets) together with every unknown
of some hundred frames; `fit_motion` then finds every frame's own. Both are smooth in time: without that the noise in
single frames' poses would bias the shape, however many frames there are. Outliers are weighed down (Geman-McClure).
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from erlnet.data.tracking.basis import LandmarkBasis, identity_of
from erlnet.data.tracking.figures import MEDIAN_LENGTH
from erlnet.data.tracking.priors import Anchors, Prior, Spreads, held_against
from erlnet.data.tracking.projection import CHUNK, Projected, View, identity_jacobian, jacobian, pixels_of, project
from erlnet.data.tracking.solve import Smoothness, solve_each, solve_smooth, solve_window, windows

_OUTLIER = 3.0  # residuals of this many standard deviations count a quarter


@dataclass(frozen=True)
class Target:
    """The landmarks that a fit aims at."""

    pixels: Float[Tensor, "T N 2"]  # NaN where there is no face
    weight: Float[Tensor, " N"]  # how much each landmark is trusted, about 1
    noise: float  # px, least standard deviation of a landmark
    links: Float[Tensor, " U"]  # solve.Smoothness.links

    def at(self, frames: Tensor) -> "Target":
        """Rising frames; links stay where neighbours do."""
        kept = (frames[2:] - frames[:-2] == 2) * self.links[frames[:-2].clamp_max(max(len(self.links) - 1, 0))]
        return replace(self, pixels=self.pixels[frames], links=kept)


@dataclass(frozen=True)
class Person:
    """What stays the same through a clip."""

    shape: Float[Tensor, " S"]
    offsets: Float[Tensor, "N 3"]  # m, each landmark against the head model's
    focal: float  # px


@dataclass(frozen=True)
class Free:
    """Which of a person's unknowns are fitted beside the shape."""

    focal: bool
    anchors: Anchors | None  # where landmarks may stand off the head model's; None: nowhere


@dataclass(frozen=True)
class Residuals:
    """Landmarks minus projection, as a Gauss-Newton step wants them."""

    scaled: Float[Tensor, "T M"]  # over their standard deviations, 0 where there is no landmark
    scale: Float[Tensor, "T M"]  # the same factor for the Jacobian's rows


def noise_of(target: Target, pixels: Float[Tensor, "T N 2"]) -> float:
    """px, the standard deviation that the residuals themselves show."""
    distance = (target.pixels - pixels).norm(dim=-1)
    return max(float(distance[torch.isfinite(distance)].median()) / MEDIAN_LENGTH, target.noise)


def weigh(target: Target, pixels: Float[Tensor, "T N 2"], sigma: float) -> Residuals:
    """Residuals with robust weights, at the noise level `sigma` px."""
    difference = target.pixels - pixels
    distance = difference.norm(dim=-1)
    found = torch.isfinite(distance)
    trust = target.weight / (1 + (distance / (_OUTLIER * sigma)) ** 2) ** 2
    scale = torch.where(found, trust.sqrt() / sigma, 0.0)[..., None].expand_as(difference)
    scaled = torch.where(found[..., None], difference * scale, 0.0)
    return Residuals(scaled.flatten(1), scale.flatten(1))


def fit_person(
    basis: LandmarkBasis,
    target: Target,
    view: View,
    prior: Prior,
    unknowns: Float[Tensor, "T K"],
    spreads: Spreads,
    free: Free,
    steps: int = 8,
) -> tuple[Person, Float[Tensor, "T K"]]:
    """The person, from frames that need not follow one another; also those frames' own unknowns.

    Frames meet in what they share, so each step solves a bordered banded system by its Schur complement.
    """
    # Neighbouring frames err alike, and what is believed of each frame would outvote what is believed of the person.
    share = held_against(len(unknowns))
    spreads = spreads.for_person(share)
    shared = unknowns.new_zeros(basis.n_shape + 1)  # shape, log focal over the start's
    spread = spreads.shape * basis.shape_spread
    focal = spread.new_tensor([spreads.focal if free.focal else 1e-6])
    precision = torch.cat([spread, focal]) ** -2
    anchors = None if free.anchors is None else free.anchors.held(share)
    offsets = unknowns.new_zeros(len(basis.template), 3) if anchors is None else anchors.mean
    person = Person(shared[:-1], offsets, view.focal)
    smoothness = Smoothness(prior.step2**-2, target.links)
    for _ in range(steps):
        now = replace(view, focal=person.focal)
        seen = project(basis, identity_of(basis, person.shape, person.offsets), now, unknowns)
        residuals = weigh(target, seen.pixels, noise_of(target, seen.pixels))
        pull = smoothness.gradient(unknowns)
        scaled, hessian, gradient, frozen = _system(basis, seen, prior, unknowns, residuals, pull)
        by_shape, by_focal = identity_jacobian(basis, seen, now)
        common = torch.cat([by_shape, by_focal[..., None]], -1).flatten(1, 2) * residuals.scale[..., None]
        cross = scaled.transpose(1, 2) @ common  # (T, K, G)
        solved = solve_smooth(hessian, torch.cat([cross, gradient[..., None]], -1), smoothness, frozen)
        flat, held = common.flatten(0, 1), (cross * ~frozen[..., None]).flatten(0, 1)
        schur = flat.T @ flat + torch.diag(precision) - held.T @ solved[..., :-1].flatten(0, 1)
        right = flat.T @ residuals.scaled.flatten() - shared * precision - held.T @ solved[..., -1].flatten()
        step = torch.linalg.solve(schur, right)
        shared = shared + step
        unknowns = _step(hessian, gradient - cross @ step, frozen, smoothness, prior, unknowns)
        person = Person(shared[:-1], person.offsets, view.focal * float(shared[-1].exp()))
        if anchors is not None:
            now = replace(view, focal=person.focal)
            seen = project(basis, identity_of(basis, person.shape, person.offsets), now, unknowns)
            residuals = weigh(target, seen.pixels, noise_of(target, seen.pixels))
            offsets = _offsets(seen, residuals, person.offsets, anchors)
            person = _split(basis, replace(person, offsets=offsets), spread, anchors)
            shared = torch.cat([person.shape, shared[-1:]])
    return person, unknowns


def fit_motion(
    basis: LandmarkBasis,
    person: Person,
    target: Target,
    view: View,
    prior: Prior,
    unknowns: Float[Tensor, "T K"],
    alone: int = 2,
    together: int = 3,
) -> tuple[Float[Tensor, "T K"], float]:
    """Every frame's unknowns: `alone` steps for each frame by itself, then `together`, smooth in time; px of noise.

    Derivatives are those of a chunk of frames at a time: over ten minutes they would be gigabytes.
    """
    identity = identity_of(basis, person.shape, person.offsets)
    unknowns = unknowns.clone()
    unknowns[:, -1] *= person.focal / view.focal  # as large in the picture as before
    view = replace(view, focal=person.focal)
    smoothness = Smoothness(prior.step2**-2, target.links)

    def equations(at: slice, sigma: float, pull: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        parts = []
        for start in range(at.start, at.stop, CHUNK):
            rows = slice(start, min(start + CHUNK, at.stop))
            seen = project(basis, identity, view, unknowns[rows])
            residuals = weigh(replace(target, pixels=target.pixels[rows]), seen.pixels, sigma)
            part = replace(prior, mean=prior.mean[rows])
            parts.append(_system(basis, seen, part, unknowns[rows], residuals, pull[rows])[1:])
        hessian, gradient, frozen = (torch.cat(of) for of in zip(*parts))
        return hessian, gradient, frozen

    for step in range(alone + together):
        sigma = noise_of(target, pixels_of(basis, identity, view, unknowns))
        pull = torch.zeros_like(unknowns) if step < alone else smoothness.gradient(unknowns)
        moved = torch.empty_like(unknowns)
        for window in windows(len(unknowns)):
            near, at, inside = None, window.kept, slice(None)
            if step >= alone:
                at, inside = window.seen, window.inside
                near = smoothness.between(at.start, at.stop)
            hessian, gradient, frozen = equations(at, sigma, pull)
            moved[window.kept] = _step(hessian, gradient, frozen, near, prior, unknowns[at])[inside]
        unknowns = moved
    return unknowns, noise_of(target, pixels_of(basis, identity, view, unknowns))


def _system(
    basis: LandmarkBasis,
    seen: Projected,
    prior: Prior,
    unknowns: Float[Tensor, "T K"],
    residuals: Residuals,
    pull: Float[Tensor, "T K"],
) -> tuple[Float[Tensor, "T M K"], Float[Tensor, "T K K"], Float[Tensor, "T K"], Bool[Tensor, "T K"]]:
    """The scaled Jacobian, the normal equations without smoothness' matrix but with its `pull`, and what is frozen."""
    scaled = jacobian(basis, seen, unknowns).flatten(1, 2).mul_(residuals.scale[..., None])
    transposed = scaled.transpose(1, 2)
    hessian = transposed @ scaled + torch.diag(prior.spread**-2)
    gradient = (transposed @ residuals.scaled[..., None])[..., 0]
    gradient = gradient + (prior.mean - unknowns) * prior.spread**-2 + pull
    # An unknown at its bound stays there while the pull is outwards.
    frozen = ((unknowns <= prior.low) & (gradient < 0)) | ((unknowns >= prior.high) & (gradient > 0))
    return scaled, hessian, gradient, frozen


def _step(
    hessian: Float[Tensor, "T K K"],
    gradient: Float[Tensor, "T K"],
    frozen: Bool[Tensor, "T K"],
    smoothness: Smoothness | None,
    prior: Prior,
    unknowns: Float[Tensor, "T K"],
) -> Float[Tensor, "T K"]:
    """The unknowns after a Newton step within their bounds.

    What would cross a bound is put on it, and the others are solved for again: to cut it off alone would leave them
    where they made up for what is gone, and the next step would swing back.
    """

    def solve(right: Tensor, held: Tensor) -> Tensor:
        if smoothness is None:
            return solve_each(hessian, right, held)
        return solve_window(hessian, right[..., None], smoothness, held)[..., 0]

    wanted = unknowns + solve(gradient, frozen)
    crossing = (wanted < prior.low) | (wanted > prior.high)
    to_bound = torch.where(crossing, _within(prior, wanted) - unknowns, 0.0)
    left = gradient - (hessian @ to_bound[..., None])[..., 0]
    if smoothness is not None:
        left = left + smoothness.gradient(to_bound)
    return _within(prior, unknowns + to_bound + solve(left, frozen | crossing))


def _offsets(
    seen: Projected, residuals: Residuals, offsets: Float[Tensor, "N 3"], anchors: Anchors
) -> Float[Tensor, "N 3"]:
    """Each landmark's own offset against the head model's, by ridge regression of what is left over on its motion."""
    t, n = seen.pixels.shape[:2]
    by_offset = (seen.by_skull @ seen.posed.linear) * residuals.scale.reshape(t, n, 2, 1)  # (T, N, 2, 3)
    left = residuals.scaled.reshape(t, n, 2)
    hessian = torch.einsum("tnij,tnik->njk", by_offset, by_offset) + torch.diag_embed(anchors.spread**-2)
    right = torch.einsum("tnij,tni->nj", by_offset, left) + (anchors.mean - offsets) * anchors.spread**-2
    return offsets + torch.linalg.solve(hessian, right)


def _split(basis: LandmarkBasis, person: Person, spread: Float[Tensor, " S"], anchors: Anchors) -> Person:
    """The same resting landmarks, shared out between shape and offsets as likely as can be.

    Shape and offsets are found in turns, and what one of them has taken up the other would get back only slowly.
    """
    whole = basis.shape_dirs @ person.shape + person.offsets - anchors.mean  # (N, 3)
    weighed = (basis.shape_dirs * anchors.spread[..., None] ** -2).flatten(0, 1)  # (3N, S)
    precision = weighed.T @ basis.shape_dirs.flatten(0, 1) + torch.diag(spread**-2)
    shape = torch.linalg.solve(precision, weighed.T @ whole.flatten())
    return replace(person, shape=shape, offsets=whole - basis.shape_dirs @ shape + anchors.mean)


def _within(prior: Prior, unknowns: Float[Tensor, "T K"]) -> Float[Tensor, "T K"]:
    return torch.minimum(torch.maximum(unknowns, prior.low), prior.high)

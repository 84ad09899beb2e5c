"""Tracker `landmarks`: 68 points over a whole clip -> coefficients, camera and figures."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from erlnet.data.clip import Coefficients
from erlnet.data.tracking.basis import LandmarkBasis, identity_of, landmark_basis
from erlnet.data.tracking.figures import figures
from erlnet.data.tracking.fit import Free, Person, Target, fit_motion, fit_person
from erlnet.data.tracking.gaze import gaze
from erlnet.data.tracking.priors import Anchors, Prior, Spreads, anchors_for, prior_for
from erlnet.data.tracking.projection import View, pixels_of, split_unknowns
from erlnet.data.tracking.root import upright_root
from erlnet.data.tracking.start import in_the_world, key_runs, middle_rotation, slips, stiff_pose
from erlnet.errors import InputError
from erlnet.head.model import HeadModel
from erlnet.head.rotations import axis_angle_from_matrix, matrix_from_axis_angle
from erlnet.interfaces import Observation, Progress, Tracked

DISTANCE = 1.2  # m from the camera, where its focal length is not known: about what real clips' perspective tells
_LEAST_NOISE = 0.0012  # of the picture's height: no landmark is better known than that
_MODEL_ERROR = 0.004  # of the height: how far a real face is off any head model's, the same way in every frame
_REJECTED = 4.0  # a frame whose mean error is this many times the clip's is not to be trusted
_FRAMES_FOR_SHAPE = 240
_NECK = 1  # joint
_RUN = 24  # frames of each stretch that the shape is fitted to


@dataclass(frozen=True)
class Weights:
    """How much each group of the 68 points is trusted."""

    jaw_line: float = 0.5  # along the cheek a point slides with the view
    brows: float = 0.8
    nose: float = 1.0
    eyes: float = 1.5
    outer_lips: float = 1.2
    inner_lips: float = 2.0

    def per_point(self) -> np.ndarray:
        """(68,)"""
        groups = ((17, self.jaw_line), (10, self.brows), (9, self.nose), (12, self.eyes), (12, self.outer_lips),
                  (8, self.inner_lips))  # fmt: skip
        return np.concatenate([np.full(n, weight) for n, weight in groups])


@dataclass(frozen=True)
class Problem:
    """One clip as the fit sees it."""

    target: Target
    view: View
    prior: Prior
    anchors: Anchors | None  # None: the landmarks are the head model's own
    start: Float[Tensor, "T K"]


@dataclass(frozen=True)
class LandmarkTracker:
    """The callable that slot `tracker` asks for."""

    spreads: Spreads
    weights: Weights

    def __call__(self, observation: Observation, model: HeadModel, progress: Progress) -> Tracked:
        """Fits `model` to the whole clip. InputError where no frame has a face."""
        landmarks = observation.landmarks.astype(np.float64)
        seen = np.isfinite(landmarks).all((1, 2))
        if not seen.any():
            raise InputError("no frame of it shows a face")
        basis = landmark_basis(model)
        with torch.inference_mode():
            problem = self._problem(observation, landmarks, basis, _joints(model, observation.shape))
            person = self._person(observation, basis, problem)
            progress.update(1, 2)
            unknowns, noise = fit_motion(basis, person, problem.target, problem.view, problem.prior, problem.start)
            progress.update(2, 2)
            return _tracked(observation, model, basis, problem, person, unknowns, noise)

    def _problem(
        self, observation: Observation, landmarks: np.ndarray, basis: LandmarkBasis, joints: Float[Tensor, "5 3"]
    ) -> Problem:
        height, width = observation.size
        pixels = torch.from_numpy(landmarks)
        rest = (
            basis.template
            if observation.shape is None
            else basis.template + basis.shape_dirs @ _double(observation.shape)
        )
        # Landmarks of a detector stand elsewhere on the face than the head model's; the demo's own do not.
        anchors = None if observation.dense is None else anchors_for(basis)
        if anchors is not None:
            rest = rest + anchors.mean
        centre = torch.tensor([width / 2, height / 2], dtype=torch.float64)
        rotations, places, scales = stiff_pose(rest, pixels)
        slipped = slips(places, scales)
        if slipped.any() and not slipped.all():
            pixels[slipped] = torch.nan
            rotations, places, scales = stiff_pose(rest, pixels)
        focal = observation.focal or DISTANCE * float(scales.median())
        translations = in_the_world(rest, rotations, places, scales, focal, centre)
        view = View(focal, centre, middle_rotation(rotations))
        expression = None if observation.blendshapes is None else _double(observation.blendshapes)
        lids = None if observation.lids is None else _double(observation.lids)
        prior = prior_for(self.spreads, len(pixels), basis, expression, lids)
        if observation.root is None:
            prior.mean[:, -3:] = translations.median(0).values
        else:
            # The neck joint is where the torso has it, but for a shift: this tells the head's depth, and so its size.
            neck = joints[_NECK]
            place = _double(observation.root)
            prior.mean[:, -3:] = place[:3, :3] @ neck + place[:3, 3] - rotations @ neck
            prior.spread[-3:] = self.spreads.neck_shift
        start = prior.mean.clone()
        start[:, -6:-3] = axis_angle_from_matrix(view.base.T @ rotations)
        start[:, -3:] = translations
        target = Target(
            pixels,
            torch.from_numpy(self.weights.per_point()),
            noise=_LEAST_NOISE * height,
            links=torch.ones(max(len(pixels) - 2, 0), dtype=torch.float64),
        )
        return Problem(target, view, prior, anchors, start)

    def _person(self, observation: Observation, basis: LandmarkBasis, problem: Problem) -> Person:
        if observation.shape is not None and observation.focal is not None and problem.anchors is None:
            return Person(_double(observation.shape), torch.zeros_like(basis.template), observation.focal)
        frames = key_runs(problem.target.pixels, _FRAMES_FOR_SHAPE, _RUN)
        spreads = self.spreads
        if observation.shape is not None:  # its focal length alone is to be found
            basis = replace(basis, template=basis.template + basis.shape_dirs @ _double(observation.shape))
            spreads = replace(spreads, shape=1e-6)
        free = Free(observation.focal is None, problem.anchors)
        target = problem.target.at(frames)
        person, _ = fit_person(
            basis, target, problem.view, problem.prior.at(frames), problem.start[frames], spreads, free
        )
        return person if observation.shape is None else replace(person, shape=_double(observation.shape))


def _tracked(
    observation: Observation,
    model: HeadModel,
    basis: LandmarkBasis,
    problem: Problem,
    person: Person,
    unknowns: Float[Tensor, "T K"],
    noise: float,
) -> Tracked:
    face, jaw, rotation, translation = split_unknowns(unknowns)
    view = replace(problem.view, focal=person.focal)
    head = torch.eye(4, dtype=torch.float64).repeat(len(unknowns), 1, 1)
    head[:, :3, :3] = view.base @ matrix_from_axis_angle(rotation)
    head[:, :3, 3] = translation
    projected = pixels_of(basis, identity_of(basis, person.shape, person.offsets), view, unknowns)
    error = (problem.target.pixels - projected).norm(dim=-1).numpy()  # (T, 68) px, NaN without a face
    mean = error.mean(1)
    lost = ~np.isfinite(observation.landmarks).all((1, 2))
    rejected = (mean > _REJECTED * np.nanmedian(mean)) | (np.isnan(mean) & ~lost)
    joints = _joints(model, person.shape.numpy())
    root = observation.root if observation.root is not None else upright_root(head, joints[_NECK]).numpy()
    coefficients = Coefficients(
        expression=_single(face[:, :-2]),
        jaw=_single(jaw),
        lids=_single(face[:, -2:]),
        head_to_world=_single(head),
        root=np.asarray(root, np.float32),
        torso_offset=np.zeros((len(unknowns), 2), np.float32),
        eyes=gaze(observation.dense, head.numpy(), joints[3:].numpy(), person.focal),
        shape=_single(person.shape),
        valid=~lost & ~rejected,
    )
    return Tracked(coefficients, person.focal, figures(error, projected.numpy(), lost, rejected, noise))


def _joints(model: HeadModel, shape: np.ndarray | None) -> Float[Tensor, "5 3"]:
    """Rest coordinates, m; of the mean head where the shape is not known."""
    known = np.zeros(model.n_shape) if shape is None else shape
    return model.joints(torch.as_tensor(known).to(model.joint_template)[None])[0].double()


def _double(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(array, np.float64))


def _single(tensor: Tensor) -> np.ndarray:
    return tensor.numpy().astype(np.float32)

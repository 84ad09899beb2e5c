"""The landmark tracker: its arithmetic against finite differences, dense algebra and hand calculations."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from erlnet.data.demo.studio import one_thread
from erlnet.data.tracking import fit
from erlnet.data.tracking.basis import identity_of, landmark_basis
from erlnet.data.tracking.fit import Person, Target
from erlnet.data.tracking.gaze import gaze
from erlnet.data.tracking.priors import Spreads, prior_for
from erlnet.data.tracking.projection import CHUNK, View, identity_jacobian, jacobian, project
from erlnet.data.tracking.root import upright_root
from erlnet.data.tracking.rotations import right_jacobian
from erlnet.data.tracking.solve import Smoothness, solve_smooth
from erlnet.data.tracking.start import stiff_pose
from erlnet.head.components import MakeHuman
from erlnet.head.rotations import axis_angle_from_matrix, matrix_from_axis_angle

SIZE = 256
FOCAL = 900.0


@pytest.fixture(scope="module", autouse=True)
def on_one_thread():
    with one_thread():
        yield


@pytest.fixture(scope="module")
def model():
    return MakeHuman().build()


@pytest.fixture(scope="module")
def basis(model):
    return landmark_basis(model)


@given(vector=st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=3))
def test_the_right_jacobian_is_the_derivative_of_the_rotation(vector):
    v = torch.tensor(vector, dtype=torch.float64)
    step = 1e-6
    for k, unit in enumerate(torch.eye(3, dtype=torch.float64)):
        moved = matrix_from_axis_angle(v).T @ matrix_from_axis_angle(v + step * unit)
        np.testing.assert_allclose(axis_angle_from_matrix(moved) / step, right_jacobian(v)[:, k], atol=1e-5)


def random_frames(basis, n, seed=0):
    """(T,K) unknowns of a moving face about a metre away."""
    rng = np.random.default_rng(seed)
    unknowns = np.concatenate(
        [
            rng.uniform(0, 0.4, (n, basis.n_face)),
            rng.normal((0.15, 0, 0), 0.1, (n, 3)),
            rng.normal(0, 0.15, (n, 3)),
            rng.normal((0, 0, 1.1), 0.02, (n, 3)),
        ],
        axis=1,
    )
    return torch.from_numpy(unknowns)


def view_of(base=(1.0, -1.0, -1.0)):
    centre = torch.tensor([SIZE / 2, SIZE / 2], dtype=torch.float64)
    return View(FOCAL, centre, torch.diag(torch.tensor(base, dtype=torch.float64)))


def test_the_jacobian_matches_finite_differences(basis):
    unknowns = random_frames(basis, 3)
    shape = torch.from_numpy(np.random.default_rng(1).normal(0, 0.3, basis.n_shape))
    identity, view = identity_of(basis, shape, torch.zeros(68, 3, dtype=torch.float64)), view_of()
    exact = jacobian(basis, project(basis, identity, view, unknowns), unknowns)
    for k in range(unknowns.shape[1]):
        step = torch.zeros_like(unknowns)
        step[:, k] = 1e-6
        ahead, behind = (project(basis, identity, view, unknowns + s * step).pixels for s in (1, -1))
        np.testing.assert_allclose(exact[..., k], (ahead - behind) / 2e-6, rtol=1e-4, atol=1e-4)


def test_the_identity_jacobian_matches_finite_differences(basis):
    unknowns, view = random_frames(basis, 2), view_of()
    none = torch.zeros(68, 3, dtype=torch.float64)
    shape = torch.from_numpy(np.random.default_rng(1).normal(0, 0.3, basis.n_shape))
    by_shape, by_focal = identity_jacobian(basis, project(basis, identity_of(basis, shape, none), view, unknowns), view)

    def pixels(shape, focal):
        return project(basis, identity_of(basis, shape, none), replace(view, focal=focal), unknowns).pixels

    for k in (0, 7, 30, basis.n_shape - 9):
        step = torch.zeros_like(shape)
        step[k] = 1e-5
        difference = (pixels(shape + step, FOCAL) - pixels(shape - step, FOCAL)) / 2e-5
        np.testing.assert_allclose(by_shape[..., k], difference, rtol=1e-4, atol=1e-4)
    ratio = 1 + 1e-6
    np.testing.assert_allclose(by_focal, (pixels(shape, FOCAL * ratio) - pixels(shape, FOCAL)) / 1e-6, atol=1e-2)


def test_the_reduced_model_has_the_head_models_landmarks(model, basis):
    unknowns = random_frames(basis, 4)
    face, jaw, rotation, translation = torch.split(unknowns, [basis.n_face, 3, 3, 3], dim=1)
    shape = torch.from_numpy(np.random.default_rng(2).normal(0, 0.5, basis.n_shape))
    view = view_of()
    seen = project(basis, identity_of(basis, shape, torch.zeros(68, 3, dtype=torch.float64)), view, unknowns).pixels
    head = torch.eye(4).repeat(4, 1, 1)
    head[:, :3, :3] = (view.base @ matrix_from_axis_angle(rotation)).float()
    head[:, :3, 3] = translation.float()
    with torch.no_grad():
        # A torso that stands as the head does: what little weight the jaw line has on it then moves nothing else.
        for i in range(4):
            row = slice(i, i + 1)
            vertices = model(
                shape.float()[None], face[row, :-2].float(), jaw[row].float(), torch.zeros(1, 6),
                face[row, -2:].float(), head[row], head[row],
            )  # fmt: skip
            world = model.landmarks68(vertices)[0].numpy()
            pixels = FOCAL * world[:, :2] / world[:, 2:] + SIZE / 2
            error = np.linalg.norm(pixels - seen[i].numpy(), axis=1)
            assert error.max() < 0.1  # px; under the jaw a few hundredths of a weight hang on the torso


@settings(max_examples=20, deadline=None)
@given(n_frames=st.integers(1, 30), broken=st.booleans())
def test_the_banded_solve_is_the_dense_one(n_frames, broken):
    rng = np.random.default_rng(n_frames)
    k = 4
    root = rng.normal(size=(n_frames, k, k))
    hessian = torch.from_numpy(root @ root.transpose(0, 2, 1) + np.eye(k))
    right = torch.from_numpy(rng.normal(size=(n_frames, k, 2)))
    links = np.ones(max(n_frames - 2, 0))
    if broken:
        links[len(links) // 2 :][:2] = 0
    stiffness = rng.uniform(0.1, 10, k)
    frozen = torch.from_numpy(rng.random((n_frames, k)) < 0.1)
    found = solve_smooth(hessian, right, Smoothness(torch.from_numpy(stiffness), torch.from_numpy(links)), frozen)

    second = np.zeros((len(links), n_frames))
    for i, link in enumerate(links):
        second[i, i : i + 3] = link * np.array([1, -2, 1])
    dense = np.kron(second.T @ second, np.diag(stiffness))
    for t in range(n_frames):
        dense[t * k : (t + 1) * k, t * k : (t + 1) * k] += hessian[t].numpy()
    free = ~frozen.numpy().ravel()
    expected = np.zeros((n_frames * k, 2))
    expected[free] = np.linalg.solve(dense[np.ix_(free, free)], right.numpy().reshape(-1, 2)[free])
    np.testing.assert_allclose(found.numpy().reshape(-1, 2), expected, atol=1e-6)


def test_windows_of_a_long_clip_join_without_a_seam(monkeypatch):
    rng = np.random.default_rng(0)
    n_frames, k = 400, 3
    hessian = torch.eye(k, dtype=torch.float64).repeat(n_frames, 1, 1)
    right = torch.from_numpy(rng.normal(size=(n_frames, k, 1)))
    smoothness = Smoothness(torch.full((k,), 20.0, dtype=torch.float64), torch.ones(n_frames - 2, dtype=torch.float64))
    frozen = torch.zeros(n_frames, k, dtype=torch.bool)
    whole = solve_smooth(hessian, right, smoothness, frozen)
    monkeypatch.setattr("erlnet.data.tracking.solve._WINDOW", 100)
    np.testing.assert_allclose(solve_smooth(hessian, right, smoothness, frozen), whole, atol=1e-6)


def test_the_start_is_within_a_few_degrees_and_gaps_take_their_neighbour(basis):
    unknowns, view = random_frames(basis, 5), view_of()
    unknowns[:, : basis.n_face + 3] = 0
    rest = identity_of(basis, torch.zeros(basis.n_shape, dtype=torch.float64), torch.zeros(68, 3, dtype=torch.float64))
    pixels = project(basis, rest, view, unknowns).pixels
    pixels[3] = torch.nan
    rotations, places, scales = stiff_pose(basis.template, pixels)
    true = view.base @ matrix_from_axis_angle(unknowns[:, -6:-3])
    angle = axis_angle_from_matrix(true.transpose(1, 2) @ rotations).norm(dim=1)
    assert np.rad2deg(angle[[0, 1, 2, 4]].max().item()) < 4
    assert any(torch.equal(rotations[3], rotations[near]) for near in (2, 4))
    assert scales.median().item() == pytest.approx(FOCAL / 1.1, rel=0.1)
    assert torch.isfinite(places).all()


def test_derivatives_of_a_chunk_of_frames_alone_are_in_memory(basis, monkeypatch):
    """So that ten minutes of video need no more than ten seconds do."""
    none = torch.zeros(68, 3, dtype=torch.float64)
    person = Person(torch.zeros(basis.n_shape, dtype=torch.float64), none, FOCAL)
    truth = random_frames(basis, 1).repeat(1500, 1)
    pixels = project(basis, identity_of(basis, person.shape, none), view_of(), truth).pixels
    target = Target(pixels, torch.ones(68, dtype=torch.float64), 0.3, torch.ones(1498, dtype=torch.float64))
    prior = prior_for(Spreads(), 1500, basis, None, None)
    at_once = []
    monkeypatch.setattr(fit, "jacobian", lambda *given: at_once.append(len(given[2])) or jacobian(*given))
    fit.fit_motion(basis, person, target, view_of(), prior, truth, alone=1, together=1)
    assert sum(at_once) >= 3000
    assert max(at_once) <= CHUNK


def test_the_torso_stands_upright_under_the_heads_median_place():
    turns = Rotation.from_euler("YX", [[20, 5], [30, -5], [40, 0]], degrees=True).as_matrix()
    head = torch.eye(4, dtype=torch.float64).repeat(3, 1, 1)
    head[:, :3, :3] = torch.from_numpy(np.diag([1.0, -1, -1]) @ turns)
    head[:, :3, 3] = torch.tensor([0.1, 0.0, 1.5], dtype=torch.float64)
    neck = torch.tensor([0.0, -0.09, -0.04], dtype=torch.float64)
    root = upright_root(head, neck)
    yaw = Rotation.from_matrix((torch.diag(torch.tensor([1.0, -1, -1]).double()) @ root[:3, :3]).numpy())
    assert yaw.as_euler("YXZ", degrees=True)[0] == pytest.approx(30, abs=1.5)
    joints = head[:, :3, :3] @ neck + head[:, :3, 3]
    np.testing.assert_allclose(root[:3, :3] @ neck + root[:3, 3], joints.median(0).values, atol=1e-9)


def test_an_iris_to_the_subjects_left_turns_the_eyes_left():
    head = np.tile(np.diag([1.0, -1, -1, 1]), (5, 1, 1))
    head[:, 2, 3] = 1.0
    joints = np.array([[0.03, 0.0, 0.05], [-0.03, 0.0, 0.05]])
    mesh = np.zeros((5, 478, 2))
    mesh[4, [468, 473], 0] = 4.0  # px to the image's right, the subject's left
    mesh[3, [468, 473], 1] = 3.0  # down
    turned = gaze(mesh, head, joints, focal=1000.0)
    assert turned.shape == (5, 6)
    np.testing.assert_allclose(turned[:3], 0)
    # 4 px at .95 m and f = 1000 px are 3.8 mm on a ball of 11.5 mm.
    np.testing.assert_allclose(turned[4], [0, np.arcsin(3.8 / 11.5), 0] * 2, atol=1e-6)
    np.testing.assert_allclose(turned[3], [np.arcsin(2.85 / 11.5), 0, 0] * 2, atol=1e-6)
    assert (gaze(None, head, joints, 1000.0) == 0).all()

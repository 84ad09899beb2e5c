"""The layer against a second implementation in plain numpy and scipy, on a small random model."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from erlnet.errors import UserError
from erlnet.head.arrays import HeadArrays
from erlnet.head.model import HeadModel
from erlnet.head.rotations import rigid


def random_arrays(seed: int = 0, vertices: int = 12, shapes: int = 3, units: int = 4) -> HeadArrays:
    rng = np.random.default_rng(seed)
    weights = rng.random((vertices, 5)) ** 3
    regressor = rng.random((5, vertices))
    return HeadArrays(
        v_template=rng.normal(size=(vertices, 3)) * 0.1,
        faces=rng.integers(0, vertices, (9, 3)),
        shapedirs=rng.normal(size=(vertices, 3, shapes)) * 0.01,
        exprdirs=rng.normal(size=(vertices, 3, units)) * 0.01,
        lid_dirs=rng.normal(size=(vertices, 3, 2)) * 0.01,
        posedirs=rng.normal(size=(vertices, 3, 36)) * 0.01,
        pose_columns=np.arange(36),
        J_regressor=regressor / regressor.sum(1, keepdims=True),
        weights=weights / weights.sum(1, keepdims=True),
        shape_names=tuple(f"s{i}" for i in range(shapes)),
        expression_names=tuple(f"e{i}" for i in range(units)),
        landmark_vertices=rng.integers(0, vertices, (68, 3)),
        landmark_barycentric=np.tile([0.5, 0.25, 0.25], (68, 1)),
        neck_names=("throat",),
        neck_vertices=np.array([5]),
        masks={"odd": np.arange(vertices) % 2 == 1},
    )


def random_motion(arrays: HeadArrays, batch: int, seed: int = 1) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return torch.tensor(rng.normal(size=shape) * scale)

    return {
        "shape": normal(1, len(arrays.shape_names)),
        "expression": normal(batch, len(arrays.expression_names)),
        "jaw": normal(batch, 3, scale=0.3),
        "eyes": normal(batch, 6, scale=0.3),
        "lids": normal(batch, 2),
        "head_to_world": rigid(normal(batch, 3, scale=0.5), normal(batch, 3)),
        "root": rigid(normal(1, 3, scale=0.5), normal(1, 3)),
    }


def vertices_by_hand(a: HeadArrays, motion: dict[str, np.ndarray], frame: int) -> np.ndarray:
    """One frame, vertex by vertex, with 4x4 matrices."""
    shape, root, head = motion["shape"][0], motion["root"][0], motion["head_to_world"][frame]
    shaped = a.v_template + a.shapedirs @ shape
    joints = a.J_regressor @ shaped
    turns = [Rotation.from_rotvec(motion["jaw"][frame])]
    turns += [Rotation.from_rotvec(part) for part in motion["eyes"][frame].reshape(2, 3)]
    neck = (np.linalg.inv(root) @ head)[:3, :3]
    feature = np.concatenate([(r - np.eye(3)).ravel() for r in (neck, *(t.as_matrix() for t in turns))])
    rest = shaped + a.exprdirs @ motion["expression"][frame] + a.lid_dirs @ motion["lids"][frame] + a.posedirs @ feature
    world = [root, head]
    for joint, turn in zip(joints[2:], turns):
        there, back = np.eye(4), np.eye(4)
        there[:3, 3], back[:3, 3] = joint, -joint
        middle = np.eye(4)
        middle[:3, :3] = turn.as_matrix()
        world.append(head @ there @ middle @ back)
    out = np.zeros_like(rest)
    for i, point in enumerate(rest):
        blended = sum(a.weights[i, j] * world[j] for j in range(5))
        out[i] = (blended @ np.append(point, 1))[:3]
    return out


def test_layer_agrees_with_an_independent_evaluation():
    arrays = random_arrays()
    motion = random_motion(arrays, batch=3)
    vertices = HeadModel(arrays).double()(**motion).numpy()
    as_numpy = {name: value.numpy() for name, value in motion.items()}
    for frame in range(3):
        np.testing.assert_allclose(vertices[frame], vertices_by_hand(arrays, as_numpy, frame), atol=1e-7)


def test_shape_and_root_may_vary_over_the_batch():
    arrays = random_arrays()
    model = HeadModel(arrays).double()
    motion = random_motion(arrays, batch=2)
    motion["shape"] = torch.randn(2, 3, dtype=torch.float64)
    motion["root"] = rigid(torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64))
    together = model(**motion)
    for k in range(2):
        alone = model(**{name: value[k : k + 1] for name, value in motion.items()})
        torch.testing.assert_close(together[k : k + 1], alone)


def test_gradients_reach_every_coefficient_and_match_finite_differences():
    arrays = random_arrays(vertices=4)
    model = HeadModel(arrays).double()
    motion = random_motion(arrays, batch=1)
    inputs = [value.requires_grad_() for value in motion.values()]
    assert torch.autograd.gradcheck(lambda *args: model(*args), inputs, atol=1e-6)


def test_a_subset_gives_the_same_vertices_though_its_joints_lie_outside():
    arrays = random_arrays()
    model = HeadModel(arrays).double()
    motion = random_motion(arrays, batch=2)
    ids = np.array([7, 2, 3])
    part = model.subset(ids)
    torch.testing.assert_close(part(**motion), model(**motion)[:, ids])
    assert part.mask("odd").tolist() == [True, False, True]
    with pytest.raises(ValueError, match="landmarks"):
        part.landmarks68(part(**motion))
    assert part.neck_points(part(**motion)).shape == (2, 0, 3)


def test_the_landmark_model_gives_the_same_landmarks_from_fewer_vertices():
    arrays = random_arrays(vertices=400)
    model = HeadModel(arrays).double()
    small = model.landmark_model()
    motion = random_motion(arrays, batch=2)
    torch.testing.assert_close(small.landmarks68(small(**motion)), model.landmarks68(model(**motion)))
    torch.testing.assert_close(small.neck_points(small(**motion)), model.neck_points(model(**motion)))
    assert small.n_vertices < model.n_vertices / 1.5


def test_landmarks_are_barycentric_points():
    arrays = random_arrays()
    model = HeadModel(arrays)
    vertices = model(*model.neutral(1))
    corners = arrays.v_template[arrays.landmark_vertices[10]]
    expected = 0.5 * corners[0] + 0.25 * corners[1] + 0.25 * corners[2]
    np.testing.assert_allclose(model.landmarks68(vertices)[0, 10].numpy(), expected, atol=1e-6)


def test_an_unknown_mask_names_those_there_are():
    with pytest.raises(ValueError, match="'nose'; there are: odd"):
        HeadModel(random_arrays()).mask("nose")


def test_arrays_that_do_not_fit_together_are_refused_in_one_line():
    from dataclasses import replace

    with pytest.raises(UserError, match=r"weights has shape \(12, 4\), expected \(12, 5\)"):
        replace(random_arrays(), weights=np.zeros((12, 4)))


def test_no_checkpoint_holds_the_head_model():
    assert HeadModel(random_arrays()).state_dict() == {}

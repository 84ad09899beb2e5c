"""The face's surface: which vertices count, against the whole head model evaluated by itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from motion_makers import demo_motion

from erlnet.head.arrays import HeadArrays
from erlnet.head.model import HeadModel
from erlnet.metrics.motion import mesh
from erlnet.metrics.motion.mesh import FaceMesh, lip_vertices, upper_face_vertices


@pytest.fixture(scope="module")
def shape(model):
    return np.random.default_rng(0).normal(0, 0.3, model.n_shape).astype(np.float32)


def whole_head(model: HeadModel, shape, motion) -> torch.Tensor:
    """(T,V,3) m, every vertex at once."""
    n = len(motion)
    still = torch.eye(4).expand(n, 4, 4)
    parts = [torch.from_numpy(x) for x in (motion.expression, motion.jaw, motion.lids)]
    with torch.no_grad():
        return model(torch.from_numpy(shape)[None], parts[0], parts[1], torch.zeros(n, 6), parts[2], still, still[:1])


def test_lips_and_upper_face_are_what_the_whole_head_shows_there(model, shape, monkeypatch):
    monkeypatch.setattr(mesh, "_CHUNK", 7)  # 20 frames in three goes
    motion = demo_motion(3, 1, "angry", 20)
    face = FaceMesh(model, shape)(motion)
    vertices = whole_head(model, shape, motion)
    assert np.allclose(face.lips, vertices[:, model.mask("lips")].numpy() * 1000, atol=1e-3)
    neutral = model(torch.from_numpy(shape)[None], *model.neutral(1)[1:])
    ids = upper_face_vertices(model)
    assert np.allclose(face.upper, (vertices - neutral)[:, ids].norm(dim=-1).numpy() * 1000, atol=1e-3)
    points = model.landmarks68(vertices).numpy()
    gap = np.mean([np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in ((61, 67), (62, 66), (63, 65))], 0)
    eyes = np.linalg.norm(points[:, 36:42].mean(1) - points[:, 42:48].mean(1), axis=1)
    assert np.allclose(face.opening, gap / eyes, atol=1e-5)


def test_a_face_of_another_shape_is_that_persons_and_shares_the_vertices(model, shape):
    motion, anybody = demo_motion(3, 1, "angry", 8), FaceMesh(model, np.zeros(model.n_shape))
    other, own = anybody.of_shape(shape), FaceMesh(model, shape)
    assert other.model is anybody.model
    for name in ("lips", "upper", "opening"):
        assert np.array_equal(getattr(other(motion), name), getattr(own(motion), name))
    assert not anybody.shape.any()


def test_head_pose_does_not_move_the_face(model, shape):
    motion = demo_motion(3, 1, "angry", 5)
    turned = replace(motion, pose=motion.pose + 0.3)
    one, other = (FaceMesh(model, shape)(m) for m in (motion, turned))
    assert (one.lips == other.lips).all()


def test_the_upper_face_has_brows_and_forehead_but_neither_lids_nor_mouth(model):
    ids = upper_face_vertices(model)
    template, points = model.arrays.v_template, model.landmarks68(model.v_template.view(1, -1, 3))[0].numpy()
    heights = template[ids, 1]
    assert heights.max() > points[17:27, 1].max() + 0.02  # forehead, 2 cm over the brows
    assert points[41, 1] - 0.012 < heights.min() < points[41, 1]  # a strip of cheek under the lids
    assert not set(ids) & set(np.flatnonzero(model.mask("eyelids")))
    assert not set(ids) & set(lip_vertices(model))


def test_a_raised_brow_moves_the_upper_face_and_an_open_jaw_does_not(model):
    motion = demo_motion(3, 1, "neutral", 2)
    still = replace(motion, expression=0 * motion.expression, jaw=0 * motion.jaw, lids=0 * motion.lids)
    brow = still.expression.copy()
    brow[:, model.expression_names.index("browInnerUp")] = 1
    face = FaceMesh(model, np.zeros(model.n_shape))
    assert face(replace(still, expression=brow)).upper.max() > 3  # mm
    opened = face(replace(still, jaw=np.array([[0.3, 0, 0]] * 2)))
    assert opened.upper.mean() < 0.1
    assert opened.opening.min() > face(still).opening.max() + 0.1


def test_a_model_without_masks_goes_by_its_landmarks(model):
    arrays: HeadArrays = replace(model.arrays, masks={})
    bare = HeadModel(arrays)
    assert set(lip_vertices(bare)) == set(arrays.landmark_vertices[48:68].ravel())
    assert set(upper_face_vertices(bare)) == set(arrays.landmark_vertices[17:28].ravel())

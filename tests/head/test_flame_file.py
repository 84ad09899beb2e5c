"""FLAME's own file layout, written here: the real file is its owner's to fetch."""

import os
import pickle
import sys
import types

import numpy as np
import pytest
import scipy.sparse
import torch
from scipy.spatial.transform import Rotation

from erlnet.errors import UserError
from erlnet.head.components import Flame
from erlnet.head.files import read_makehuman
from erlnet.head.flame import read_flame
from erlnet.head.flame_regions import lid_directions, neck_landmarks, regions

VERTICES, SHAPES, UNITS = 60, 300, 7


@pytest.fixture
def chumpy(monkeypatch):
    """A module that pickles as chumpy does: an object whose state is a dict with the value under `x`."""
    module = types.ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, x):
            self.x, self.dterms = x, ("x",)

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    module.Ch = Ch
    package = types.ModuleType("chumpy")
    package.ch = module
    monkeypatch.setitem(sys.modules, "chumpy", package)
    monkeypatch.setitem(sys.modules, "chumpy.ch", module)
    return Ch


def flame_entries(seed=0):
    """A tiny head in FLAME's layout, with a face's proportions for the derived regions."""
    rng = np.random.default_rng(seed)
    source = read_makehuman()
    ids = np.unique(source.landmark_vertices)
    ids = np.concatenate([ids, np.flatnonzero(source.masks["eyeballs"])[::8]])[-VERTICES:]
    weights = rng.random((VERTICES, 5)) ** 2
    regressor = np.where(rng.random((5, VERTICES)) < 0.2, rng.random((5, VERTICES)), 0)
    regressor[:, 0] += 0.1
    return {
        "v_template": source.v_template[ids].astype(np.float64),
        "f": rng.integers(0, VERTICES, (80, 3)).astype(np.uint32),
        "shapedirs": rng.normal(size=(VERTICES, 3, SHAPES + UNITS)) * 1e-3,
        "posedirs": rng.normal(size=(VERTICES, 3, 36)) * 1e-3,
        "J_regressor": regressor / regressor.sum(1, keepdims=True),
        "weights": weights / weights.sum(1, keepdims=True),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], dtype=np.uint32),
        "bs_style": "lbs",
    }


def embedding(faces=80, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.random((1, 68, 3))
    return {
        "full_lmk_faces_idx": rng.integers(0, faces, (1, 68)),
        "full_lmk_bary_coords": weights / weights.sum(-1, keepdims=True),
    }


def write_embedding(folder, table=None):
    np.save(folder / "landmark_embedding.npy", embedding() if table is None else table, allow_pickle=True)


def write_pickle(folder, entries, chumpy, protocol):
    entries = dict(entries)
    for name in ("v_template", "shapedirs", "weights"):
        entries[name] = chumpy(entries[name])
    entries["J_regressor"] = scipy.sparse.csc_matrix(entries["J_regressor"])
    (folder / "flame.pkl").write_bytes(pickle.dumps(entries, protocol=protocol))
    return str(folder / "flame.pkl")


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_chumpy_pickle_is_read_as_the_arrays_it_was_made_of(tmp_path, chumpy, protocol):
    entries = flame_entries()
    write_embedding(tmp_path)
    path = write_pickle(tmp_path, entries, chumpy, protocol)
    arrays = read_flame(path, "", n_shape=10, n_expression=5)
    np.testing.assert_allclose(arrays.v_template, entries["v_template"], atol=1e-6)
    np.testing.assert_array_equal(arrays.faces, entries["f"])
    np.testing.assert_allclose(arrays.shapedirs, entries["shapedirs"][:, :, :10], atol=1e-8)
    np.testing.assert_allclose(arrays.exprdirs, entries["shapedirs"][:, :, 300:305], atol=1e-8)
    np.testing.assert_allclose(arrays.posedirs, entries["posedirs"], atol=1e-8)
    np.testing.assert_allclose(arrays.J_regressor, entries["J_regressor"], atol=1e-12)
    np.testing.assert_allclose(arrays.weights, entries["weights"], atol=1e-7)
    table = embedding()
    np.testing.assert_array_equal(arrays.landmark_vertices, entries["f"][table["full_lmk_faces_idx"][0]])
    np.testing.assert_allclose(arrays.landmark_barycentric, table["full_lmk_bary_coords"][0], atol=1e-7)


@pytest.mark.parametrize("form", [scipy.sparse.csc_matrix, scipy.sparse.csr_matrix, scipy.sparse.coo_matrix])
def test_every_sparse_form_of_the_regressor_is_read(tmp_path, form):
    entries = flame_entries() | {"J_regressor": form(flame_entries()["J_regressor"])}
    write_embedding(tmp_path)
    (tmp_path / "flame.pkl").write_bytes(pickle.dumps(entries, protocol=2))
    arrays = read_flame(str(tmp_path / "flame.pkl"), "", 3, 3)
    np.testing.assert_allclose(arrays.J_regressor, flame_entries()["J_regressor"], atol=1e-12)


def test_an_npz_gives_the_same_model_and_flames_own_skinning(tmp_path):
    """Against Li et al. 2017 in numpy: vertices of a head turned at the neck joint, torso fixed, jaw and eyes posed."""
    entries = flame_entries()
    write_embedding(tmp_path)
    np.savez(tmp_path / "flame.npz", **entries)
    model = Flame(path=str(tmp_path / "flame.npz"), n_shape=8, n_expression=4).build().double()
    assert (model.n_shape, model.n_expression, model.n_vertices) == (8, 4, VERTICES)

    rng = np.random.default_rng(5)
    beta, psi = rng.normal(size=8), rng.normal(size=4)
    pose = rng.normal(size=(4, 3)) * 0.3  # neck, jaw, left eye, right eye
    shaped = entries["v_template"] + entries["shapedirs"][:, :, :8] @ beta
    joints = entries["J_regressor"] @ shaped
    turns = Rotation.from_rotvec(pose).as_matrix()
    feature = (turns - np.eye(3)).ravel()
    rest = shaped + entries["shapedirs"][:, :, 300:304] @ psi + entries["posedirs"] @ feature

    def about(turn, joint):
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = turn, joint - turn @ joint
        return matrix

    neck = about(turns[0], joints[1])
    world = [np.eye(4), neck, *(neck @ about(turns[k], joints[k + 1]) for k in (1, 2, 3))]
    blended = np.einsum("vj,jab->vab", entries["weights"], np.array(world))
    expected = np.einsum("vab,vb->va", blended, np.c_[rest, np.ones(VERTICES)])[:, :3]

    as_tensor = [torch.tensor(x)[None] for x in (beta, psi, pose[1], pose[2:].ravel(), np.zeros(2), neck, np.eye(4))]
    np.testing.assert_allclose(model(*as_tensor)[0].numpy(), expected, atol=1e-6)


def test_flames_view_dependent_embedding_gives_its_frontal_jaw_line(tmp_path):
    table = {
        "static_lmk_faces_idx": np.arange(51), "static_lmk_bary_coords": np.tile([1.0, 0, 0], (51, 1)),
        "dynamic_lmk_faces_idx": np.arange(79 * 17).reshape(79, 17) % 80,
        "dynamic_lmk_bary_coords": np.tile([0, 1.0, 0], (79, 17, 1)),
    }  # fmt: skip
    np.savez(tmp_path / "flame.npz", **flame_entries())
    np.savez(tmp_path / "points.npz", **table)
    arrays = read_flame(str(tmp_path / "flame.npz"), str(tmp_path / "points.npz"), 3, 3)
    np.testing.assert_array_equal(arrays.landmark_vertices[:17], arrays.faces[:17])
    np.testing.assert_array_equal(arrays.landmark_vertices[17:], arrays.faces[:51])
    assert arrays.landmark_barycentric[0].tolist() == [0, 1, 0]


class Runs:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


def hostile(folder):
    mark = folder / "ran"
    array_of_objects = np.empty(1, object)
    array_of_objects[0] = Runs(os.system, (f"touch {mark}",))
    yield Runs(os.system, (f"touch {mark}",))
    yield Runs(eval, (f"open({str(mark)!r}, 'w')",))
    yield Runs(__import__, ("os",))
    yield Runs(np.load, (str(folder / "other.npy"),))
    yield Runs(np.ndarray, ((4,), "O", b"\x01" * 32))
    yield Runs(types.SimpleNamespace, ())
    yield array_of_objects


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("where", ["model", "embedding"])
def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(tmp_path, number, where):
    bad = list(hostile(tmp_path))[number]
    entries = flame_entries()
    if where == "model":
        entries["v_template"] = bad
        write_embedding(tmp_path)
    else:
        write_embedding(tmp_path, embedding() | {"full_lmk_faces_idx": bad})
    (tmp_path / "flame.pkl").write_bytes(pickle.dumps(entries, protocol=4))
    with pytest.raises(UserError) as raised:
        read_flame(str(tmp_path / "flame.pkl"), "", 3, 3)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "ran").exists()


def test_an_npz_with_objects_in_it_is_refused(tmp_path):
    np.savez(tmp_path / "flame.npz", **flame_entries() | {"weights": np.array([Runs(os.system, ("true",))], object)})
    with pytest.raises(UserError, match="plain arrays"):
        read_flame(str(tmp_path / "flame.npz"), "", 3, 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weights": None}, "has no 'weights'"),
        ({"weights": np.zeros((VERTICES, 24))}, "is no FLAME head"),
        ({"shapedirs": np.zeros((VERTICES, 3, 10))}, "none of them of expression"),
        ({"posedirs": np.zeros((VERTICES, 3, 4))}, "posedirs in"),
    ],
)
def test_what_is_no_flame_file_is_named(tmp_path, change, says):
    entries = {name: value for name, value in (flame_entries() | change).items() if value is not None}
    write_embedding(tmp_path)
    np.savez(tmp_path / "flame.npz", **entries)
    with pytest.raises(UserError, match=says):
        read_flame(str(tmp_path / "flame.npz"), "", 3, 3)


def test_missing_files_say_where_to_get_them(tmp_path):
    with pytest.raises(UserError, match=r"flame\.is\.tue\.mpg\.de"):
        Flame().build()
    with pytest.raises(UserError, match=r"no FLAME file at .*nowhere\.pkl"):
        Flame(path=str(tmp_path / "nowhere.pkl")).build()
    (tmp_path / "text.pkl").write_text("hello")
    with pytest.raises(UserError, match="refused to load"):
        Flame(path=str(tmp_path / "text.pkl")).build()
    np.savez(tmp_path / "flame.npz", **flame_entries())
    with pytest.raises(UserError, match="68-point embedding is missing"):
        Flame(path=str(tmp_path / "flame.npz")).build()


@pytest.fixture(scope="module")
def known_head():
    """The shipped head without torso and mouth cavity, as if it had come without masks: its own are the answer."""
    arrays = read_makehuman()
    points = (arrays.v_template[arrays.landmark_vertices] * arrays.landmark_barycentric[..., None]).sum(1)
    keep = ~arrays.masks["torso"] & (~arrays.masks["mouth"] | arrays.masks["lips"])
    return arrays, points, keep


def test_regions_from_geometry_agree_with_painted_ones(known_head):
    arrays, points, keep = known_head
    derived = regions(arrays.v_template[keep], arrays.weights[keep], points)
    assert set(derived) == set(arrays.masks)
    agreement = {"eyeballs": 1, "head": 0.9, "neck": 0.65, "face": 0.7, "lips": 0.7, "ears": 0.75, "scalp": 0.7}
    for name, least in agreement.items():
        ours, painted = derived[name], arrays.masks[name][keep]
        overlap = (ours & painted).sum() / (ours | painted).sum()
        assert overlap >= least, (name, overlap)


def test_derived_lids_shut_the_eyes(known_head):
    arrays, points, _ = known_head
    joints = arrays.J_regressor @ arrays.v_template
    lids = lid_directions(arrays.v_template, points, joints, arrays.masks["eyeballs"])
    corners, weights = arrays.landmark_vertices, arrays.landmark_barycentric[..., None]
    shut = ((arrays.v_template + lids.sum(2))[corners] * weights).sum(1)
    for upper, lower in (([37, 38], [41, 40]), ([43, 44], [47, 46])):
        before, after = ((p[upper, 1] - p[lower, 1]).mean() for p in (points, shut))
        assert abs(after) < 0.25 * before
    left_only = np.linalg.norm(lids[..., 0], axis=1) > 0
    assert (arrays.v_template[left_only, 0] > 0).all()
    np.testing.assert_allclose(shut[:17], points[:17], atol=1e-6)


def test_neck_points_lie_on_the_front_of_the_neck(known_head):
    arrays, points, keep = known_head
    names, vertices = neck_landmarks(arrays.v_template[keep], arrays.weights[keep], points)
    found = dict(zip(names, arrays.v_template[keep][vertices]))
    assert found["throat"][1] > found["front_upper"][1] > found["front_lower"][1]
    assert abs(found["front_lower"][0]) < 0.01
    assert found["side_right"][0] < 0 < found["side_left"][0]

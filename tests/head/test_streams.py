import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from erlnet.head.streams import pack_expression, pack_pose, unpack_expression, unpack_pose


def rigid(rotation, translation):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(rotation).as_matrix()
    matrix[:3, 3] = translation
    return matrix


def test_the_expression_stream_holds_expression_jaw_lids_in_that_order():
    stream = pack_expression(np.full((2, 3), 0.1), np.full((2, 3), 0.2), np.full((2, 2), 0.3))
    np.testing.assert_allclose(stream[0], [0.1] * 3 + [0.2] * 3 + [0.3] * 2, rtol=1e-6)


def test_generated_lids_are_kept_between_open_and_shut():
    stream = np.concatenate([np.zeros((1, 6)), [[-0.2, 1.4]]], axis=1)
    assert unpack_expression(stream)[2].tolist() == [[0.0, 1.0]]


triples = st.tuples(*[st.floats(-1, 1)] * 3)


@settings(deadline=None)
@given(triples, triples, triples, triples)
def test_the_pose_stream_gives_the_head_back(r1, t1, r2, t2):
    root, neck = rigid(r1, t1), rigid(r2, t2)
    head = (root @ neck)[None]
    np.testing.assert_allclose(unpack_pose(pack_pose(head, root), root), head, atol=1e-5)


def test_a_head_at_rest_on_its_torso_is_zero():
    root = rigid([0.1, 0.2, 0.3], [1, 2, 3])
    np.testing.assert_allclose(pack_pose(root[None], root), np.zeros((1, 6)), atol=1e-6)

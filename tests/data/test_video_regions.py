import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from erlnet.interfaces import REGIONS

pytest.importorskip("cv2", reason="needs the extra 'track'")

from erlnet.data.hair import fallen_hair
from erlnet.data.regions import ALIGN, WORK, PersonModel, enlarged, face_parts, region_map, similarity
from erlnet.data.silhouette import Silhouettes
from erlnet.data.torso import TorsoMotion


def bit(bits, name):
    return (bits & (1 << REGIONS.index(name))) > 0


@given(st.floats(-3, 3), st.floats(0.5, 2), st.floats(-50, 50), st.floats(-50, 50))
def test_a_similarity_is_recovered_from_what_it_moved(angle, scale, x, y):
    source = np.random.default_rng(0).uniform(0, 100, (6, 2))
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = similarity(source, source @ linear.T + [x, y])
    np.testing.assert_allclose(found, np.column_stack([linear, [x, y]]), atol=1e-6)


def face_68(centre=(64.0, 50.0), width=40.0):
    """A schematic face: jaw line a half ellipse, eyes and mouth where they belong."""
    cx, cy = centre
    points = np.tile([cx, cy], (68, 1)).astype(float)
    t = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([cx + width / 2 * np.cos(t), cy + 28 * np.sin(t)], 1)
    for start, x in ((36, cx - 9), (42, cx + 9)):
        a = np.arange(6) * np.pi / 3
        points[start : start + 6] = np.stack([x + 4 * np.cos(a), cy - 4 + 2 * np.sin(a)], 1)
    a = np.arange(20) * np.pi / 10
    points[48:] = np.stack([cx + 8 * np.cos(a), cy + 15 + 4 * np.sin(a)], 1)
    points[27:36, 1] += np.linspace(-4, 6, 9)
    return points


@pytest.fixture(scope="module")
def shape():
    rows, columns = np.mgrid[:WORK, :WORK] + 0.5
    face = ((columns - 64) / 20) ** 2 + ((rows - 50) / 28) ** 2 < 1
    head = ((columns - 64) / 22) ** 2 + ((rows - 44) / 34) ** 2 < 1
    neck = (abs(columns - 64) < 10) & (rows > 70) & (rows < 92)
    torso = (rows > 90) & (abs(columns - 64) < 40)
    return Silhouettes(head, face, neck, torso, face_68())


def test_each_place_gets_its_region_and_the_border_gets_none_for_sure(shape):
    person = (shape.head | shape.neck | shape.torso).astype(float)
    model = PersonModel(person, person, np.zeros_like(person), face_68()[ALIGN])
    bits = region_map(shape, model, WORK, np.zeros(2))
    assert bit(bits, "head")[40, 64]
    assert bit(bits, "face")[50, 64]
    assert bit(bits, "torso")[110, 64]
    assert bit(bits, "neck")[86, 64]
    assert bit(bits, "background")[10, 10]
    assert bit(bits, "unknown")[78, 64]  # chin against neck
    assert not bit(bits, "unknown")[50, 64]
    assert not (bit(bits, "background") & (bit(bits, "head") | bit(bits, "torso"))).any()


def test_where_the_key_frames_disagree_nothing_is_claimed(shape):
    person = (shape.head | shape.neck | shape.torso).astype(float)
    person[100:, 105:110] = 0.5
    model = PersonModel(person, person, np.zeros_like(person), face_68()[ALIGN])
    assert bit(region_map(shape, model, WORK, np.zeros(2)), "unknown")[120, 107]


def test_the_matte_of_a_frame_counts_before_what_the_key_frames_had(shape):
    person = (shape.head | shape.neck | shape.torso).astype(float)
    model = PersonModel(person, person, np.zeros_like(person), face_68()[ALIGN])
    matte = person.copy()
    matte[100:, 95:110] = 1.0  # an arm that is there in this frame alone
    matte[100:, 20:30] = 0.0
    bits = region_map(shape, model, WORK, np.zeros(2), matte)
    assert bit(bits, "torso")[120, 107]
    assert bit(bits, "background")[120, 22]
    assert bit(region_map(shape, model, WORK, np.zeros(2)), "background")[120, 107]


def test_hair_below_the_jaw_is_head_but_teaches_nobody(shape):
    person = (shape.head | shape.neck | shape.torso).astype(float)
    hair = np.zeros((WORK, WORK))
    hair[70:100, 40:48] = 1.0
    matte = np.maximum(person, hair)
    bits = region_map(shape, PersonModel(person, person, hair, face_68()[ALIGN]), WORK, np.zeros(2), matte)
    assert bit(bits, "head")[90, 44]
    assert bit(bits, "unknown")[90, 44]
    assert not bit(bits, "torso")[90, 44]
    assert bit(bits, "torso")[110, 44]


def portrait(shape, hair_colour, hair_below):
    """A painted frame: teal wall, hair round the face and (H,W) `hair_below`, red jumper; and who is person in it."""
    skin, jumper, wall = (224, 172, 140), (180, 40, 40), (40, 120, 130)
    image = np.tile(np.array(wall, np.uint8), (WORK, WORK, 1))
    image[shape.torso] = jumper
    image[shape.neck] = skin
    image[shape.head] = hair_colour
    image[shape.face] = skin
    image[hair_below] = hair_colour
    noise = np.random.default_rng(0).integers(-6, 7, image.shape)
    person = shape.head | shape.neck | shape.torso | hair_below
    return np.clip(image + noise, 0, 255).astype(np.uint8), person


def test_long_hair_is_told_from_clothes_and_neck_by_its_colour(shape):
    below = np.zeros((WORK, WORK), bool)
    below[60:104, 40:50] = True
    image, person = portrait(shape, (70, 45, 30), below)
    (found,) = fallen_hair([image], [shape], [person])
    wanted = below & ~shape.above_jaw
    reach = np.flatnonzero(found.any(1)).max()
    assert reach < 104
    assert (found & wanted).sum() > 0.8 * wanted[: reach + 1].sum()
    assert (found & ~wanted).sum() < 0.1 * found.sum()


def test_a_bald_head_has_no_hair_below_the_jaw(shape):
    none = np.zeros((WORK, WORK), bool)
    image, person = portrait(shape, (224, 172, 140), none)
    (found,) = fallen_hair([image], [shape], [person])
    assert found.sum() < 12


def test_masks_grow_with_smooth_outlines():
    small = np.zeros((WORK, WORK), bool)
    small[32:96, 32:96] = True
    large = enlarged(small, 512)
    assert large.shape == (512, 512)
    assert abs(large.sum() - 256 * 256) < 600
    rows, columns = np.mgrid[:WORK, :WORK]
    slope = enlarged(rows > columns, 512)
    edge = slope.argmax(0)[100:400]
    assert np.abs(np.diff(edge)).max() <= 2  # stairs of 4 without it


def test_the_mouth_is_a_box_of_the_stated_size_on_the_lips():
    bits = face_parts(face_68() * 4, 512)
    rows, columns = np.nonzero(bit(bits, "mouth"))
    interocular = 18 * 4
    assert abs(np.ptp(columns) + 1 - 1.3 * interocular) <= 1
    assert abs(np.ptp(rows) + 1 - 0.9 * interocular) <= 1
    assert abs(columns.mean() + 0.5 - 64 * 4) <= 1
    assert bit(bits, "eyes")[46 * 4, 55 * 4]
    assert not bit(bits, "eyes")[46 * 4, 64 * 4]


def test_a_shifted_torso_is_measured():
    rng = np.random.default_rng(0)
    from scipy.ndimage import gaussian_filter

    texture = gaussian_filter(rng.uniform(0, 255, (160, 160, 3)), (1.5, 1.5, 0))
    texture = ((texture - texture.min()) / np.ptp(texture) * 255).astype(np.uint8)
    regions = np.full((128, 128), 1 << REGIONS.index("torso"), np.uint8)
    motion = TorsoMotion()
    for t in range(60):
        shift = 4 if t >= 30 else 0
        motion.add(np.ascontiguousarray(texture[16:144, 16 - shift : 144 - shift]), regions)
    offsets = motion.offsets()
    assert np.ptp(offsets[:, 0]) == pytest.approx(4, abs=0.3)
    assert np.abs(offsets[:, 1]).max() < 0.3

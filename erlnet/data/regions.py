"""Region maps of a real video: the projected head model, and what is person at all.

Who is person is told by the matte of each frame where that asset is present. Without it colour tells: GrabCut, seeded
by the projected model, runs on some frames; alone it is wrong often, but over a clip its mistakes differ while the
person stays. So its masks are averaged in two frames of reference, one that moves with the head and one that drifts
with the torso, and every frame takes the averages: clearly person, clearly not, and unknown in between.

Hair that falls below the jaw is told from clothes and skin by its colour, over the same key frames. It is `head`, and
`unknown` too: whether it goes with the head or lies on the shoulders nobody can say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from erlnet.data.hair import fallen_hair
from erlnet.data.silhouette import Silhouettes
from erlnet.interfaces import REGIONS

WORK = 128  # px, height at which person and regions are found
KEY_FRAMES = 24
FEW = 0.1  # a place hidden by the head in all but this share of the key frames stays unknown
SURE, NOT = 0.85, 0.15  # share of key frames in which a place is person
HAIR = 1.45  # the hair may reach this far out of the model's head, about its centre
WIDE_HAIR = 1.9  # and this far where the matte says that there is person
BORDER = 0.05  # half width of the unknown band at the head-neck border, over the face's height
MOUTH_BOX = (1.3, 0.9)  # width, height over interocular
ALIGN = [27, 28, 29, 30, 31, 35, 36, 39, 42, 45, 0, 16]  # points that move with the skull
_BIT = {name: np.uint8(1 << i) for i, name in enumerate(REGIONS)}


@dataclass(frozen=True)
class PersonModel:
    """How often each place was person, at WORK px: `head` follows the head's image, `torso` the torso's offset."""

    head: np.ndarray  # (WORK,WORK) in [0,1], in the median frame's head position
    torso: np.ndarray  # (WORK,WORK) in [0,1], .5 where the head hides it nearly always
    hair: np.ndarray  # (WORK,WORK) in [0,1], hair below the jaw, drifting with the torso
    anchor: np.ndarray  # (len(ALIGN),2) px at WORK, where the head stands in `head`

    def share(self, shape: Silhouettes, torso_offset: np.ndarray) -> np.ndarray:
        """(WORK,WORK) in [0,1]: how surely each place of a frame is person, as the key frames' masks have it."""
        import cv2

        from_anchor = similarity(self.anchor, shape.landmarks[ALIGN])
        head = cv2.warpAffine(self.head.astype(np.float32), from_anchor, (WORK, WORK), flags=cv2.INTER_LINEAR)
        return np.where(shape.above_jaw & (shape.hair_reach(HAIR) > 0), head, shifted(self.torso, torso_offset))


@dataclass(frozen=True)
class KeyFrame:
    """One of the frames that a PersonModel is made of, at WORK px."""

    image: np.ndarray  # (WORK,WORK,3) uint8
    shape: Silhouettes
    torso_offset: np.ndarray  # (2,) px
    matte: np.ndarray | None  # (WORK,WORK) in [0,1]; None: GrabCut tells


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2,3) least-squares similarity source (N,2) -> target (N,2)."""
    a, b = source - source.mean(0), target - target.mean(0)
    c, s = (a * b).sum(), (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    linear = np.array([[c, -s], [s, c]]) / (a**2).sum()
    return np.column_stack([linear, target.mean(0) - linear @ source.mean(0)])


def fit_person(keys: Sequence[KeyFrame]) -> PersonModel:
    """What the key frames have in common."""
    import cv2

    anchor = np.median([key.shape.landmarks[ALIGN] for key in keys], axis=0)
    head, torso, seen, hair = (np.zeros((WORK, WORK)) for _ in range(4))
    people = [grab_person(key.image, key.shape) if key.matte is None else key.matte >= 0.5 for key in keys]
    for key, person in zip(keys, people):
        shape, offset = key.shape, key.torso_offset
        to_anchor = similarity(shape.landmarks[ALIGN], anchor)
        head += cv2.warpAffine(person.astype(np.float32), to_anchor, (WORK, WORK), flags=cv2.INTER_LINEAR)
        # Only frames that show the place without the head before it tell whether torso or background is there.
        clear = ~shape.head & ~(shape.above_jaw & (shape.hair_reach(HAIR) > 0))
        torso += shifted(person & clear, -offset)
        seen += shifted(clear, -offset)
    images, shapes = [key.image for key in keys], [key.shape for key in keys]
    for key, fallen in zip(keys, fallen_hair(images, shapes, people)):
        hair += shifted(fallen, -key.torso_offset)
    torso = np.where(seen >= FEW * len(keys), torso / np.maximum(seen, FEW), 0.5)
    return PersonModel(head / len(keys), torso, hair / len(keys), anchor)


def shifted(share: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """(WORK,WORK) float32 moved by `offset` (2,) px; what comes in at an edge is what was there."""
    import cv2

    move = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], np.float64)
    return cv2.warpAffine(share.astype(np.float32), move, share.shape[::-1], borderMode=cv2.BORDER_REPLICATE)


def grab_person(frame: np.ndarray, shape: Silhouettes) -> np.ndarray:
    """(WORK,WORK) bool: GrabCut of one frame."""
    import cv2

    kernel = np.ones((3, 3), np.uint8)
    model = (shape.head | shape.neck | shape.torso).astype(np.uint8)
    likely = cv2.dilate(shape.torso.astype(np.uint8), kernel, iterations=6) | shape.hair_reach(HAIR)
    likely |= shape.shoulder_reach.astype(np.uint8)
    near = cv2.dilate(likely | model, kernel, iterations=8)
    labels = np.full(frame.shape[:2], cv2.GC_PR_BGD, np.uint8)
    labels[likely > 0] = cv2.GC_PR_FGD
    labels[near == 0] = cv2.GC_BGD
    below = shape.shoulder_row
    labels[below:][labels[below:] == cv2.GC_BGD] = cv2.GC_PR_BGD  # clothes may reach the frame's edge
    labels[cv2.erode(model, kernel, iterations=3) > 0] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(frame[..., ::-1].copy(), labels, (0, 0, 0, 0), background, foreground, 3, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def region_map(
    shape: Silhouettes, person: PersonModel, size: int, torso_offset: np.ndarray, matte: np.ndarray | None = None
) -> np.ndarray:
    """(size,size) uint8 bits of one frame; `torso_offset` (2,) px at WORK, `matte` (WORK,WORK) in [0,1] or None."""
    import cv2

    share = person.share(shape, torso_offset) if matte is None else matte
    above = shape.above_jaw  # the head's side of the jaw line
    sure, never = share >= SURE, share <= NOT
    reach = shape.hair_reach(HAIR if matte is None else WIDE_HAIR) > 0
    fallen = ~above & ~never & (shifted(person.hair, torso_offset) >= 0.5)
    head = (shape.head & above) | (above & sure & reach) | fallen
    face = shape.face & above & shape.head
    torso = ~above & (sure | shape.torso) & ~never & ~fallen
    neck = ~above & shape.neck_band & (sure | shape.neck) & ~never & ~fallen
    background = never & ~shape.head & ~shape.neck
    band = max(1, round(BORDER * np.ptp(shape.landmarks[:, 1])))
    kernel = np.ones((2 * band + 1, 2 * band + 1), np.uint8)
    border = cv2.dilate(head.astype(np.uint8), kernel) & cv2.dilate((torso | neck).astype(np.uint8), kernel)
    unknown = (border > 0) | fallen | ~(head | torso | neck | background)
    bits = np.zeros((size, size), np.uint8)
    for name, mask in (("head", head), ("face", face), ("neck", neck), ("torso", torso),
                       ("background", background), ("unknown", unknown)):  # fmt: skip
        bits |= np.where(enlarged(mask, size), _BIT[name], 0).astype(np.uint8)
    return bits | face_parts(shape.landmarks * (size / WORK), size)


def enlarged(mask: np.ndarray, size: int) -> np.ndarray:
    """(WORK,WORK) bool -> (size,size) bool with smooth outlines in place of stairs."""
    import cv2

    return cv2.resize(mask.astype(np.uint8) * 255, (size, size), interpolation=cv2.INTER_LINEAR) >= 128


def face_parts(landmarks: np.ndarray, size: int) -> np.ndarray:
    """(size,size) uint8 with the bits mouth (a box) and eyes (their outlines, grown); `landmarks` (68,2) px."""
    import cv2

    eyes = [landmarks[36:42], landmarks[42:48]]
    interocular = np.linalg.norm(eyes[1].mean(0) - eyes[0].mean(0))
    bits = np.zeros((size, size), np.uint8)
    for eye in eyes:
        grown = eye.mean(0) + (eye - eye.mean(0)) * [1.4, 2.0]
        cv2.fillConvexPoly(bits, cv2.convexHull(np.round(grown).astype(np.int32)), int(_BIT["eyes"]))
    low, high = landmarks[48:].min(0), landmarks[48:].max(0)
    half = np.array(MOUTH_BOX) * interocular / 2
    (left, top), (right, bottom) = np.round((low + high) / 2 - half), np.round((low + high) / 2 + half)
    box = np.zeros_like(bits)
    box[max(int(top), 0) : max(int(bottom), 0), max(int(left), 0) : max(int(right), 0)] = _BIT["mouth"]
    return bits | box

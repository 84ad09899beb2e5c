"""Small trees of nearly empty files: a layout is read by names alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

SHARED_META = Path(__file__).parents[4] / "shared" / "data" / "meta"


@pytest.fixture
def touch(tmp_path) -> Callable[..., Path]:
    """Makes files of one byte under a root, and gives the root."""

    def make(*names: str, content: bytes = b"x") -> Path:
        for name in names:
            path = tmp_path / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / "root"

    return make


@pytest.fixture
def shared_meta() -> Path:
    """The folder of the real HDTF text files and EDTalk lists."""
    if not SHARED_META.is_dir():
        pytest.skip("the shared data are not here")
    return SHARED_META

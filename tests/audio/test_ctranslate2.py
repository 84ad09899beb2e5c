"""The reader of CTranslate2's files: what was written comes back, anything else is one line."""

from pathlib import Path

import numpy as np
import pytest
from ct2_files import ct2_bytes
from hypothesis import given
from hypothesis import strategies as st

from erlnet.audio.ctranslate2 import read_ct2
from erlnet.errors import UserError

VARIABLES = {
    "a/weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/half": np.array([0.5, -2], np.float16),
    "a/heads": np.array(6, np.int16),
    "a/codes": np.array([[1], [-3]], np.int8),
}
WHOLE = ct2_bytes(VARIABLES, {"b/weight": "a/weight"})


def test_what_was_written_comes_back(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(WHOLE)
    model = read_ct2(path)
    assert (model.kind, model.revision) == ("WhisperSpec", 3)
    assert set(model.variables) == {*VARIABLES, "b/weight"}
    for name, array in VARIABLES.items():
        assert model.variables[name].dtype == array.dtype
        np.testing.assert_array_equal(model.variables[name], array)
    np.testing.assert_array_equal(model.variables["b/weight"], VARIABLES["a/weight"])


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_that_was_cut_anywhere_is_refused_in_one_line(tmp_path_factory, kept):
    path = tmp_path_factory.mktemp("cut") / "model.bin"
    path.write_bytes(WHOLE[:kept])
    with pytest.raises(UserError, match=r"model\.bin: no whole CTranslate2 model") as error:
        read_ct2(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (WHOLE + b"\0", "1 bytes are left over"),
        (ct2_bytes(VARIABLES, version=5), "begins with 5; layout version 6 is read"),
        (ct2_bytes(VARIABLES, {"b": "c"}), "'b' stands for 'c'"),
        (b"PK\x03\x04" + b"\0" * 99, "begins with 67324752"),
        (WHOLE.replace(b"\2\2\0\0\0\3\0\0\0", b"\2\2\0\0\0\4\0\0\0", 1), r"24 bytes for the shape \(2, 4\)"),
        (WHOLE.replace(b"\x02\0\0\0\x04\x04\0\0\0", b"\x02\0\0\0\x05\x04\0\0\0", 1), "'a/half' is of type 5"),
    ],
)
def test_another_file_is_refused_and_the_reason_said(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(data)
    with pytest.raises(UserError, match=words):
        read_ct2(path)


def test_a_file_that_is_not_there_is_a_mistake(tmp_path):
    with pytest.raises(UserError, match=r"none\.bin: cannot be read"):
        read_ct2(tmp_path / "none.bin")

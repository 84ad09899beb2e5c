"""Reads a pickle of numpy arrays, scipy sparse matrices and chumpy records without running anything in it.

A pickle is a program: it may name any callable. This unpickler knows a closed list of names, and every one of them is
bound to a record of this module that only remembers what it is given; nothing of numpy, scipy or chumpy is called while
the program runs. `as_array` makes arrays of the records afterwards.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from erlnet.errors import UserError


class Record:
    """Stands in for an object of a class that is not loaded; keeps the state it was pickled with."""

    def __init__(self, *arguments: object):
        self.state: object = {}

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Dtype:
    """numpy.dtype: the code it is made with, then a state whose second entry is the byte order."""

    def __init__(self, code: str, *flags: object):
        self.code, self.order = code, "|"

    def __setstate__(self, state: tuple) -> None:
        self.order = state[1]

    def resolve(self) -> np.dtype:
        """Numbers and bools alone; ValueError for anything else."""
        dtype = np.dtype(self.code).newbyteorder(self.order)  # type: ignore[arg-type]
        if dtype.kind not in "biuf":
            raise ValueError(f"holds values of type {dtype}")
        return dtype


@dataclass
class _Array:
    """numpy.ndarray: made empty, then given (version, shape, dtype, column-major, bytes or list of objects)."""

    shape: tuple[int, ...] = ()
    dtype: _Dtype | None = None
    column_major: bool = False
    content: object = b""

    def __setstate__(self, state: tuple) -> None:
        _, self.shape, self.dtype, self.column_major, self.content = state

    def resolve(self) -> np.ndarray:
        if self.dtype is None or isinstance(self.content, list):
            raise ValueError("holds an array of objects")
        flat = np.frombuffer(self.content, self.dtype.resolve())  # type: ignore[call-overload]
        return flat.reshape(self.shape, order="F" if self.column_major else "C")


class _ArrayType:
    """numpy.ndarray as a name, which numpy's makers take as an argument; no pickle calls it."""

    def __new__(cls) -> "_ArrayType":
        raise pickle.UnpicklingError("asks to make an array by hand")


def _reconstruct_object(cls: object, base: object, state: object) -> Record:
    """copyreg's maker of plain objects, for stand-ins alone."""
    if cls is not Record:
        raise pickle.UnpicklingError(f"asks to rebuild {cls}")
    return Record()


def _reconstruct_array(cls: object, shape: tuple, code: object) -> _Array:
    """numpy's maker of an empty array, which the next instruction fills."""
    return _Array()


def _from_buffer(buffer: bytes | bytearray, dtype: _Dtype, shape: tuple, order: str) -> _Array:
    """numpy's maker of arrays in pickle protocol 5."""
    return _Array(shape, dtype, order == "F", buffer)


def _scalar(dtype: _Dtype, raw: bytes) -> _Array:
    return _Array((), dtype, False, raw)


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in old protocols."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"asks for the codec {encoding}")
    return text.encode("latin1")


_KNOWN: dict[tuple[str, str], object] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct_array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
    ("numpy", "ndarray"): _ArrayType,
    ("numpy", "dtype"): _Dtype,
    **{(module, "_reconstructor"): _reconstruct_object for module in ("copyreg", "copy_reg")},
    **{(module, "object"): object for module in ("builtins", "__builtin__")},
    ("_codecs", "encode"): _encode,
}
_STAND_INS = ("chumpy", "scipy.sparse")


class RecordUnpickler(pickle.Unpickler):
    """Knows the names that arrays, and what stands in for chumpy and scipy, need; refuses any other."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) in _KNOWN:
            return _KNOWN[module, name]
        if any(module == root or module.startswith(f"{root}.") for root in _STAND_INS):
            return Record
        raise pickle.UnpicklingError(f"asks for {module}.{name}")


def load_pickle(path: Path, offset: int = 0) -> object:
    """The object that the pickle at `offset` holds, with records where arrays were: give them to `as_array`.

    UserError where it cannot be read, or names anything but arrays.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return RecordUnpickler(file, encoding="latin1").load()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"refused to load {path}: {reason}; a FLAME file holds arrays alone") from None


def load_npy_table(path: Path) -> object:
    """The object that a .npy file holds in place of numbers, as np.save writes a dict; read like `load_pickle`."""
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(file)
            offset = file.tell()
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no .npy file: {error}") from None
    if shape != () or dtype.kind != "O":
        raise UserError(f"{path} holds an array of {dtype} and shape {shape}, expected a table of arrays")
    held = load_pickle(path, offset)
    return held.content[0] if isinstance(held, _Array) and isinstance(held.content, list) else held


def as_array(value: object) -> np.ndarray:
    """A dense array from an array, a chumpy constant or a scipy matrix in CSC, CSR or COO form; ValueError if none."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value
    if isinstance(value, _Array):
        return value.resolve()
    if isinstance(value, Record) and isinstance(value.state, dict):
        state = value.state
        if "x" in state:  # chumpy.Ch: a constant's value
            return as_array(state["x"])
        shape = tuple(state.get("_shape", state.get("shape")) or ())
        if len(shape) == 2 and "indptr" in state:
            pointers, indices = as_array(state["indptr"]), as_array(state["indices"])
            outer = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
            # CSC has a pointer a column, CSR one a row; a square matrix counts as CSC, which FLAME's regressor is.
            row, column = (indices, outer) if len(pointers) - 1 == shape[1] else (outer, indices)
            return _dense(row, column, as_array(state["data"]), shape)
        if len(shape) == 2 and ("row" in state or "coords" in state):  # COO, by scipy before and from 1.13 on
            row, column = state["coords"] if "coords" in state else (state["row"], state["col"])
            return _dense(as_array(row), as_array(column), as_array(state["data"]), shape)
    raise ValueError("holds no plain array")


def _dense(row: np.ndarray, column: np.ndarray, data: np.ndarray, shape: tuple) -> np.ndarray:
    dense = np.zeros(shape)
    np.add.at(dense, (row, column), data)
    return dense

"""Reads the weights file (`model.bin`) of a CTranslate2 model: layout version 6, little-endian.

    version u32 · name of the model's kind · revision u32 · number of variables u32
    each variable: name · number of axes u8 · axes u32 each · type u8 · number of bytes u32 · the bytes
    number of aliases u32 · each alias: its name · the variable's name

A name is a u16 length and that many bytes, the last one 0. Only the types that a computation can start from are read:
float32, float16 and whole numbers; quantised weights (int8 with a scale) come out as they are stored.
Source: the CTranslate2 project's `python/ctranslate2/specs/model_spec.py` (MIT).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from erlnet.errors import UserError

VERSION = 6
_TYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2"}


@dataclass(frozen=True)
class Ct2Model:
    kind: str  # "WhisperSpec", say
    revision: int
    variables: dict[str, np.ndarray]  # read-only; an alias is the variable itself


def read_ct2(path: Path) -> Ct2Model:
    """The file's content; UserError where it is another kind of file, another version, or cut short."""
    try:
        return _read(_Cursor(path.read_bytes()))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except _Damaged as error:
        raise UserError(f"{path}: no whole CTranslate2 model ({error}); get it again") from None


class _Damaged(Exception):
    pass


class _Cursor:
    """Takes values off the front of some bytes; _Damaged where there are not enough."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def number(self, form: str) -> int:
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def name(self) -> str:
        raw = bytes(self.take(self.number("H")))
        if not raw.endswith(b"\0") or not raw[:-1].isascii():
            raise _Damaged(f"no name at byte {self.at - len(raw)}")
        return raw[:-1].decode("ascii")

    def take(self, size: int) -> memoryview:
        if size > len(self.data) - self.at:
            raise _Damaged(f"it ends at byte {len(self.data)}, in the middle of something")
        self.at += size
        return memoryview(self.data)[self.at - size : self.at]


def _read(cursor: _Cursor) -> Ct2Model:
    version = cursor.number("I")
    if version != VERSION:
        raise _Damaged(f"it begins with {version}; layout version {VERSION} is read")
    kind, revision = cursor.name(), cursor.number("I")
    variables = dict(_variable(cursor) for _ in range(cursor.number("I")))
    for _ in range(cursor.number("I")):
        alias, name = cursor.name(), cursor.name()
        if name not in variables:
            raise _Damaged(f"'{alias}' stands for '{name}', which is not there")
        variables[alias] = variables[name]
    if cursor.at != len(cursor.data):
        raise _Damaged(f"{len(cursor.data) - cursor.at} bytes are left over")
    return Ct2Model(kind, revision, variables)


def _variable(cursor: _Cursor) -> tuple[str, np.ndarray]:
    name = cursor.name()
    shape = tuple(cursor.number("I") for _ in range(cursor.number("B")))
    code, size = cursor.number("B"), cursor.number("I")
    if code not in _TYPES:
        raise _Damaged(f"'{name}' is of type {code}, which is not read")
    dtype = np.dtype(_TYPES[code])
    if size != prod(shape) * dtype.itemsize:
        raise _Damaged(f"'{name}' has {size} bytes for the shape {shape}")
    return name, np.frombuffer(cursor.take(size), dtype).reshape(shape)

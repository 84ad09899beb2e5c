"""A worker of a batch: sets up its tools once, then prepares input after input until its parent ends it."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import socket
import sys
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from erlnet.data.items import Item
from erlnet.data.process import die_with_parent, share_one_heap
from erlnet.data.records import Making
from erlnet.data.shelf import Shelf
from erlnet.errors import AssetMissing, InputError, UserError

UNITS = 1000  # `Progress.update`'s steps an input


@dataclass(frozen=True)
class Work:
    """One input that is to be prepared."""

    item: Item
    name: str  # of its record and its clips' folders
    settings: dict[str, str]


@dataclass(frozen=True)
class Place:
    """Where a batch's clips go. `keyed`: folders are named by content too, so that several data sets can share them."""

    out: Path
    keyed: bool = False
    owner: str = field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")  # whose scratch it is

    def name(self, item: Item, settings: dict[str, str]) -> str:
        if not self.keyed:
            return item.name
        return f"{item.name}-{hashlib.sha256(repr(sorted(settings.items())).encode()).hexdigest()[:12]}"

    @property
    def scratch(self) -> Path:
        return self.out / ".unfinished" / self.owner

    @property
    def log(self) -> Path:
        return self.out / ".records" / "log.txt"


class _Teller:
    """A worker's Progress: tells the parent, not too often."""

    def __init__(self, connection: Connection):
        self._connection, self._last = connection, -1

    def update(self, step: int, total: int, loss: float | None = None) -> None:
        units = step * UNITS // total
        if units // 10 != self._last // 10:
            self._last = units
            self._connection.send(("units", units))

    def note(self, text: str) -> None:
        self._connection.send(("note", text))


def serve(connection: Connection, place: Place, making: Making) -> None:
    """A worker's life: answers each Work with ("done", Prepared), ("failed", reason), or why it must stop.

    Between them come ("units", n) and ("note", text). What its libraries write goes into the batch's log.
    """
    die_with_parent()
    share_one_heap()
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)  # the landmarker's libraries write warnings of theirs
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")  # as for training: waiting threads must not hold a shared core
    try:
        import torch

        from erlnet.data.prepare import open_tools, prepare_item

        torch.set_num_threads(1)  # so that the bits do not depend on the number of workers
        with open_tools(making) as tools:
            while True:
                work: Work = connection.recv()
                scratch = place.scratch / work.name
                shelf = Shelf(place.out, scratch, work.name, work.settings)
                try:
                    prepared = prepare_item(work.item, shelf, tools, _Teller(connection))
                    connection.send(("done", prepared))
                except InputError as error:
                    connection.send(("failed", str(error)))
                finally:
                    shutil.rmtree(scratch, ignore_errors=True)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent is gone
    except AssetMissing as error:
        connection.send(("asset", (error.asset, error.needed_for)))
    except UserError as error:
        connection.send(("stop", str(error)))
    except Exception as error:
        print(traceback.format_exc(), file=sys.stderr, flush=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            connection.send(("stop", f"{place.out}: no space left; free some and issue the command again to go on"))
        else:
            connection.send(("broken", f"internal error, {type(error).__name__}: {error}"))

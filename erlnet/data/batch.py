"""Many inputs -> clips, in processes of their own: none is done twice, and none can take the others with it.

A worker sets up its tools once and prepares input after input. One that dies (a codec's crash, no memory) costs its
input alone, and another takes its place. A clip's bytes do not depend on how many workers there are. The parent imports
nothing heavy, and nothing at all where nothing is left to do.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from erlnet.assets import asset_present
from erlnet.data.items import Item
from erlnet.data.records import Making, Record, read_record, replaced_clips, settings_of, write_record
from erlnet.errors import AssetMissing, InputError, UserError
from erlnet.interfaces import Progress

UNITS = 1000  # `Progress.update`'s steps an input


@dataclass(frozen=True)
class Batch:
    """What came of all inputs, in their order."""

    done: list[tuple[Item, Record]]
    failed: list[tuple[Item, str]]


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


def prepare_batch(items: Sequence[Item], place: Place, making: Making, jobs: int, progress: Progress) -> Batch:
    """Prepares what has no finished record yet, `jobs` inputs at a time.

    An input that cannot be used is recorded with its reason and does not stop the others. UserError where all must
    stop: a missing asset, no space left.
    """
    records: dict[str, Record] = {}
    waiting: deque[Work] = deque()
    works = [_work_on(item, place, making) for item in items]
    for work in works:
        record = read_record(place.out, work.name, work.settings)
        if record is None:
            waiting.append(work)
        else:
            records[work.name] = record
            if record.failed:
                progress.note(
                    f"{work.item.name}: {record.failed} (as before; tried again when it or an option changes)"
                )
    if records and waiting:
        progress.note(f"{len(records)} of {len(items)} inputs were prepared before")
    if waiting:
        _run(waiting, place, making, jobs, progress, records)
    done = [(w.item, records[w.name]) for w in works if not records[w.name].failed]
    failed = [(w.item, records[w.name].failed) for w in works if records[w.name].failed]
    return Batch(done, failed)


def _work_on(item: Item, place: Place, making: Making) -> Work:
    settings = settings_of(item, making)
    return Work(item, place.name(item, settings), settings)


@dataclass
class _Worker:
    process: Any
    connection: Connection
    work: Work | None = None
    units: int = 0  # of its input that are done
    started: float = 0.0


@dataclass
class _Tally:
    """How far all is."""

    progress: Progress
    total: int
    finished: int = 0
    workers: list[_Worker] = field(default_factory=list)

    def show(self) -> None:
        running = sum(worker.units for worker in self.workers if worker.work)
        self.progress.update(self.finished * UNITS + running, self.total * UNITS)


def _run(
    waiting: deque[Work], place: Place, making: Making, jobs: int, progress: Progress, records: dict[str, Record]
) -> None:
    _clear_scratch(place)
    if making.options.matte == "auto" and not asset_present("matte"):
        progress.note(
            "asset 'matte' is not there: person and background are told by colour; "
            "for better outlines: python -m erlnet assets fetch matte"
        )
    place.log.parent.mkdir(parents=True, exist_ok=True)
    tally = _Tally(progress, len(waiting))
    try:
        for _ in range(min(jobs, len(waiting))):
            tally.workers.append(_start(place, making))
        for worker in tally.workers:
            _give(worker, waiting)
        while any(worker.work for worker in tally.workers):
            for connection in wait([worker.connection for worker in tally.workers if worker.work]):
                worker = next(w for w in tally.workers if w.connection is connection)
                _hear(worker, tally, place, records)
                if worker.work is None and waiting:
                    if not worker.process.is_alive():
                        tally.workers[tally.workers.index(worker)] = worker = _start(place, making)
                    _give(worker, waiting)
            tally.show()
    finally:
        for worker in tally.workers:
            worker.process.terminate()
        for worker in tally.workers:
            worker.process.join()
        shutil.rmtree(place.scratch, ignore_errors=True)
        with contextlib.suppress(OSError):  # another command's may be there still
            place.scratch.parent.rmdir()


def _clear_scratch(place: Place) -> None:
    """Makes this process's own, and removes what killed ones left on this machine."""
    host, _, _ = place.owner.rpartition("-")
    for folder in place.scratch.parent.glob(f"{host}-*"):
        pid = folder.name.rpartition("-")[2]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(place.scratch, ignore_errors=True)
    place.scratch.mkdir(parents=True)


def _start(place: Place, making: Making) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, place, making), daemon=True)
    with _deaf_to_interrupts():
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process started in here never hears ctrl-C, not even while it starts; this one hears it afterwards."""
    resource_tracker.ensure_running()  # starting with the process, it would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _give(worker: _Worker, waiting: deque[Work]) -> None:
    worker.work, worker.units, worker.started = waiting.popleft(), 0, time.monotonic()
    with contextlib.suppress(OSError):  # it died before: reading from it tells
        worker.connection.send(worker.work)


def _hear(worker: _Worker, tally: _Tally, place: Place, records: dict[str, Record]) -> None:
    """Takes one message of a worker; UserError where everything must stop."""
    assert worker.work is not None
    work = worker.work
    seconds = round(time.monotonic() - worker.started, 2)
    try:
        kind, content = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        code = worker.process.exitcode
        reason = f"signal {-code}" if code and code < 0 else f"exit code {code}"
        kind = "broken"
        content = f"its process ended with {reason}{' (out of memory?)' if code == -signal.SIGKILL else ''}"
    if kind == "units":
        worker.units = content
    elif kind == "note":
        tally.progress.note(content)
    elif kind == "asset":
        raise AssetMissing(*content)
    elif kind == "stop":
        raise UserError(content)
    else:
        if kind == "done":
            record = Record(work.settings, content.clips, content.left_out, "", seconds)
            for clip in replaced_clips(place.out, work.name, content.clips):  # it had other cuts before
                shutil.rmtree(place.out / clip, ignore_errors=True)
            write_record(place.out, work.name, record)
            tally.progress.note(_told(work.name, record))
        elif kind == "failed":
            record = Record(work.settings, [], [], content, seconds)
            write_record(place.out, work.name, record)
            tally.progress.note(f"{work.item.name}: {content}")
        else:  # nothing is wrong with the input as far as is known: it is tried again next time
            worker.process.join(5)
            record = Record(work.settings, [], [], f"{content}; see {place.log}", seconds)
            tally.progress.note(f"{work.item.name}: {record.failed}")
        records[work.name] = record
        worker.work = None
        tally.finished += 1


def _told(name: str, record: Record) -> str:
    several = f"{len(record.clips)} clips, one a shot" if len(record.clips) > 1 else "1 clip"
    return f"{name}: {several}, in {record.seconds:.1f} s" + "".join(f"; left out: {text}" for text in record.left_out)


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


def _serve(connection: Connection, place: Place, making: Making) -> None:
    """A worker's life."""
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
                try:
                    prepared = prepare_item(
                        work.item, work.name, place.out, scratch, tools, work.settings, _Teller(connection)
                    )
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

"""Many inputs -> clips, in processes of their own: none is done twice, and none can take the others with it.

A worker sets up its tools once and prepares input after input. One that dies (a codec's crash, no memory) costs its
input alone, and another takes its place. A clip's bytes do not depend on how many workers there are. The parent imports
nothing heavy, and nothing at all where nothing is left to do.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import shutil
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from erlnet.assets import asset_present
from erlnet.data.items import Item
from erlnet.data.records import (
    Making,
    Record,
    another_videos,
    read_record,
    replaced_clips,
    settings_of,
    write_record,
)
from erlnet.data.worker import UNITS, Place, Work, serve
from erlnet.errors import AssetMissing, UserError
from erlnet.interfaces import Progress


@dataclass(frozen=True)
class Batch:
    """What came of all inputs, in their order."""

    done: list[tuple[Item, Record]]
    failed: list[tuple[Item, str]]  # cannot be used
    broken: list[tuple[Item, str]]  # nothing is known to be wrong with them: to be tried again


def prepare_batch(items: Sequence[Item], place: Place, making: Making, jobs: int, progress: Progress) -> Batch:
    """Prepares what has no finished record yet, `jobs` inputs at a time.

    An input that cannot be used is recorded with its reason and does not stop the others. UserError where all must
    stop: a missing asset, no space left.
    """
    records: dict[str, Record] = {}
    waiting: deque[Work] = deque()
    works = [_work_on(item, place, making) for item in items]
    if len({work.name for work in works}) < len(works):
        raise ValueError("two inputs of one name: a layout must give every item its own")
    for work in works:
        record = read_record(place.out, work.name, work.settings)
        other = "" if record else another_videos(place.out, work.name, work.item)
        if other:
            reason = f"{place.out} holds '{work.name}' of {other} already; rename one, or prepare it elsewhere"
            records[work.name] = Record({}, failed=reason)
            progress.note(f"{work.item.name}: {reason}")
        elif record is None:
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
    batch = Batch([], [], [])
    for work in works:
        record = records[work.name]
        if record.broken:
            batch.broken.append((work.item, record.failed))
        elif record.failed:
            batch.failed.append((work.item, record.failed))
        else:
            batch.done.append((work.item, record))
    return batch


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
    here = place.owner.rpartition("-")[0]
    for folder in place.scratch.parent.glob("*"):
        host, _, pid = folder.name.rpartition("-")
        if host == here and pid.isdecimal() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(place.scratch, ignore_errors=True)
    place.scratch.mkdir(parents=True)


def _start(place: Place, making: Making) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, place, making), daemon=True)
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
            record = Record(work.settings, content.clips, content.left_out, "", seconds, str(work.item.video))
            for clip in replaced_clips(place.out, work.name, content.clips):  # it had other cuts before
                shutil.rmtree(place.out / clip, ignore_errors=True)
            write_record(place.out, work.name, record)
            tally.progress.note(_told(work.name, record))
        elif kind == "failed":
            record = Record(work.settings, [], [], content, seconds, str(work.item.video))
            write_record(place.out, work.name, record)
            tally.progress.note(f"{work.item.name}: {content}")
        else:  # nothing is wrong with the input as far as is known: it is tried again next time
            worker.process.join(5)
            record = Record(work.settings, [], [], f"{content}; see {place.log}", seconds, broken=True)
            tally.progress.note(f"{work.item.name}: {record.failed}")
        records[work.name] = record
        worker.work = None
        tally.finished += 1


def _told(name: str, record: Record) -> str:
    several = f"{len(record.clips)} clips, one a shot" if len(record.clips) > 1 else "1 clip"
    return f"{name}: {several}, in {record.seconds:.1f} s" + "".join(f"; left out: {text}" for text in record.left_out)

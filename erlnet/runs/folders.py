"""Run folders: every product is written whole under a temporary name and then renamed; nothing finished is lost."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from erlnet.errors import UserError
from erlnet.files import write_whole


def write_json(path: Path, content: Any) -> None:
    write_whole(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def check_writable(out: Path) -> None:
    """UserError where `out` cannot hold a run."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".writable-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror}); choose another folder") from None


@contextmanager
def unfinished_folder(final: Path, scratch: Path, checkpoints: Path | None = None) -> Iterator[Path | None]:
    """A fresh folder that becomes `final` when the block ends well; None where another process finished it meanwhile.

    A lock makes two jobs that need the same product wait for one another. The kernel drops it when a process is
    killed; what a killed process left behind is removed by the next one. All but `checkpoints`: that folder, which the
    block may make and the same lock guards, stays until the product is whole.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    name = f"{final.parent.name}-{final.name}"
    with open(scratch / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (final / "DONE").exists():
            _remove(checkpoints)
            yield None
            return
        shutil.rmtree(final, ignore_errors=True)  # a folder without DONE is no product
        working = scratch / name
        shutil.rmtree(working, ignore_errors=True)
        working.mkdir()
        yield working
        (working / "DONE").write_text("")
        final.parent.mkdir(parents=True, exist_ok=True)
        working.rename(final)
        _remove(checkpoints)


@contextmanager
def whole_entries(out: Path, entries: Sequence[str]) -> Iterator[Path]:
    """A scratch folder beside `out` whose `entries` become `out`'s when the block ends well; other files there stay.

    An entry that the block did not make is removed from `out`, because it would tell of another call. Where the block
    fails, `out` stays as it was.
    """
    place = out.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    work = place.with_name(f".{place.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
        place.mkdir(exist_ok=True)
        for name in entries:
            if (place / name).is_dir():
                shutil.rmtree(place / name)
            else:
                (place / name).unlink(missing_ok=True)
            if (work / name).exists():
                (work / name).rename(place / name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _remove(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)

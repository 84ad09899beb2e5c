"""Files that are never seen half written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from erlnet.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT)


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file so that a reader sees the old one or the new one, never half of it.

    UserError where the disk is full: the old file then stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in FULL:
            raise disk_full(path) from None
        raise


def disk_full(path: Path | str) -> UserError:
    """What a person is told where `path` could not be written for want of space."""
    return UserError(
        f"no space left on the disk: {path} could not be written; what was finished is kept: "
        "free some space and issue the command again"
    )

"""The source of clips of every data set that is made of videos: an index first, then what is selected is prepared."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from erlnet.data.batch import Batch, Place, prepare_batch
from erlnet.data.items import Index, Item, Layout
from erlnet.data.options import PrepareOptions
from erlnet.data.records import Making, quick_print
from erlnet.errors import UserError

if TYPE_CHECKING:
    from erlnet.data.clip import Indexed
    from erlnet.interfaces import Preparation

_WORKER_BYTES = 1 << 31  # of memory for each worker: it takes half of that for ten minutes of video
_SHOWN = 5  # failed inputs that an error names


@dataclass(frozen=True)
class IndexedSource:
    """`ClipSource` over the videos that a layout lists."""

    dataset: str
    layout: Layout
    options: PrepareOptions

    def index(self, data: Path | None) -> Index:
        """What the layout selects under `data`; UserError where that is nothing."""
        if data is None:
            raise UserError(f"dataset={self.dataset} needs data=ROOT")
        if not data.exists():
            raise UserError(f"data={data}: there is no such file or folder")
        index = self.layout.index(data)
        if not index.items:
            wrong = f"; {index.findings[0]}" if index.findings else ""
            raise UserError(f"data={data}: no clip of dataset={self.dataset} is selected there{wrong}")
        return index

    def fingerprint(self, data: Path | None) -> dict:
        """How many items there are, and a hash over their files' sizes and ends, their labels and places."""
        rows = [
            [_described(item), quick_print(item.video), quick_print(item.sound) if item.sound else ""]
            for item in self.index(data).items
        ]
        text = json.dumps(rows, sort_keys=True)
        return {"items": len(rows), "sha256": hashlib.sha256(text.encode()).hexdigest()}

    def prepare(self, wanted: Preparation) -> None:
        """Prepares the items that the store lacks and lists them all.

        Inputs that cannot be used are noted and left out. UserError where every one of them is, and where one was not
        finished for another reason (its process was killed).
        """
        from erlnet.data.clip import write_index

        making = Making(self.dataset, self.options, wanted.tracker, wanted.head_model)
        place = Place(wanted.store, keyed=True)
        jobs = min(wanted.jobs, _jobs_in_memory())
        batch = prepare_batch(self.index(wanted.data).items, place, making, jobs, wanted.progress)
        if batch.broken:  # without them the sweep would learn from less than its key says
            item, reason = batch.broken[0]
            more = f" and {len(batch.broken) - 1} more" if len(batch.broken) > 1 else ""
            raise UserError(
                f"not finished: {item.name}{more}: {reason}; what is finished is kept: issue the command again to go on"
            )
        if not batch.done:
            reasons = "; ".join(f"{item.name}: {reason}" for item, reason in batch.failed[:_SHOWN])
            rest = len(batch.failed) - _SHOWN
            raise UserError(reasons + (f"; and {rest} more" if rest > 0 else ""))
        # `out` lies as deep under the store's parent as the finished stage will.
        write_index(wanted.out, indexed(batch, wanted.store, self.dataset), root=wanted.store.parent)


def indexed(batch: Batch, store: Path, dataset: str) -> Sequence[Indexed]:
    """Index rows of everything in `batch` that gave clips, with the labels that the items have now."""
    from erlnet.data.clip import Indexed, Labels

    rows = []
    for item, record in batch.done:
        labels = Labels(item.speaker, item.style, dataset, item.split, item.source)
        rows += [Indexed(store / clip, labels) for clip in record.clips]
    return rows


def _jobs_in_memory() -> int:
    """As many workers as the machine's memory holds."""
    try:
        return max(1, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _WORKER_BYTES)
    except (AttributeError, ValueError, OSError):
        return 1


def _described(item: Item) -> dict:
    """What a clip of it depends on, wherever its files lie."""
    return {k: v for k, v in asdict(item).items() if k not in ("video", "sound")} | {"video": item.video.name}

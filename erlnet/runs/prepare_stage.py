"""Stage `prepare`: the dataset's clips, prepared or pointed to, and their index."""

from __future__ import annotations

from typing import Any

from erlnet.data.clip import open_index
from erlnet.interfaces import Preparation
from erlnet.runs.task import Task


def run(task: Task) -> dict[str, object]:
    """Writes `index.json` and the clips that are not elsewhere already."""
    source: Any = task.component("dataset").build()
    tracker: Any = task.component("tracker")
    head_model: Any = task.component("head_model")
    source.prepare(Preparation(task.data, task.out, task.store, tracker, head_model, task.threads, task.progress))
    clips = open_index(task.out)
    return {"clips": len(clips), "frames": sum(len(clip) for clip in clips)}

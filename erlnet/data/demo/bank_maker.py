"""Fills the motion bank in two processes. A clip's bytes follow from its plan alone, not from how many there are."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from erlnet.data.clip import Indexed, write_index
from erlnet.data.demo.actor import cast
from erlnet.data.demo.bank import BankClip, BankPlan, plan_bank
from erlnet.data.demo.bank_worker import Commission, make
from erlnet.head.components import MakeHuman
from erlnet.interfaces import Progress

WORKERS = 2
SIZE = 256  # px of the camera, for those who want to draw the head

_CHUNK = 4  # clips that a worker is handed at a time


def fill(plan: BankPlan, out: Path, progress: Progress) -> None:
    """Writes every clip of `plan` under `out`, and `index.json`."""
    clips = plan_bank(plan)
    for done, _ in enumerate(_make_all(list(commissions(plan, clips, out))), start=1):
        progress.update(done, len(clips))
    write_index(out, [Indexed(out / clip.name) for clip in clips])


def commissions(plan: BankPlan, clips: list[BankClip], out: Path) -> Iterator[Commission]:
    """What a worker needs for each clip; speakers look as in a demo of the same seed."""
    model = MakeHuman().build()
    actors = {number: cast(model, plan.seed, number, SIZE) for number in sorted({clip.speaker for clip in clips})}
    for clip in clips:
        actor = actors[clip.speaker]
        # The demo's scripts come from the first three numbers alone.
        script = np.random.SeedSequence([plan.seed, clip.speaker, clip.index, 1]).generate_state(1)[0]
        yield Commission(
            folder=out / clip.name,
            clip=clip,
            source=f"bank seed {plan.seed}: {clip.name}",
            script=int(script),
            expression_names=tuple(model.expression_names),
            pivot=actor.pivot,
            shape=actor.shape,
            root=actor.root,
            camera=actor.stage.camera,
        )


def _make_all(wanted: list[Commission]) -> Iterator[str]:
    workers = min(WORKERS, os.cpu_count() or 1, len(wanted))
    if workers == 1:
        yield from map(make, wanted)
        return
    # Spawned, not forked: torch's threads may be running here.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(make, wanted, chunksize=_CHUNK)

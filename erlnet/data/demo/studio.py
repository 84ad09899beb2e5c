"""Makes the demo: each clip is performed, posed and tracked here, and filmed in two processes of their own.

Filming is most of the work and needs numpy alone. A clip's bytes depend on nothing but its plan, so neither do the data
set's on how many processes there are.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import ndimage
from threadpoolctl import threadpool_limits

from erlnet.data.clip import FPS, Indexed, Labels, write_index
from erlnet.data.demo.actor import Actor, Take, act, cast
from erlnet.data.demo.dataset import ClipPlan, Plan, plan_clips
from erlnet.data.demo.filming import Set, Shot, film, warm
from erlnet.data.demo.speech import perform
from erlnet.data.silence import Silence
from erlnet.head.components import MakeHuman
from erlnet.interfaces import Observation

if TYPE_CHECKING:
    from erlnet.head.model import HeadModel
    from erlnet.interfaces import HeadModelComponent, Progress, Tracker

WORKERS = 2
LANDMARK_NOISE = 1.0  # px at the video's size, standard deviation: about what a detector would be off by

_PENDING = 4  # clips that wait to be filmed, so that memory does not grow with their number
_OFFSET_SMOOTHING = 2.0  # frames, standard deviation of the low-pass
_OFFSET_NOISE = 0.15 / 128  # of the picture's height


def produce(plan: Plan, out: Path, tracker: Tracker, head_model: HeadModelComponent, progress: Progress) -> None:
    """Writes every clip of `plan` under `out`, and `index.json`.

    What is seen is always the shipped head; `head_model` is what the tracker fits to it.
    """
    clips = plan_clips(plan)
    with one_thread():
        shipped = MakeHuman().build()
        first = cast(shipped, plan.seed, clips[0].speaker, plan.size)
        shots = _shots(plan, clips, out, tracker, head_model, shipped)
        for done, _ in enumerate(_film_all(shots, first.stage), start=1):
            progress.update(done, len(clips))
    write_index(out, [Indexed(out / clip.name) for clip in clips])


@contextmanager
def one_thread() -> Iterator[None]:
    """The fit is many small products, and the other cores film: more threads only wait for each other.

    With two BLAS threads it takes ten times as long. One also keeps the bytes apart from how many the caller has.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


def _film_all(shots: Iterator[Shot], first: Set) -> Iterator[str]:
    """Clip names as they are finished, in any order; `first` is the first shot's set."""
    workers = min(WORKERS, os.cpu_count() or 1)
    if workers == 1:
        yield from map(film, shots)
        return
    # Spawned, not forked: torch's threads are running here.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        # While the first clip is fitted, which takes longest, they dress the speaker.
        waiting: set[Future[str | None]] = {pool.submit(warm, first) for _ in range(workers)}
        for shot in shots:
            waiting.add(pool.submit(film, shot))
            if len(waiting) == _PENDING:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from filter(None, (future.result() for future in finished))
        yield from filter(None, (future.result() for future in wait(waiting).done))


def _shots(
    plan: Plan,
    clips: list[ClipPlan],
    out: Path,
    tracker: Tracker,
    head_model: HeadModelComponent,
    shipped: HeadModel,
) -> Iterator[Shot]:
    same_head = isinstance(head_model, MakeHuman)
    fitted: HeadModel = shipped if same_head else head_model.build()
    track = tracker.build()
    actor: Actor | None = None
    shape: np.ndarray | None = None
    for clip in clips:
        if actor is None or actor.stage.speaker != clip.speaker:
            actor, shape = cast(shipped, plan.seed, clip.speaker, plan.size), None
        seeds = np.random.SeedSequence([plan.seed, clip.speaker, clip.index])
        script, noise = seeds.generate_state(1)[0], np.random.default_rng(seeds.spawn(1)[0])
        performance = perform(
            int(script), clip.speaker, clip.style, clip.n_frames, shipped.expression_names, actor.pivot
        )
        take = act(shipped, actor, performance)
        observation = observe(take, actor, noise, knows_root=same_head, shape=shape)
        tracked = track(observation, fitted, Silence())
        shape = tracked.coefficients.shape  # a person has one shape: that of the first training clip
        yield Shot(
            folder=out / clip.name,
            name=clip.name,
            labels=Labels(
                f"demo{clip.speaker:02d}", clip.style, "demo", clip.split, f"demo seed {plan.seed}: {clip.name}"
            ),
            stage=actor.stage,
            points=take.points,
            flush=take.flush,
            audio=performance.audio,
            tracked=replace(tracked.coefficients, torso_offset=watch_torso(take, actor, noise)),
            landmarks=take.landmarks,
            report=tracked.report,
            truth=truth_arrays(take, performance.hidden, observation),
        )


def observe(
    take: Take, actor: Actor, rng: np.random.Generator, knows_root: bool, shape: np.ndarray | None
) -> Observation:
    """What the tracker gets: true landmarks with noise, the camera, the torso's place if `knows_root`.

    `shape` is the one that the tracker found in an earlier clip of the speaker, never the true one.
    """
    camera = actor.stage.camera
    noise = LANDMARK_NOISE * rng.standard_normal(take.landmarks.shape)
    return Observation(
        landmarks=(take.landmarks + noise).astype(np.float32),
        size=(camera.height, camera.width),
        fps=FPS,
        blendshapes=None,
        lids=None,
        focal=camera.fx,
        root=actor.root if knows_root else None,
        shape=shape,
    )


def watch_torso(take: Take, actor: Actor, rng: np.random.Generator) -> np.ndarray:
    """(T,2) px: the torso's offset from its resting place as optical flow would see it, a little noisy."""
    offset = ndimage.gaussian_filter1d(take.torso_point - actor.torso_point, _OFFSET_SMOOTHING, axis=0, mode="nearest")
    noise = rng.standard_normal(offset.shape) * _OFFSET_NOISE * actor.stage.camera.height
    return (offset + noise).astype(np.float32)


def truth_arrays(take: Take, hidden: np.ndarray, observation: Observation) -> dict[str, np.ndarray]:
    """What `truth.npz` holds beside the depth (see docs/demo.md)."""
    arrays = {
        "torso_to_world": take.torso_to_world,
        "neck_points": take.neck_points,
        "torso_point": take.torso_point,
        "hidden": hidden,
        "observed_landmarks": observation.landmarks,
    }
    of_motion = {f"true_{name}": array for name, array in asdict(take.coefficients).items() if name != "torso_offset"}
    return {name: np.asarray(array) for name, array in (arrays | of_motion).items()}

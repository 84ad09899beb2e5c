"""Training of one renderer: goes on where an earlier attempt was stopped, and begins again where it came to nothing."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from erlnet.interfaces import Progress
from erlnet.nerf.batches import batch_losses
from erlnet.nerf.checkpoints import CheckpointFile, Kept, Unusable
from erlnet.nerf.early import MOST_RESTARTS, Signs, begin_seed, check_step, part_opacity, what_is_dead
from erlnet.nerf.files import save_renderer
from erlnet.nerf.fitness import check_fit
from erlnet.nerf.footage import RendererData, carve, place_head, scene_of, tighten
from erlnet.nerf.model import DbfNerf, RendererComponents
from erlnet.nerf.optimizer import make_optimizer, rate_at
from erlnet.nerf.plate import mean_background
from erlnet.nerf.regions import neck_middles
from erlnet.nerf.settings import SHARES, RendererSettings, share_step
from erlnet.nerf.trouble import Batch, NotFinite, check_gradients, check_losses
from erlnet.nerf.windows import ByOpening, Windows, by_eye_opening, draw_windows, part_centres
from erlnet.repeatable import fixed_order

__all__ = ["NotFinite", "RendererData", "batch_losses", "train_renderer"]


@dataclass(frozen=True)
class Ground:
    """What a training stands on and does not change."""

    data: RendererData
    components: RendererComponents
    settings: RendererSettings
    seed: int
    device: torch.device
    perceptual: nn.Module | None
    valid: Tensor  # (M,) int64, frames to train on
    neck_middle: Tensor  # (N,) px
    centres: Tensor  # (N,2,2) feature px
    shares: tuple[int, int, int]  # windows a step: mouth, eyes, anywhere
    eyes: ByOpening | None

    def draw(self, size: tuple[int, int], generator: torch.Generator) -> Windows:
        side = self.settings.window
        return draw_windows(self.centres, self.valid, size, side, self.shares, generator, self.eyes)


def stand(
    data: RendererData, components: RendererComponents, settings: RendererSettings, seed: int, device: torch.device
) -> Ground:
    mouth, eyes = (round(s * settings.windows) for s in (settings.mouth_share, settings.eyes_share))
    perceptual = components.perceptual.build()
    valid = data.valid.nonzero()[:, 0]
    return Ground(
        data,
        components,
        settings,
        seed,
        device,
        None if perceptual is None else perceptual.to(device).eval().requires_grad_(False),
        valid,
        torch.cat([neck_middles(part) for part in data.regions.split(64)]),
        part_centres(data.landmarks, settings.factor),
        (mouth, eyes, settings.windows - mouth - eyes),
        by_eye_opening(data.landmarks, valid),
    )


class Training:
    """Everything that decides what the next step does; made with the global random state at hand."""

    def __init__(self, ground: Ground, restarts: int = 0, seconds: float = 0.0):
        self.ground, self.restarts, self.seconds = ground, restarts, seconds
        self.step = 0  # steps done
        self.means: dict[str, float] = {}
        self.stillborn = False  # the early look found nothing, and there are no restarts left
        data, settings = ground.data, ground.settings
        seed = begin_seed(ground.seed, restarts)
        torch.manual_seed(seed)
        self.generator = torch.Generator().manual_seed(seed)
        model = DbfNerf(ground.components, settings, scene_of(data))
        background = mean_background(data.frames[ground.valid], data.regions[ground.valid])
        model.start_from(background, data.statistics(ground.valid))
        place_head(model, data)
        carve(model, data)
        self.model = model.to(ground.device)
        self.optimizer = make_optimizer(self.model, settings)
        self.loss_at_start = self.probe()

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "random": torch.get_rng_state(),
            "step": self.step,
            "means": self.means,
            "loss_at_start": self.loss_at_start,
            "seconds": self.seconds,
            "restarts": self.restarts,
            "stillborn": self.stillborn,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """KeyError, RuntimeError or ValueError where the state is another training's."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["random"])
        self.step, self.means = int(state["step"]), dict(state["means"])
        self.loss_at_start, self.seconds = float(state["loss_at_start"]), float(state["seconds"])
        self.restarts, self.stillborn = int(state["restarts"]), bool(state["stillborn"])

    @torch.no_grad()
    def probe(self) -> float:
        """The loss of a batch that is the same whenever it is asked for, and takes no draw from the training."""
        ground, generator = self.ground, torch.Generator().manual_seed(self.ground.seed)
        windows = ground.draw(self.model.size, generator)
        losses = batch_losses(self.model, ground.data, ground.neck_middle, windows, generator, ground.perceptual)
        return sum(float(term) for term in losses.values())

    def advance(self, kept: Kept | None) -> float:
        """One step; the loss. NotFinite before anything is changed by what is no number."""
        ground, settings, model = self.ground, self.ground.settings, self.model
        if self.step == round(settings.tighten_after * settings.steps):
            tighten(model, ground.data)
        for group, rate in zip(self.optimizer.param_groups, (settings.grid_rate, settings.rate)):
            group["lr"] = rate * rate_at(self.step, settings.steps)
        windows = ground.draw(model.size, self.generator)
        losses = batch_losses(model, ground.data, ground.neck_middle, windows, self.generator, ground.perceptual)
        terms = torch.stack(list(losses.values()))
        values = dict(zip(losses, terms.tolist()))
        batch, file = Batch(self.step, windows, ground.seed, self.restarts), kept.batch if kept else None
        check_losses(values, batch, file)
        self.optimizer.zero_grad(set_to_none=True)
        with fixed_order():
            terms.sum().backward()
        check_gradients(model, values, batch, file)
        self.optimizer.step()
        self.step += 1
        for name, value in values.items():
            self.means[name] = 0.98 * self.means.get(name, value) + 0.02 * value
        return sum(values.values())

    def dead(self) -> str:
        """Why this start came to nothing, empty where it did not."""
        return what_is_dead(Signs(part_opacity(self.model, self.ground.data), self.loss_at_start, self.probe()))


def train_renderer(
    data: RendererData,
    components: RendererComponents,
    settings: RendererSettings,
    seed: int,
    progress: Progress,
    kept: Kept | None = None,
    device: str = "cpu",
) -> tuple[DbfNerf, dict[str, float]]:
    """Trains a renderer; the same bits for the same data, seed and number of threads, in one go or in several.

    With `kept` its state is written there every `kept.every` seconds, and an earlier attempt's is gone on from; the
    renderer as it is after each of SHARES lies there, too. A start that comes to nothing (erlnet.nerf.early) is begun
    again, at most three times.

    Returns the model in eval mode, on `device`, and: steps, seconds (of all attempts), seconds_before (of the earlier
    ones), restarts, dead (1 where the last start came to nothing, too), parameters, and the last mean of every loss
    term. Raises UserError where the data cannot be trained on or the disk is full, NotFinite where a loss or a gradient
    is no number.
    """
    check_fit(data, settings)
    ground = stand(data, components, settings, seed, torch.device(device))
    file = CheckpointFile(kept.checkpoint, _identity(ground), kept.every) if kept else None
    with torch.random.fork_rng(devices=[]):
        training = _go_on(ground, file, kept, progress) or Training(ground)
        before, started = training.seconds, time.perf_counter()
        while training.step < settings.steps:
            loss = training.advance(kept)
            training.seconds = before + time.perf_counter() - started
            progress.update(training.step, settings.steps, loss)
            training = _looked_at(training, progress)
            if kept:
                for share in reached(training.step, settings.steps):
                    save_renderer(kept.snapshot(share), training.model)
            if file and file.due():
                file.write(training.state())
    metrics = {
        "steps": float(settings.steps), "seconds": training.seconds, "seconds_before": before,
        "restarts": float(training.restarts), "dead": float(training.stillborn),
        "parameters": float(sum(p.numel() for p in training.model.parameters())),
    }  # fmt: skip
    return training.model.eval(), metrics | {f"loss_{name}": value for name, value in training.means.items()}


def reached(step: int, steps: int) -> list[str]:
    """The names of SHARES that are full after exactly `step` of the steps."""
    return [name for name in SHARES if step == share_step(name, steps)]


def _looked_at(training: Training, progress: Progress) -> Training:
    """The training to go on with: the same, or a new one where its start came to nothing."""
    step = training.step
    if step != check_step(training.ground.settings.steps) or not (why := training.dead()):
        return training
    if training.restarts == MOST_RESTARTS:
        progress.note(f"after {step} steps {why}; begun again {MOST_RESTARTS} times already, so it goes on like this")
        training.stillborn = True
        return training
    progress.note(f"after {step} steps {why}: begun again with other weights")
    return Training(training.ground, training.restarts + 1, training.seconds)


def _identity(ground: Ground) -> dict[str, Any]:
    """What must be the same for a checkpoint to lead to the same bits."""
    return {
        "components": ground.components.describe(),
        "settings": asdict(ground.settings),
        "seed": ground.seed,
        "frames": list(ground.data.frames.shape),
        "threads": torch.get_num_threads(),
        "device": ground.device.type,
        "torch": torch.__version__,
    }


def _go_on(ground: Ground, file: CheckpointFile | None, kept: Kept | None, progress: Progress) -> Training | None:
    """An earlier attempt's training where it stopped; None where there was none, or none that can be used."""
    if file is None or kept is None:
        return None
    try:
        state = file.read()
        if state is None:
            return None
        training = Training(ground)
        try:
            training.load(state)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise Unusable(f"its content does not fit ({type(error).__name__})") from None
        passed = [name for name in SHARES if share_step(name, ground.settings.steps) <= training.step]
        for name in passed:
            if not kept.snapshot(name).exists():
                raise Unusable(f"the renderer after a {name} of the steps, {kept.snapshot(name)}, is gone")
        progress.note(f"goes on at step {training.step} of {ground.settings.steps}, from {file.path}")
        return training
    except Unusable as reason:
        aside = file.set_aside()
        progress.note(f"{file.path} cannot be gone on from: {reason}; kept as {aside.name}, the training starts anew")
        return None

"""The response matrix as a picture: one row a fault and strength, one column a metric."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from pathlib import Path
from types import ModuleType

import numpy as np

from erlnet.errors import UserError
from erlnet.metrics.faults import FAULTS, Fault
from erlnet.metrics.faults_scene import Scene
from erlnet.metrics.response import Response, shade


def plot(path: Path, cells: Sequence[Response], faults: Sequence[Fault] = FAULTS) -> None:
    """Shade: how far the value lies from the truth's, as a share of the metric's largest change in that clip.

    One panel a clip; hatched where the metric has no value, framed where the fault is its own. UserError without
    matplotlib.
    """
    pyplot = _pyplot()
    from matplotlib.colors import PowerNorm
    from matplotlib.patches import Rectangle

    clips = list(dict.fromkeys(cell.clip for cell in cells))
    columns = list(dict.fromkeys((cell.metric, cell.region) for cell in cells))
    rows = [(fault, strength) for fault in faults for strength in fault.strengths]
    size = (2.6 + 0.36 * len(columns) * len(clips), 1.8 + 0.135 * len(rows))
    figure, axes = pyplot.subplots(1, len(clips), figsize=size, squeeze=False, sharey=True, layout="constrained")
    for axis, clip in zip(axes[0], clips):
        shades = shade(cells, clip, columns, rows)
        axis.set_facecolor("white")
        picture = axis.imshow(shades, cmap="YlOrRd", norm=PowerNorm(0.5, 0, 1), aspect="auto")  # small ones show
        for i, j in zip(*np.nonzero(np.isnan(shades))):
            axis.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, hatch="////", linewidth=0, edgecolor="0.6"))
        for k, fault in enumerate(faults):
            if fault.own in columns:
                place = (columns.index(fault.own) - 0.5, 5 * k - 0.5)
                axis.add_patch(Rectangle(place, 1, 5, fill=False, linewidth=1.4, edgecolor="black"))
            axis.axhline(5 * k - 0.5, color="0.75", linewidth=0.6)
        axis.set_xticks(range(len(columns)), [f"{m} ({r})" for m, r in columns], rotation=90, fontsize=6.5)
        axis.set_title(clip, fontsize=8)
    labels = ["all" if isinf(strength) else f"{strength:g}" for _, strength in rows]
    for k, fault in enumerate(faults):
        labels[5 * k + 2] = f"{fault.id}   {labels[5 * k + 2]}"
    axes[0][0].set_yticks(range(len(rows)), labels, fontsize=6)
    bar = figure.colorbar(picture, ax=axes[0].tolist(), shrink=0.3)
    bar.set_label("change from the truth, share of the metric's largest", fontsize=7)
    bar.ax.tick_params(labelsize=6)
    figure.savefig(path, dpi=130, metadata={"Software": None})
    pyplot.close(figure)


def show(path: Path, scene: Scene, faults: Sequence[Fault] = FAULTS) -> None:
    """Every fault at its strongest in the scene's middle frame, and the frame itself, without its upper part."""
    pyplot = _pyplot()
    t = len(scene) // 2
    pictures = [("truth", scene.frame(t))]
    for fault in faults:
        strength = fault.strengths[-1]
        pictures.append(
            (f"{fault.id} {'all' if isinf(strength) else f'{strength:g}'}", fault.plant(scene, t, strength))
        )
    rows = -(-len(pictures) // 5)
    figure, axes = pyplot.subplots(rows, 5, figsize=(10, 1.75 * rows), squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    for axis, (title, picture) in zip(axes.flat, pictures):
        axis.imshow(picture[:, int(0.4 * picture.shape[1]) :].transpose(1, 2, 0))
        axis.set_title(title, fontsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    pyplot.close(figure)


def _pyplot() -> ModuleType:
    """matplotlib without a window; UserError where it is not here."""
    try:
        import matplotlib
    except ImportError:
        raise UserError("the response matrix's plot needs matplotlib: pip install 'erlnet[plots]'") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot

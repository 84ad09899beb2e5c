"""Head model: one layer, batches of frames."""

import torch

from erlnet.head.components import MakeHuman


def bench_forward_25_frames(benchmark):
    model = MakeHuman().build()
    arguments = model.neutral(25)
    with torch.inference_mode():
        vertices = benchmark(model, *arguments)
    assert vertices.shape == (25, model.n_vertices, 3)

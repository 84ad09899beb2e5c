"""Preparing a video, tracking included: a whole process, as a person waits for it; frames a second are printed.

The footage is drawn by the demo at 256 px and enlarged to 512, so that the landmark model sees a face. `jobs` videos of
FRAMES frames each are prepared on as many workers.
"""

import resource
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from erlnet.assets import asset_present

FRAMES, DRAWN = 500, 25


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two videos of 512x512 in which a drawn speaker talks for 20 s: DRAWN frames there and back."""
    if not asset_present("landmarks"):
        pytest.skip("needs the landmark model: python -m erlnet assets fetch landmarks")
    pytest.importorskip("mediapipe", reason="needs the extra 'track'")
    from erlnet.data.demo.actor import act, cast
    from erlnet.data.demo.filming import build_scene
    from erlnet.data.demo.speech import perform
    from erlnet.head.components import MakeHuman

    model = MakeHuman().build()
    actor = cast(model, 0, 0, 256)
    take = act(model, actor, perform(3, 0, "happy", DRAWN, model.expression_names, actor.pivot))
    scene, _ = build_scene(actor.stage)
    pictures = [
        np.asarray(Image.fromarray(scene.render(points).image).resize((512, 512), Image.Resampling.BICUBIC))
        for points in take.points
    ]
    order = [*range(DRAWN), *range(DRAWN - 2, 0, -1)]
    folder = tmp_path_factory.mktemp("videos")
    for name in ("a", "b"):
        with av.open(str(folder / f"{name}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": "18", "preset": "fast"})
            stream.height = stream.width = 512
            stream.pix_fmt = "yuv420p"
            for i in range(FRAMES):
                frame = av.VideoFrame.from_ndarray(pictures[order[i % len(order)]], format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return [folder / "a.mp4", folder / "b.mp4"]


@pytest.mark.parametrize("jobs", [1, 2])
def bench_prepare_at_512(benchmark, videos, tmp_path, jobs):
    counter = iter(range(1000))

    def fresh():
        return (tmp_path / str(next(counter)),), {}

    def prepare(out: Path):
        command = [sys.executable, "-m", "erlnet", "prepare", *map(str, videos[:jobs]), "--jobs", str(jobs)]
        subprocess.run([*command, "--out", str(out)], check=True, capture_output=True)

    benchmark.pedantic(prepare, setup=fresh, rounds=3, warmup_rounds=1)
    rate = jobs * FRAMES / benchmark.stats.stats.median
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of the largest process
    benchmark.extra_info |= {"frames_per_second": round(rate, 1), "peak_mib": round(peak)}
    print(f"\n{jobs} job(s): {rate:.1f} frames/s at 512x512, start of the process included; peak {peak:.0f} MiB")

"""Motion from sound features: ten seconds in one go, and live, one frame at a time; default sizes, random weights.

And what codec and mapper of the main job take to train, on motion made up for it: the steps count, not the data.
`extra_info` holds the speed in times real time. Style encoder and sound features are not in it: the one runs once, the
others cost what their model costs.
"""

import pytest
import torch

from erlnet.adf.components import Dual, Ema, Fsq, NoSpeechLoss, TransformerStyle
from erlnet.adf.generate import generate, style_vector
from erlnet.adf.settings import CodecSettings, MotionSettings
from erlnet.adf.stream import MotionStream
from erlnet.adf.train_codec import train_codec
from erlnet.adf.train_mapper import TrainingClip, build_mapper, train_mapper
from erlnet.data.silence import Silence
from erlnet.presets import preset_values

FPS, FRAMES, FEATURES, EXPRESSION = 25, 250, 320, 56


def made(lookahead: int, vq_lookahead: int):
    torch.manual_seed(0)
    codec = Dual(lookahead=vq_lookahead).build(EXPRESSION, 6, Fsq()).eval().requires_grad_(False)
    settings = MotionSettings(lookahead=lookahead)
    mapper = build_mapper(FEATURES, codec, TransformerStyle(), settings).eval().requires_grad_(False)
    sound, style = torch.randn(FRAMES, FEATURES), (torch.randn(100, EXPRESSION), torch.randn(100, 6))
    return mapper, codec, sound, style


def say_speed(benchmark) -> None:
    benchmark.extra_info["times_real_time"] = round(FRAMES / FPS / benchmark.stats.stats.median, 1)


def bench_generate_10_seconds(benchmark):
    mapper, codec, sound, style = made(-1, -1)
    expression, _ = benchmark(generate, mapper, codec, sound, *style)
    assert expression.shape == (FRAMES, EXPRESSION)
    say_speed(benchmark)


@pytest.mark.parametrize(("lookahead", "vq_lookahead"), [(3, 2), (-1, -1)], ids=["5_frames_ahead", "unbounded"])
def bench_stream_10_seconds_frame_by_frame(benchmark, lookahead, vq_lookahead):
    mapper, codec, sound, style = made(lookahead, vq_lookahead)
    vector = style_vector(mapper, codec, *style)

    def speak() -> int:
        stream = MotionStream(mapper, codec, vector)
        frames = sum(len(stream.push(row[None])[0]) for row in sound)
        return frames + len(stream.finish()[0])

    assert benchmark.pedantic(speak, rounds=5, warmup_rounds=1) == FRAMES
    say_speed(benchmark)
    benchmark.extra_info["latency_frames"] = MotionStream(mapper, codec, vector).latency_frames


def bench_train_codec_and_mapper_of_the_main_job(benchmark):
    """Seconds, as they stand: the aim is a minute on two cores."""
    torch.manual_seed(0)
    steps = preset_values("demo")["motion.steps"]

    def walk(width: int) -> torch.Tensor:
        return torch.randn(100, width).cumsum(0) / 10

    clips = [TrainingClip(walk(FEATURES), walk(EXPRESSION), walk(6), "somebody", "calm") for _ in range(8)]

    def train() -> int:
        expression, pose = [clip.expression for clip in clips], [clip.pose for clip in clips]
        codec, _ = train_codec(expression, pose, Dual(), Ema(), CodecSettings(), 0, Silence())
        mapper, _ = train_mapper(
            clips, codec, TransformerStyle(), NoSpeechLoss(), MotionSettings(steps=steps), 0, Silence()
        )
        return mapper.feature_width

    assert benchmark.pedantic(train, rounds=1) == FEATURES

"""The contract that every component passes, ours and a stranger's: `check_component(slot, name)`.

It selects the component as a user would, then builds it with its default options and puts small inputs through it.
Needs torch; raises AssertionError with what is wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from math import ceil, isfinite
from pathlib import Path
from typing import Any
from unittest import SkipTest

import torch

from erlnet import registry
from erlnet.errors import AssetMissing, UserError
from erlnet.listing import first_line
from erlnet.options import option_types, parse_value
from erlnet.renderer_contract import CHANNELS, FACTOR, SIZE, check_branches, check_deform, check_fusion, check_shape


def check_component(slot: str, name: str) -> None:
    """Raises AssertionError where the component breaks its slot's contract; UserError where it cannot be selected.

    unittest.SkipTest, which pytest shows as a skip, where what it is made of cannot be had here.
    """
    component = registry.load(slot, name)
    assert first_line(component.__doc__), f"{slot}={name}: its docstring's first line is what `components` shows"
    assert isinstance(component.VERSION, int), f"{slot}={name}: VERSION is a whole number"
    _check_options(slot, name, component)
    _check_torch_free(slot, name)
    check = CHECKS.get(slot)
    if check:
        torch.manual_seed(0)
        check(component())


def _check_options(slot: str, name: str, component: Any) -> None:
    made = component()
    assert hash(made) == hash(component()), f"{slot}={name}: equal options make equal components"
    json.dumps(asdict(made))
    for option, wanted in option_types(component).items():
        value = getattr(made, option)
        if isinstance(value, str) and not value:
            continue  # an empty text cannot be written on a command line
        text = "[" + ",".join(map(str, value)) + "]" if isinstance(value, tuple) else str(value)
        read = parse_value(text, wanted, f"{slot}.{option}")
        assert read == value, f"{slot}.{option}: default {value!r} reads back as {read!r}"
        assert replace(made, **{option: value}) == made


def _check_torch_free(slot: str, name: str) -> None:
    """In a process of its own: selecting a component must not import torch, or every `--help` would."""
    code = (
        f"import sys; from erlnet import registry; registry.load({slot!r}, {name!r})(); print('torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.strip() == "False", f"{slot}={name}: its module imports torch; do it in build ({shown.stderr})"


def _check_audio(component: Any) -> None:
    try:
        encoder = component.build()
    except AssetMissing as missing:
        raise SkipTest(str(missing)) from None
    sound = torch.randn(16_000, generator=torch.Generator().manual_seed(0)).numpy() * 0.1
    rows = encoder(sound, 25)
    check_shape("features", torch.from_numpy(rows), (25, encoder.width))
    assert (rows == encoder(sound, 25)).all(), "the same sound gives the same features"
    assert encoder.future >= 0, "future is the sound in seconds after a frame's end that its row depends on"
    if isfinite(encoder.future):
        other = sound.copy()
        other[ceil((13 / 25 + encoder.future) * 16_000) :] = 0
        changed = (encoder(other, 25) != rows).any(axis=1)
        assert not changed[:13].any(), f"rows depend on sound {encoder.future} s after their frame's end, and on later"


def _check_quantizer(component: Any) -> None:
    fresh = component.build(8).eval()
    latents = torch.randn(2, 5, 8)
    _check_nothing_moves(fresh, lambda: fresh(latents))
    module = component.build(8).train()
    seen = torch.randn(4, 512, 8, requires_grad=True)
    quantised, _, commitment = module(seen)
    (quantised.square().sum() + commitment).backward()
    assert seen.grad is not None, "no gradient passes the quantizer"
    assert seen.grad.abs().sum() > 0, "no gradient passes the quantizer"
    module.eval()
    _check_nothing_moves(module, lambda: module(latents))
    quantised, indices, commitment = module(latents)
    check_shape("quantised", quantised, (2, 5, 8))
    check_shape("commitment", commitment, ())
    assert tuple(indices.shape) == (2, 5)
    assert indices.dtype == torch.int64
    assert 0 <= int(indices.min()) <= int(indices.max()) < module.codebook_size
    assert torch.allclose(module.decode_indices(indices), quantised, atol=1e-5), "decode_indices gives the codes back"
    every = torch.arange(module.codebook_size)[None]
    vectors = module.decode_indices(every)
    check_shape("codebook", vectors, (1, module.codebook_size, 8))
    share = (module(vectors)[1] == every).float().mean()
    assert share > 0.5, f"of the codes' own vectors {share:.0%} are coded as themselves: they are no fixed points"


def _check_nothing_moves(module: torch.nn.Module, run: Callable[[], object]) -> None:
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    run()
    moved = [name for name, tensor in module.state_dict().items() if not torch.equal(tensor, before[name])]
    assert not moved, f"in eval mode nothing moves, but {', '.join(moved)} did"


def _check_vq(component: Any) -> None:
    codec = component.build(12, 6, registry.load("quantizer", "ema")(codes=16)).eval()
    expression, pose = torch.randn(2, 9, 12), torch.randn(2, 9, 6)
    standard = codec.standardise(expression, pose)
    check_shape("standardised motion", standard, (2, 9, 18))
    assert all(torch.allclose(a, b) for a, b in zip(codec.restore(standard), (expression, pose)))
    latents = torch.randn(2, 9, codec.layout.places, codec.layout.code_dim)
    streams = {"decoded latents": codec.decode_latents(latents, codec.fresh_decoders())}
    if codec.tokens:
        assert len(codec.layout.names) == codec.tokens, "every codebook has a name"
        check_shape("codebooks", codec.codebooks, (codec.tokens, codec.codebook_size, codec.layout.code_dim))
        codes = codec.encode(expression, pose)
        assert tuple(codes.shape) == (2, 9, codec.tokens)
        streams |= {"decoded": codec.decode(codes), "reconstructed": codec.reconstruct(expression, pose)}
    else:
        assert codec.fresh_decoders() is not None, "a codec without codes gives the mapper decoders to train"
        assert not list(codec.parts), "a codec without codes has nothing to train"
    for what, pair in streams.items():
        for stream, tensor, width in zip(("expression", "pose"), pair, (12, 6)):
            check_shape(f"{what} {stream}", tensor, (2, 9, width))


def _check_style(component: Any) -> None:
    module = component.build(12, 6, 16).eval()
    motion, mask = torch.randn(2, 7, 18), torch.ones(2, 7, dtype=torch.bool)
    mask[1, 4:] = False
    style = module(motion, mask)
    check_shape("style", style, (2, 16))
    other = motion.clone()
    other[1, 4:] = 9.0
    assert torch.allclose(module(other, mask), style, atol=1e-5), "frames outside the mask do not count"
    check_shape("style of one frame", module(motion[:, :1], mask[:, :1]), (2, 16))


def _check_speech_loss(component: Any) -> None:
    module = component.build(18, 7)
    if module is None:
        return
    generated = torch.randn(3, 40, 18, requires_grad=True)
    truth, sound = torch.randn(3, 40, 18), torch.randn(3, 40, 7)
    loss = module(generated, truth, sound)
    check_shape("speech loss", loss, ())
    loss.backward()
    assert generated.grad is not None, "no gradient reaches the generated motion"
    check_shape("gradient of the generated motion", generated.grad, (3, 40, 18))


def _check_encoding(component: Any) -> None:
    points = torch.rand(11, 3) * 2 - 1
    try:
        module, double = component.build(), component.build(times=2)
    except UserError as missing:
        raise SkipTest(str(missing)) from None
    for encoding in (module, double):
        moved = points.clone().requires_grad_()
        features = encoding(moved)
        check_shape("encoding", features, (11, encoding.width))
        features.square().sum().backward()
        assert moved.grad is not None, "no gradient reaches the points, which a deformation moves"
        check_shape("gradient of the points", moved.grad, (11, 3))
        assert moved.grad.abs().sum() > 0, "no gradient reaches the points, which a deformation moves"
    one, two = (sum(p.numel() for p in encoding.parameters()) for encoding in (module, double))
    assert abs(two - 2 * one) <= 0.02 * one, f"{one} parameters, and {two} for twice as many features"


def _check_conditioning(component: Any) -> None:
    assert getattr(component, "SIGNAL", "expression") in ("expression", "sound")
    width = 12 * (component.window if getattr(component, "SIGNAL", "") == "sound" else 1)
    module = component.build(width)
    module.fit(torch.randn(20, width))
    signals = torch.randn(3, width)
    check_shape("condition", module(signals), (3, module.width))
    points = torch.rand(5, 4, 3)
    moved = module.canonical(points, torch.tensor([0, 0, 1, 2, 2]), signals)
    check_shape("canonical points", moved, (5, 4, 3))


def _check_upsampler(component: Any) -> None:
    module = component.build(CHANNELS, FACTOR)
    height, width = SIZE
    check_shape("image", module(torch.randn(2, CHANNELS, *SIZE)), (2, 3, height * FACTOR, width * FACTOR))


def _check_perceptual(component: Any) -> None:
    try:
        module = component.build()
    except AssetMissing as missing:
        raise SkipTest(str(missing)) from None
    if module is None:
        return
    image, truth = torch.rand(2, 1, 3, 64, 64)
    assert abs(float(module(truth, truth))) < 1e-5, "an image is at no distance from itself"
    image.requires_grad_()
    loss = module(image, truth)
    check_shape("perceptual loss", loss, ())
    assert float(loss.detach()) > 0, "two images are at no distance from each other"
    loss.backward()
    assert image.grad is not None, "no gradient reaches the image"
    check_shape("gradient of the image", image.grad, (1, 3, 64, 64))
    assert image.grad.abs().sum() > 0, "no gradient reaches the image"


def _check_head_model(component: Any) -> None:
    if getattr(component, "path", None) == "":
        return  # the user's own file: nothing to build without it
    model = component.build()
    still = torch.eye(4).expand(2, 4, 4)
    vertices = model(
        torch.zeros(1, model.n_shape), torch.zeros(2, model.n_expression), torch.zeros(2, 3), torch.zeros(2, 6),
        torch.zeros(2, 2), still, still,
    )  # fmt: skip
    assert vertices.ndim == 3
    assert torch.isfinite(vertices).all()
    check_shape("landmarks", model.landmarks68(vertices), (2, 68, 3))


def _check_dataset(component: Any) -> None:
    for held in ("FRAMES", "SOUND"):
        assert isinstance(getattr(component, held, True), bool), f"{held} says yes or no, with the options set"
    source = component.build()
    assert callable(source.prepare), "a source of clips prepares them"
    nowhere = Path("there-is-no-such-folder")
    for data in (None, nowhere):
        told = ""
        try:
            json.dumps(source.fingerprint(data))  # a data set that needs no data says what it is made of
        except UserError as error:
            told = str(error)
        assert "\n" not in told, "an error about the data is one line"
        assert data is None or "data=" in told, "a folder that is not there is refused by name"


def _check_tracker(component: Any) -> None:
    assert callable(component.build()), "a tracker is called with an Observation, a HeadModel and a Progress"


CHECKS: dict[str, Callable[[Any], None]] = {
    "dataset": _check_dataset,
    "tracker": _check_tracker,
    "head_model": _check_head_model,
    "audio": _check_audio,
    "vq": _check_vq,
    "quantizer": _check_quantizer,
    "style": _check_style,
    "speech_loss": _check_speech_loss,
    "encoding": _check_encoding,
    "branches": check_branches,
    "deform": check_deform,
    "conditioning": _check_conditioning,
    "fusion": check_fusion,
    "upsampler": _check_upsampler,
    "perceptual": _check_perceptual,
}
"""Slot -> what its built component must do."""

"""A trained renderer as one safetensors file; the configuration is rebuilt from the components."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from erlnet.errors import UserError
from erlnet.files import write_whole
from erlnet.nerf.cameras import Pinhole
from erlnet.nerf.model import DbfNerf, RendererComponents, Scene
from erlnet.nerf.settings import RendererSettings

FORMAT = "3"
BOXES = "head_box", "static_box", "whole_box"


def save_renderer(path: Path, model: DbfNerf) -> None:
    """Weights, buffers and, as metadata, what they belong to."""
    scene = model.scene
    tensors = {f"model.{k}": v.cpu().contiguous() for k, v in model.state_dict().items()}
    content = {
        "format": FORMAT,
        "components": model.components.describe(),
        "settings": asdict(model.settings),
        "camera": asdict(scene.camera),
        "signal_width": scene.signal_width,
    }
    boxes = {f"scene.{name}": getattr(scene, name).contiguous() for name in BOXES}
    # One entry: safetensors writes several in any order, and the same renderer is to be the same file.
    write_whole(path, save(tensors | boxes, {"renderer": json.dumps(content, sort_keys=True)}))


def load_renderer(path: Path, components: RendererComponents, settings: RendererSettings) -> DbfNerf:
    """The model in eval mode; UserError where the file is none, is cut short or belongs to another variant."""
    try:
        with safe_open(path, "pt") as file:
            content = json.loads((file.metadata() or {}).get("renderer", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is no readable renderer checkpoint ({error}); train it again") from None
    if content.get("format") != FORMAT:
        raise UserError(f"{path} is a renderer of format {content.get('format')}, this version reads {FORMAT}")
    theirs = content["components"] | {"renderer": content["settings"]}
    ours = json.loads(json.dumps(components.describe() | {"renderer": asdict(settings)}))
    for name in ours:
        if ours[name] != theirs.get(name):
            raise UserError(
                f"{path} was trained with {name}={theirs.get(name)}, not {ours[name]}; render it with its own variant"
            )
    camera = Pinhole(**content["camera"])
    scene = Scene(camera, content["signal_width"], *(tensors[f"scene.{name}"] for name in BOXES))
    with torch.random.fork_rng(devices=[]):
        model = DbfNerf(components, settings, scene)
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    return model.eval()

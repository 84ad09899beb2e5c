"""A trained renderer as one safetensors file; the configuration is rebuilt from the components."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from erlnet.errors import UserError
from erlnet.nerf.cameras import Pinhole
from erlnet.nerf.model import DbfNerf, RendererComponents, Scene
from erlnet.nerf.settings import RendererSettings

FORMAT = "2"
BOXES = "head_box", "static_box", "whole_box"


def save_renderer(path: Path, model: DbfNerf) -> None:
    """Weights, buffers and, as metadata, what they belong to."""
    scene = model.scene
    tensors = {f"model.{k}": v.contiguous() for k, v in model.state_dict().items()}
    metadata = {
        "format": FORMAT,
        "components": json.dumps(model.components.describe(), sort_keys=True),
        "settings": json.dumps(asdict(model.settings), sort_keys=True),
        "camera": json.dumps(asdict(scene.camera)),
        "signal_width": str(scene.signal_width),
    }
    boxes = {f"scene.{name}": getattr(scene, name).contiguous() for name in BOXES}
    save_file(tensors | boxes, path, metadata)


def load_renderer(path: Path, components: RendererComponents, settings: RendererSettings) -> DbfNerf:
    """The model in eval mode; UserError where the file is none, is cut short or belongs to another variant."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is no readable renderer checkpoint ({error}); train it again") from None
    if metadata.get("format") != FORMAT:
        raise UserError(f"{path} is a checkpoint of format {metadata.get('format')}, this version reads {FORMAT}")
    theirs = json.loads(metadata["components"]) | {"renderer": json.loads(metadata["settings"])}
    ours = json.loads(json.dumps(components.describe() | {"renderer": asdict(settings)}))
    for name in ours:
        if ours[name] != theirs.get(name):
            raise UserError(
                f"{path} was trained with {name}={theirs.get(name)}, not {ours[name]}; render it with its own variant"
            )
    camera = Pinhole(**json.loads(metadata["camera"]))
    scene = Scene(camera, int(metadata["signal_width"]), *(tensors[f"scene.{name}"] for name in BOXES))
    with torch.random.fork_rng(devices=[]):
        model = DbfNerf(components, settings, scene)
    model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    return model.eval()

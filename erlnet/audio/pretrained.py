"""Models in the files of the package `transformers`: from a local folder, or by a hub name that is in its cache.

Nothing is downloaded here: a hub name is looked up in the hub's cache on this machine, and where it is not there the
error says the command that gets it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from erlnet.errors import AssetMissing, UserError

_USED = (
    "AutoConfig", "AutoModel", "Wav2Vec2FeatureExtractor",
    "WhisperConfig", "WhisperFeatureExtractor", "WhisperModel",
)  # fmt: skip
_TRAINING_ONLY = {"masked_spec_embed"}  # what masked training puts in place of sound; checkpoints may lack it


class ModelMissing(AssetMissing):
    """A package or a model that is not on this machine and is none of erlnet's own assets."""

    def __init__(self, what: str, needed_for: str, remedy: str):
        self.asset, self.needed_for, self.remedy = what, needed_for, remedy
        UserError.__init__(self, f"{what} is missing ({needed_for}); get it with: {remedy}")


def import_transformers(needed_for: str) -> ModuleType:
    """The package; ModelMissing where it is not installed, UserError where it does not import."""
    try:
        import transformers

        for name in _USED:  # the package imports its parts when they are asked for
            getattr(transformers, name)
    except Exception as error:  # a torchvision that does not fit torch breaks it with errors of many kinds
        if isinstance(error, ImportError) and error.name == "transformers":
            raise ModelMissing("the package transformers", needed_for, 'pip install "erlnet[speech]"') from None
        raise UserError(f"{needed_for}: the package transformers does not import ({_reason(error)})") from None
    return transformers


def read_config(transformers: ModuleType, option: str, model: str) -> Any:
    """The configuration of `model`; `option` is its name on the command line, for the errors.

    ModelMissing where a hub name is not in the cache; UserError where there is no such folder or no model in it.
    """
    with _one_line_errors(option, model):
        return transformers.AutoConfig.from_pretrained(_place(model), local_files_only=True, trust_remote_code=False)


def read_model(loader: Any, option: str, model: str, config: Any) -> Any:
    """`loader`'s model of that configuration: float32, in eval mode, without gradients, every weight from the file.

    Weights that the file lacks are an error: transformers would draw them at random. Errors as of `read_config`.
    """
    with _one_line_errors(option, model), torch.random.fork_rng(devices=[]):
        made, report = loader.from_pretrained(
            _place(model),
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    absent = sorted(set(report["missing_keys"]) - _TRAINING_ONLY)
    if absent:
        lost = f"{len(absent)} of the model's weights ({absent[0]} first)"
        raise UserError(f"{option}={model}: its file lacks {lost}; get it again")
    return made.eval().requires_grad_(False)


def read_extractor(loader: Any, option: str, model: str) -> Any:
    """`loader`'s description of how the model wants its sound (preprocessor_config.json)."""
    with _one_line_errors(option, model):
        return loader.from_pretrained(_place(model), local_files_only=True)


def _place(model: str) -> str:
    folder = Path(model).expanduser()
    if folder.is_dir():
        return str(folder)
    if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1 or folder.exists():
        raise UserError("there is no such folder")
    return model


@contextmanager
def _one_line_errors(option: str, model: str) -> Iterator[None]:
    """Failures become one line; transformers' progress bars and reports are kept off the terminal."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    except UserError as error:
        raise UserError(f"{option}={model}: {error}; give a folder or a name on the hub") from None
    except Exception as error:  # the files are a stranger's: reading them may raise anything
        if isinstance(error, OSError) and not Path(model).expanduser().is_dir():
            raise ModelMissing(
                f"the model '{model}'", f"{option}: neither a folder nor in the hub's cache", f"hf download {model}"
            ) from None
        raise UserError(f"{option}={model}: not a model that can be read ({_reason(error)})") from None
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _reason(error: Exception) -> str:
    """Its first sentence: transformers goes on to advise about downloads."""
    return re.split(r"\n|\. ", str(error).strip())[0][:200] or type(error).__name__

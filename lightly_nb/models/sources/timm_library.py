"""`timm/NAME` and `hf/OWNER/NAME`: models of timm, and models in its form on the Hugging Face hub."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.models.model import EmbeddingModel
from lightly_nb.models.sources.licences import Consent, spdx
from lightly_nb.models.sources.reaching import reachable, socket_timeout, weights_folder

TIMEOUT = 20.0


def from_timm(name: str, input_size: int | None, consent: Consent) -> EmbeddingModel:
    """Return a pretrained model of timm; `name` is timm's, with or without `.TAG`.

    Raises
    ------
    InputError
        If timm is not installed or has no such weights, or their licence needs consent.
    CheckpointError
        If the weights are not here and cannot be downloaded.
    """
    timm = _timm(f"timm/{name}")
    check_timm_name(name, consent)
    path = weights_folder() / f"timm-{name}.safetensors"
    there = {"pretrained_cfg_overlay": {"file": str(path)}} if path.exists() else {}
    advice = f"go online and try again, or put its weights (model.safetensors) there as {path}"
    module = _loaded(timm, name, f"timm/{name}", advice, bool(there), there)
    return _embedder(module, f"timm/{name}", input_size)


def check_timm_name(name: str, consent: Consent) -> None:
    """Raise `InputError` if timm has no pretrained model of that name, or its licence needs consent."""
    timm = _timm(f"timm/{name}")
    settings = timm.get_pretrained_cfg(name) if timm.is_model(name) else None
    if settings is None or not (settings.url or settings.hf_hub_id):
        known = timm.list_models(pretrained=True)
        near = difflib.get_close_matches(name, [*known, *{one.split(".")[0] for one in known}], n=3)
        guess = f"did you mean {' or '.join(near)}? " if near else ""
        raise InputError(
            f"model timm/{name}: timm {timm.__version__} has no pretrained model of that name; {guess}"
            "timm.list_models(pretrained=True) has all"
        )
    consent(f"timm/{name}", spdx(settings.license))


def check_hub_name(name: str, consent: Consent) -> None:
    """Raise `InputError` if a name is not OWNER/NAME, or timm, which loads such models, is not installed.

    The licence is told by the hub alone, so consent is asked for when it is reached.
    """
    _timm(f"hf/{name}")
    if name.count("/") != 1 or not all(name.split("/")):
        raise InputError(f"model hf/{name}: write hf/OWNER/NAME, such as hf/timm/resnet18.a1_in1k")


def from_hub(name: str, input_size: int | None, consent: Consent) -> EmbeddingModel:
    """Return a model in timm's form (a config.json that names an architecture) of the Hugging Face hub.

    Parameters
    ----------
    name : str
        `OWNER/NAME`.
    input_size, consent
        As of a `Source`.

    Raises
    ------
    InputError
        If timm is not installed, the name has no owner, or the licence of the weights needs consent.
    CheckpointError
        If it is not here and cannot be downloaded, or is in another form.
    """
    timm = _timm(f"hf/{name}")
    check_hub_name(name, consent)
    folder = weights_folder() / f"hf-{name.replace('/', '-')}"
    is_here = (folder / "config.json").is_file()
    where = f"local-dir:{folder}" if is_here else f"hf-hub:{name}"
    advice = (
        f"go online and try again, or put its config.json and model.safetensors into the folder {folder}; "
        "only models in timm's form can be used"
    )
    licence = _licence(folder if is_here else None, name, advice)
    consent(f"hf/{name}", licence)
    return _embedder(
        _loaded(timm, where, f"hf/{name}", advice, is_here, {}), f"hf/{name}", input_size, licence
    )


def _timm(name: str) -> Any:
    try:
        import timm
    except ImportError as error:
        raise InputError(
            f"model {name}: needs the package timm, which is not installed; "
            "install it with: pip install 'lightly_nb[timm]'"
        ) from error
    return timm


def _licence(folder: Path | None, name: str, advice: str) -> str:
    """Return the licence that the model's config.json tells, '' without one."""
    from timm.models import _hub

    try:
        if folder is not None:
            settings = _hub.load_cfg_from_json(folder / "config.json")
            settings = settings.get("pretrained_cfg", settings)
        else:
            with _hub_without_retries(), socket_timeout(TIMEOUT):
                settings = _hub.load_model_config_from_hf(name)[0]
    except Exception as error:  # of the hub, of its HTTP library, of what is not in timm's form
        raise _not_here(f"hf/{name}", error, advice, folder is not None) from error
    return spdx(settings.get("license"))


def _loaded(
    timm: Any, where: str, name: str, advice: str, is_here: bool, options: dict[str, Any]
) -> nn.Module:
    try:
        with _hub_without_retries(is_here), socket_timeout(TIMEOUT):
            module: nn.Module = timm.create_model(where, pretrained=True, num_classes=0, **options)
    except Exception as error:  # of the hub, of its HTTP library, of torch
        raise _not_here(name, error, advice, is_here) from error
    return module.eval()


def _not_here(name: str, error: Exception, advice: str, is_here: bool) -> CheckpointError:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    what = (
        "its weights are here but cannot be used" if is_here else "it is not here and could not be downloaded"
    )
    return CheckpointError(f"model {name}: {what} ({said}); {advice}")


@contextmanager
def _hub_without_retries(is_here: bool = False) -> Iterator[None]:
    """Let the hub look only into its cache where it cannot be reached; by itself it tries for a minute."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or is_here or not reachable(constants.ENDPOINT)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _embedder(module: Any, name: str, input_size: int | None, licence: str | None = None) -> EmbeddingModel:
    settings: Any = module.pretrained_cfg
    own = settings["input_size"][-1]
    if input_size not in (None, own) and hasattr(module, "set_input_size"):
        try:
            module.set_input_size(img_size=(input_size, input_size))
        except Exception as error:  # what an architecture does not bear it says in its own way
            raise InputError(
                f"model {name}: it cannot take images of {input_size} x {input_size} pixels ({error}); "
                f"leave input_size out, its own is {own}"
            ) from error
    return EmbeddingModel(
        module,
        input_size or own,
        mean=tuple(settings["mean"]),
        std=tuple(settings["std"]),
        name=name,
        licence=spdx(settings.get("license")) if licence is None else licence,
        n_features=module.num_features,
    )

"""Models by name: the right size, mean, deviation and licence, or words that say what to do."""

from __future__ import annotations

import time

import pytest
import torch

from lightly_nb import EmbeddingModel
from lightly_nb.errors import CheckpointError, InputError
from lightly_nb.models import load_checkpoint, resolve_model, shipped
from lightly_nb.models.sources.licences import OSI, consent, spdx
from lightly_nb.models.sources.torchvision_library import without_classifier
from tests.models.test_checkpoint import saved

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Torch's folder of weights, empty, and no way out."""
    from huggingface_hub import constants

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", NOWHERE)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("https_proxy", NOWHERE)
    folder = tmp_path / "hub" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_none_and_its_name_are_the_shipped_model():
    for model in (None, "efficientnet-lite0"):
        found = resolve_model(model, input_size=96, dimensions=1280)
        assert found.fingerprint == shipped(96, 1280).fingerprint
    assert (resolve_model().input_size, resolve_model().licence) == (224, "Apache-2.0")


def test_a_checkpoint_by_path_text_or_in_memory_is_the_same_model(tmp_path):
    saved(tmp_path / "a.ckpt")
    paths = [tmp_path / "a.ckpt", str(tmp_path / "a.ckpt"), load_checkpoint(tmp_path / "a.ckpt")]
    found = [resolve_model(path) for path in paths]
    assert len({model.fingerprint for model in found}) == 1
    assert found[0].input_size == load_checkpoint(tmp_path / "a.ckpt").settings.input_size


def test_a_module_with_its_size_mean_and_deviation_stays_what_it_is():
    model = EmbeddingModel(torch.nn.Flatten(), 8, mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0))
    found = resolve_model(model)
    assert (found.module, found.input_size, found.mean) == (model.module, 8, (0.1, 0.2, 0.3))
    other = EmbeddingModel(torch.nn.Flatten(), 8)
    assert (
        len({one.fingerprint for one in (found, resolve_model(other), resolve_model(other, input_size=9))})
        == 3
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (torch.nn.Flatten(), r"wrap it: lnb.EmbeddingModel\(module, input_size=224, mean="),
        (7, "model: got a int; allowed are a name, the path of a checkpoint"),
        ("efficientnet-lite-0", "did you mean 'efficientnet-lite0'"),
        ("tim/resnet18", r"there is no 'tim/resnet18'.*did you mean 'timm/resnet18'"),
        (
            "resnet50",
            r"did you mean .*Allowed are efficientnet-lite0, timm/…, torchvision/…, hf/…, resnet-18",
        ),
        ("timm/resnet1888", r"no pretrained model of that name; did you mean resnet18.*list_models"),
        ("torchvision/resnet1", r"no classifier of that name; did you mean resnet"),
        ("hf/resnet18", "write hf/OWNER/NAME"),
    ],
)
def test_an_unknown_model_is_refused_with_a_suggestion(model, message):
    with pytest.raises(InputError, match=message):
        resolve_model(model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 0}, "input_size: got 0, allowed is a whole number of pixels from 1"),
        ({"input_size": 16}, "efficientnet-lite0 needs at least 32 pixels"),
        ({"dimensions": 300}, "efficientnet-lite0 gives 1 to 256, or 1280"),
        ({"model": "torchvision/resnet18", "dimensions": 64}, "only efficientnet-lite0 has a choice"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        resolve_model(**options)


@pytest.mark.parametrize(
    ("model", "where"),
    [
        ("timm/resnet10t", "timm-resnet10t.safetensors"),
        ("torchvision/mobilenet_v3_small", "mobilenet_v3_small-047dcff4.pth"),
        ("hf/timm/resnet10t.c3_in1k", "hf-timm-resnet10t.c3_in1k"),
        ("resnet-9/simclr/d16/w0.0625", "checkpoints"),
    ],
)
def test_offline_one_early_error_says_where_a_file_could_lie(hub, model, where):
    began = time.monotonic()
    with pytest.raises(CheckpointError, match="go online and try again, or put") as caught:
        resolve_model(model)
    assert where in str(caught.value)
    assert str(hub) in str(caught.value)
    assert time.monotonic() - began < 10


def test_a_model_of_timm_whose_weights_lie_there_needs_no_network(hub):
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(0)
    theirs = timm.create_model("resnet10t").eval()
    save_file(theirs.state_dict(), hub / "timm-resnet10t.safetensors")
    found = resolve_model("timm/resnet10t")
    assert (found.name, found.input_size, found.licence) == ("timm/resnet10t", 176, "Apache-2.0")
    assert (found.mean, found.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        expected = theirs.forward_head(theirs.forward_features(images), pre_logits=True)
        torch.testing.assert_close(found.module(images), expected)
    assert resolve_model("timm/resnet10t", input_size=64).input_size == 64


def test_a_vision_transformer_is_made_for_the_size_asked_for(hub):
    import timm
    from safetensors.torch import save_file

    save_file(
        timm.create_model("vit_tiny_patch16_224").state_dict(), hub / "timm-vit_tiny_patch16_224.safetensors"
    )
    found = resolve_model("timm/vit_tiny_patch16_224", input_size=96)
    assert found.mean == (0.5, 0.5, 0.5)
    assert found.module.eval()(torch.rand(1, 3, 96, 96)).shape == (1, 192)


def test_a_folder_of_a_hub_model_needs_no_network(hub):
    import json

    import timm
    from safetensors.torch import save_file

    folder = hub / "hf-someone-small"
    folder.mkdir()
    save_file(timm.create_model("resnet10t", num_classes=7).state_dict(), folder / "model.safetensors")
    settings = {"input_size": [3, 64, 64], "mean": [0.5] * 3, "std": [0.25] * 3, "classifier": "fc"}
    config = {
        "architecture": "resnet10t",
        "num_classes": 7,
        "pretrained_cfg": {**settings, "license": "cc-by-4.0"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"model hf/someone/small.*licence 'cc-by-4.0'.*accept_licence=True"):
        resolve_model("hf/someone/small")
    found = resolve_model("hf/someone/small", accept_licence=True)
    assert (found.input_size, found.mean, found.std) == (64, (0.5,) * 3, (0.25,) * 3)
    assert found.licence == "cc-by-4.0"


def test_a_classifier_of_torchvision_loses_its_last_layer(hub):
    from torchvision import models

    weights = models.get_model_weights("mobilenet_v3_small").DEFAULT
    theirs = models.mobilenet_v3_small()
    torch.save(theirs.state_dict(), hub / weights.url.rsplit("/", 1)[-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.hub.HASH_REGEX", __import__("re").compile("never"))
        found = resolve_model("torchvision/mobilenet_v3_small")
    assert found.module(torch.rand(2, 3, 64, 64)).shape == (2, 1024)
    assert (found.input_size, found.licence) == (224, "BSD-3-Clause")
    with pytest.raises(InputError, match="no linear layer to leave out"):
        without_classifier(torch.nn.Conv2d(3, 3, 1), "mine")


@pytest.mark.parametrize(
    ("model", "licence"),
    [
        ("timm/vit_small_patch16_dinov3.lvd1689m", "dinov3-license"),
        ("timm/mobilenetv1_100.ra4_e3600_r224_in1k", None),
        ("torchvision/vit_h_14", "SWAG"),
    ],
)
def test_weights_that_are_not_open_source_need_a_word_of_consent(hub, model, licence):
    kind, message = (
        (InputError, f"{licence}.*accept_licence=True") if licence else (CheckpointError, "go online")
    )
    with pytest.raises(kind, match=message):
        resolve_model(model)
    with pytest.raises(CheckpointError, match="go online"):
        resolve_model(model, accept_licence=True)


def test_licences_are_written_as_spdx_does():
    assert all(spdx(name.lower()) == name for name in OSI)
    assert (spdx("mit"), spdx(None), spdx("other"), spdx("cc-by-nc-4.0")) == ("MIT", "", "", "cc-by-nc-4.0")
    consent(False)("a model", "MIT")
    with pytest.raises(InputError, match="under a licence that is not known"):
        consent(False)("a model", "")


def test_a_source_of_ones_own_is_one_line_in_the_table():
    def mine(name, input_size, consent):
        consent(name, "MIT")
        return EmbeddingModel(torch.nn.Flatten(), input_size or 8, name=name)

    assert resolve_model("mine/flat", sources={"mine": mine}).name == "flat"


def test_without_timm_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(InputError, match=r"pip install 'lightly_nb\[timm\]'"):
        resolve_model("timm/resnet18")

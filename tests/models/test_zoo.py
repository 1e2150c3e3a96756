"""Pretrained weights come from the zoo, once; without them the error says what to do instead."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import torch
from lightly.models import zoo as lightly_zoo

from lightly_nb.errors import CheckpointError
from lightly_nb.models import load_checkpoint, pretrained
from tests.models.test_checkpoint import SMALL, saved

KEY = "resnet-9/simclr/d16/w0.125"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The zoo, served from this machine; its attribute `asked` counts the downloads."""
    saved(tmp_path / "weights.pth")
    content = (tmp_path / "weights.pth").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self):
            Handler.asked += 1
            if "silent" in self.path:
                threading.Event().wait(1.5)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"not found" if "broken" in self.path else content)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as served:
        Handler.url = f"http://127.0.0.1:{served.server_port}"
        monkeypatch.setitem(lightly_zoo.ZOO, KEY, f"{Handler.url}/weights.pth")
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield Handler
        served.shutdown()


def test_weights_are_downloaded_once_and_fit(hub, server):
    path = pretrained("resnet-9", 16, 0.125)
    assert path.is_relative_to(hub)
    settings = load_checkpoint(path).settings
    assert (settings.name, settings.width, settings.num_ftrs) == (SMALL.name, SMALL.width, SMALL.num_ftrs)
    assert pretrained("resnet-9", 16, 0.125) == path
    assert server.asked == 1


def test_what_is_served_but_no_checkpoint_is_refused(hub, server, monkeypatch):
    monkeypatch.setitem(lightly_zoo.ZOO, KEY, f"{server.url}/broken.pth")
    with pytest.raises(CheckpointError, match=r"not a checkpoint|more than weights"):
        pretrained("resnet-9", 16, 0.125)
    assert not [path for path in hub.rglob("*") if path.is_file()]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/weights.pth", "{server}/silent.pth"])
def test_offline_or_silent_the_error_says_what_to_do_instead(hub, server, monkeypatch, url):
    monkeypatch.setitem(lightly_zoo.ZOO, KEY, url.replace("{server}", server.url))
    with pytest.raises(CheckpointError, match=r"resnet-9/simclr/d16/w0\.125.*not be downloaded") as caught:
        pretrained("resnet-9", 16, 0.125, timeout=0.5)
    for instead in ("enable_training", "max_epochs", "checkpoint=", str(hub)):
        assert instead in str(caught.value)
    assert not [path for path in hub.rglob("*") if path.is_file()]


def test_a_model_that_the_zoo_does_not_have(hub):
    with pytest.raises(
        CheckpointError, match=r"resnet-50/simclr/d32/w1\.0.*there are some for.*enable_training"
    ):
        pretrained("resnet-50", 32, 1)
    assert torch.hub.get_dir().startswith(str(hub))

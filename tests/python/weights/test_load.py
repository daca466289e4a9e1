"""Weights: every defect has its message, and downloads use the real hub client."""

from __future__ import annotations

import hashlib
import http.server
import logging
import threading

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from novasr.errors import WeightsError
from novasr.families import family
from novasr.weights.hub import NAMED_WEIGHTS, download
from novasr.weights.load import load_tensors, load_weights


def good_tensors():
    return {name: value.copy() for name, value in load_tensors().items()}


def test_default_weights_are_in_the_package():
    values = load_weights().values()
    assert values.shape == (23_248,)
    assert values.dtype == np.float32


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_upstream_bin_files_load(shared, version):
    assert list(load_tensors(shared / "weights" / f"novasr_{version}.bin")) == list(
        family("novasr")["tensors"]
    )


def without_bias(tensors):
    del tensors["conv_pre.bias"]


def with_nan(tensors):
    tensors["resblocks.0.convs2.0.weight"][3, 2, 1] = np.nan


def with_wrong_shape(tensors):
    tensors["conv_post.weight"] = np.zeros((1, 32, 9), np.float32)


def with_stranger(tensors):
    tensors["conv_extra.weight"] = np.zeros(3, np.float32)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_bias, r"'conv_pre.bias' is missing"),
        (with_nan, r"'resblocks.0.convs2.0.weight' holds NaN"),
        (with_wrong_shape, r"'conv_post.weight' has shape \(1, 32, 9\), expected \(1, 32, 7\)"),
        (with_stranger, r"'conv_extra.weight' does not belong"),
    ],
)
@pytest.mark.parametrize("suffix", [".safetensors", ".bin"])
def test_first_wrong_tensor_is_named(tmp_path, damage, message, suffix):
    tensors = good_tensors()
    damage(tensors)
    path = tmp_path / f"weights{suffix}"
    if suffix == ".bin":
        torch.save({f"dec.{name}": torch.from_numpy(v) for name, v in tensors.items()}, path)
    else:
        save_file(tensors, path)
    with pytest.raises(WeightsError, match=message):
        load_tensors(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".bin"])
@pytest.mark.parametrize("content", [b"", b"RIFF not weights at all", bytes(70_000)])
def test_garbage_is_not_taken_for_weights(tmp_path, suffix, content):
    path = tmp_path / f"garbage{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"garbage.*not a readable"):
        load_tensors(path)


def test_truncated_file_is_refused(tmp_path):
    whole = tmp_path / "whole.safetensors"
    save_file(good_tensors(), whole)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="cut"):
        load_tensors(cut)


class Payload:
    def __reduce__(self):
        return exec, ("raise SystemExit('ran code from a weights file')",)


def test_code_in_a_bin_file_is_not_run(tmp_path):
    path = tmp_path / "evil.bin"
    torch.save({"conv_pre.weight": Payload()}, path)
    with pytest.raises(WeightsError, match="evil"):
        load_tensors(path)


def test_unknown_name_lists_the_known_ones():
    message = r"'v3': no such file: give the path of a weights file, or a name: 'base', 'wide', 'v1', 'v2'"
    with pytest.raises(WeightsError, match=message):
        load_tensors("v3")


class Hub(http.server.BaseHTTPRequestHandler):
    """Answers like the Hugging Face hub for one file; `behaviour` is set by the test."""

    content = b""
    behaviour = "good"
    requests = 0

    def do_HEAD(self):
        self.answer(head=True)

    def do_GET(self):
        self.answer(head=False)

    def answer(self, *, head):
        type(self).requests += 1
        if self.behaviour == "missing":
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.send_header("ETag", f'"{hashlib.sha256(self.content).hexdigest()}"')
        self.send_header("X-Repo-Commit", hashlib.sha1(self.content).hexdigest())
        self.end_headers()
        if head:
            return
        if self.behaviour == "cut":
            self.wfile.write(self.content[: len(self.content) // 2])
            self.wfile.flush()
            self.connection.close()
        else:
            self.wfile.write(self.content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A local hub that the real client talks to, with an empty cache."""
    from huggingface_hub import constants

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(Hub, "behaviour", "good")
    monkeypatch.setattr(Hub, "requests", 0)
    yield Hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def v1_bytes(shared):
    return (shared / "weights" / "novasr_v1.bin").read_bytes()


def test_named_weights_come_from_the_hub_and_then_from_the_cache(hub, v1_bytes):
    hub.content = v1_bytes
    assert list(load_tensors("v1")) == list(family("novasr")["tensors"])
    asked = hub.requests
    assert asked > 0
    load_tensors("v1")
    assert hub.requests == asked


def test_wrong_hash_is_refused_even_from_the_cache(hub, v1_bytes):
    hub.content = v1_bytes[:-1] + b"\1"
    for _ in range(2):
        with pytest.raises(WeightsError, match=r"'v1'.*not the pinned file.*SHA-256"):
            load_tensors("v1")
    hub.content = v1_bytes
    load_tensors("v1")


def test_missing_file_on_the_hub_is_said(hub):
    hub.behaviour = "missing"
    with pytest.raises(WeightsError, match=r"YatharthS/NovaSR has no pytorch_model_v2.bin"):
        load_tensors("v2")


def test_cut_connection_is_said_and_leaves_nothing_that_would_be_used(hub, v1_bytes, monkeypatch):
    hub.content = v1_bytes
    hub.behaviour = "cut"
    with pytest.raises(WeightsError, match=r"cannot fetch pytorch_model_v1.bin"):
        load_tensors("v1")
    hub.behaviour = "good"
    load_tensors("v1")


def test_the_clients_lines_about_its_attempts_are_not_shown(hub, monkeypatch, caplog):
    logger = logging.getLogger("huggingface_hub.utils._http")

    def attempt(*words, **options):
        logger.warning("Retrying in 1s [Retry 1/5].")
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", attempt)
    with pytest.raises(WeightsError, match="connect once"):
        download("v1")
    assert caplog.records == []
    logger.warning("of somebody else")  # control
    assert len(caplog.records) == 1


def test_offline_without_a_cache_says_what_to_do(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match=r"connect once, or download the file yourself"):
        load_tensors("v1")
    assert hub.requests == 0


def test_pins_are_those_of_the_files(shared):
    for name, pinned in NAMED_WEIGHTS.items():
        content = (shared / "weights" / f"novasr_{name}.bin").read_bytes()
        assert hashlib.sha256(content).hexdigest() == pinned.sha256

"""Rigs of virtual devices for the live tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import needs
import pytest
from jack_rig import JackServer, Peers, jack_environment, make_shm_private, require_jack
from live_process import LiveProcess
from pulse_server import PulseServer, require_pulse


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            busy_machines_spoil = {"realtime_peers", "timing", "rigs"} & set(item.fixturenames)
            item.add_marker(pytest.mark.alone if busy_machines_spoil else pytest.mark.live)


@pytest.fixture(scope="session")
def portaudio() -> None:
    """Skip unless sounddevice finds PortAudio; import it where no sound server can be met."""
    needs.package("sounddevice", "pip install 'novasr[live]', apt-get install libportaudio2")


@pytest.fixture(scope="session")
def rigs() -> None:
    """Skip unless PulseAudio, or real-time priority for minutes, is wanted; a busy machine makes it lose audio."""
    if os.environ.get("NOVASR_LIVE_RIGS") != "1":
        pytest.skip("PulseAudio, or minutes of real-time priority: NOVASR_LIVE_RIGS=1 allows it")


@pytest.fixture(scope="session")
def timing() -> None:
    """Skip unless the machine is ours alone."""
    if os.environ.get("NOVASR_LIVE_TIMING") != "1":
        pytest.skip("needs a machine to itself: NOVASR_LIVE_TIMING=1")


@pytest.fixture(scope="session")
def private_shm() -> None:
    make_shm_private()


@pytest.fixture
def jack(tmp_path: Path, portaudio: None, private_shm: None) -> Iterator[Callable[..., JackServer]]:
    """Start a JACK server with the given rate and period."""
    require_jack()
    servers: list[JackServer] = []

    def start(*args: int, **options: bool) -> JackServer:
        servers.append(JackServer(*args, **options))
        servers[-1].start()
        return servers[-1]

    with jack_environment(tmp_path / "jack"):
        yield start
        for server in servers:
            server.stop()


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[Callable[..., Peers]]:
    """Connect mic and spk to the server."""
    made: list[Peers] = []

    def connect(**options: bool) -> Peers:
        made.append(Peers(tmp_path, **options))
        return made[-1]

    yield connect
    for pair in made:
        pair.close()


@pytest.fixture
def realtime_peers(
    rigs: None, jack: Callable[..., JackServer], peers: Callable[..., Peers]
) -> Peers:
    """Connect them to a server with real-time priority, as musicians have, and 128 frames a period."""
    if os.geteuid() != 0:
        pytest.skip("real-time priority needs root")
    jack(48_000, 128, synchronous=False, realtime=True)
    return peers()


@pytest.fixture
def live() -> Iterator[Callable[..., LiveProcess]]:
    """Run ``novasr live --headless`` with more words."""
    running: list[LiveProcess] = []

    def start(*words: str) -> LiveProcess:
        running.append(LiveProcess(*words))
        return running[-1]

    yield start
    for process in running:
        process.close()


@pytest.fixture
def pulse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rigs: None, portaudio: None
) -> Iterator[PulseServer]:
    """Start a server with the sinks "speaker", its default, and "phone", and make it ours."""
    require_pulse()
    server = PulseServer(tmp_path / "pulse")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.start()
    yield server
    server.kill()

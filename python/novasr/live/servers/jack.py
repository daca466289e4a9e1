"""What JACK knows and PortAudio does not tell: whether the other side is there, and its latency."""

from __future__ import annotations

import ctypes
import ctypes.util
import re

from novasr.live.devices import Route

_NO_START_SERVER = 1
_CAPTURE, _PLAYBACK = 0, 1  # JackLatencyCallbackMode
_OUTPUT_PORTS, _INPUT_PORTS = 2, 1  # JackPortFlags
_AUDIO = b"32 bit float mono audio"


class _Range(ctypes.Structure):
    _fields_ = (("min", ctypes.c_uint32), ("max", ctypes.c_uint32))


class JackServer:
    """A client that only looks.

    PortAudio goes on with silence when the client that is its device has gone, and its latencies
    for JACK are not filled in.

    Parameters
    ----------
    route : Route
        Between two clients of the running server.
    """

    def __init__(self, route: Route) -> None:
        self._devices = (
            (route.input, _OUTPUT_PORTS, _CAPTURE),
            (route.output, _INPUT_PORTS, _PLAYBACK),
        )
        self._library = _library()
        self._client = self._library.jack_client_open(b"novasr", _NO_START_SERVER, None)

    def missing(self) -> str | None:
        """Give the name of a device that has gone."""
        for device, flags, _ in self._devices:
            if self._client and not self._ports(device.name, flags):
                return device.name
        return None

    def latency_frames(self) -> int:
        """Delay of the devices themselves, in frames."""
        total = 0
        for device, flags, mode in self._devices:
            found = _Range()
            for name in self._ports(device.name, flags)[:1]:
                port = self._library.jack_port_by_name(self._client, name)
                self._library.jack_port_get_latency_range(port, mode, ctypes.byref(found))
            total += found.max
        return total

    def close(self) -> None:
        """Leave the server."""
        if self._client:
            self._library.jack_client_close(self._client)

    def _ports(self, device: str, flags: int) -> list[bytes]:
        if not self._client:
            return []
        pattern = f"^{re.escape(device)}:".encode()
        names = self._library.jack_get_ports(self._client, pattern, _AUDIO, flags)
        if not names:
            return []
        found: list[bytes] = []
        while (name := names[len(found)]) is not None:
            found.append(name)
        self._library.jack_free(names)
        return found


def _library() -> ctypes.CDLL:
    """Load the library that PortAudio has loaded already."""
    library = ctypes.CDLL(ctypes.util.find_library("jack"))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    library.jack_client_open.restype = pointer
    library.jack_client_open.argtypes = (text, ctypes.c_int, pointer)
    library.jack_client_close.argtypes = (pointer,)
    library.jack_get_ports.restype = ctypes.POINTER(text)
    library.jack_get_ports.argtypes = (pointer, text, text, ctypes.c_ulong)
    library.jack_free.argtypes = (pointer,)
    library.jack_port_by_name.restype = pointer
    library.jack_port_by_name.argtypes = (pointer, text)
    library.jack_port_get_latency_range.argtypes = (pointer, ctypes.c_int, pointer)
    return library

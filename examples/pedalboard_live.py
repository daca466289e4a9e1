"""Enhance a microphone in pedalboard's own stream, followed by a limiter.

Usage: python pedalboard_live.py [INPUT OUTPUT [SECONDS]]

On Linux, for PulseAudio, PipeWire or JACK devices, tell pedalboard where the ALSA plugins are:
export ALSA_PLUGIN_DIR=/usr/lib/x86_64-linux-gnu/alsa-lib
"""

import sys
import time

try:
    from novasr import NovaSR, NovasrError
except ImportError as error:  # says what is missing
    sys.exit(str(error))
from pedalboard import Limiter, Pedalboard
from pedalboard.io import AudioStream


def main(source: str | None = None, sink: str | None = None, seconds: str = "1e9") -> None:
    """Run for `seconds`, or until Ctrl-C; toggle bypass every four seconds (A/B)."""
    source = source or AudioStream.default_input_device_name
    sink = sink or AudioStream.default_output_device_name
    if not source or not sink:
        sys.exit("pedalboard finds no input or no output device")
    effect = NovaSR()
    board = Pedalboard([effect, Limiter(threshold_db=-1)])
    with AudioStream(source, sink, sample_rate=48_000, buffer_size=256, plugins=board) as stream:
        print(f"{source} -> {sink}, {stream.sample_rate:.0f} Hz", flush=True)
        end = time.monotonic() + float(seconds)
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(4.0, left))
            effect.bypass = not effect.bypass


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except NovasrError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)

"""Enhance a microphone in real time and print statistics once a second.

Usage: python live_monitor.py [INPUT] [OUTPUT] [SECONDS]

The audio runs in a separate process, so this program cannot interrupt it.
"""

import sys

from novasr import NovasrError
from novasr.live import LiveEvent, LiveStream


def main(source: str | None = None, sink: str | None = None, seconds: str = "inf") -> None:
    """Run for `seconds`, or until Ctrl-C."""
    printed = 0.0
    with LiveStream(source, sink) as live:
        for update in live.updates():
            if isinstance(update, LiveEvent):
                print(f"{update.time:6.1f} s  {update.message}", flush=True)
                continue
            if update.load > 0.9:  # too slow: bypass is better than dropouts
                live.set(bypass=True)
            if update.time >= printed + 1:
                printed = update.time
                losses = update.xruns_input + update.xruns_output + update.underruns
                print(
                    f"{update.time:6.1f} s  {update.latency_ms:4.1f} ms, load {update.load:4.0%},"
                    f" {losses} losses  {'#' * round(30 + update.output_peak_db / 2)}",
                    flush=True,
                )
            if update.time >= float(seconds):
                break


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except NovasrError as error:  # no such device, a package is missing ...
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)

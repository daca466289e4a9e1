"""Run the command line as ``python -m novasr``."""

import sys

from novasr.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

"""Write a file's bytes as the initialiser of a C++ array: embed_bytes.py FILE OUTPUT."""

import sys
from pathlib import Path

WIDTH = 20


def main(source, output):
    data = Path(source).read_bytes()
    rows = (data[i : i + WIDTH] for i in range(0, len(data), WIDTH))
    lines = [",".join(map(str, row)) + ",\n" for row in rows]
    Path(output).write_text(
        f"// Written by embed_bytes.py; do not edit.\n{''.join(lines)}", encoding="ascii"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

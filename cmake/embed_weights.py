"""Write a checkpoint (safetensors, float16 or float32) as the C++ initialiser of a float array, in ModelWeights' order.

embed_weights.py CHECKPOINT OUTPUT
"""

import json
import struct
import sys

BLOCK = "dec.resblocks.0."
TENSORS = [
    "dec.conv_pre.weight",
    "dec.conv_pre.bias",
    *(f"{BLOCK}convs{i}.0.{kind}" for i in (1, 2) for kind in ("weight", "bias")),
    *(
        f"{BLOCK}activations.{i}.{name}"
        for i in (0, 1)
        for name in ("act.alpha", "act.beta", "upsample.filter", "downsample.lowpass.filter")
    ),
    "dec.conv_post.weight",
]
FORMATS = {"F16": "e", "F32": "f"}  # of struct.unpack


def read_tensors(path):
    """Yield the values of TENSORS. The file: header length (u64), header (JSON), data; all little-endian."""
    with open(path, "rb") as file:
        (header_length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_length))
        data = file.read()
    for name in TENSORS:
        if name not in header:
            raise SystemExit(f"{path}: tensor {name} is missing")
        begin, end = header[name]["data_offsets"]
        code = FORMATS[header[name]["dtype"]]
        yield from struct.unpack(
            f"<{(end - begin) // struct.calcsize(code)}{code}", data[begin:end]
        )


def main(checkpoint, output):
    lines = [f"{value.hex()}f,\n" for value in read_tensors(checkpoint)]
    with open(output, "w", encoding="ascii") as file:
        file.write(f"// Written by embed_weights.py; do not edit.\n{''.join(lines)}")


if __name__ == "__main__":
    main(*sys.argv[1:])

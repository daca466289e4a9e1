"""Write recorded outputs as raw little-endian float32 and the weights behind them as .safetensors, for the C++ tests.

    convert_golden.py OUTPUT

Reads $NOVASR_SHARED (default: `shared` beside the repository): golden/*.npz, outputs of the network in float64, and
weights/*.bin, torch.save() archives. Standard library only. Where the folder is absent it writes nothing; with CI=true
that is an error.
"""

import array
import ast
import io
import json
import math
import os
import pathlib
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict


def read_npy(data):
    """Values of a one-dimensional .npy file."""
    (header_length,) = struct.unpack_from("<H", data, 8)
    header = ast.literal_eval(data[10 : 10 + header_length].decode())
    return array.array({"<f4": "f", "<f8": "d"}[header["descr"]], data[10 + header_length :])


class TensorUnpickler(pickle.Unpickler):
    """Reads torch.save()'s pickle as {name: (shape, values)}, with stand-ins for the few classes in it."""

    def __init__(self, archive):
        names = archive.namelist()
        self.root = next(n for n in names if n.endswith("/data.pkl"))[: -len("data.pkl")]
        self.archive = archive
        super().__init__(io.BytesIO(archive.read(self.root + "data.pkl")))

    def find_class(self, module, name):
        if name == "OrderedDict":
            return OrderedDict
        if name == "_rebuild_tensor_v2":
            return self.tensor
        if name in ("HalfStorage", "FloatStorage"):
            return {"HalfStorage": "e", "FloatStorage": "f"}[name]
        raise pickle.UnpicklingError(f"unexpected {module}.{name}")

    @staticmethod
    def tensor(storage, offset, size, *_):
        return size, storage[offset : offset + math.prod(size)]

    def persistent_load(self, reference):
        _, code, key, *_ = reference
        data = self.archive.read(f"{self.root}data/{key}")
        return struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)


def write(path, values):
    path.write_bytes(array.array("f", values).tobytes())


def write_safetensors(path, tensors):
    header, begin = {}, 0
    for name, (shape, values) in tensors.items():
        end = begin + 4 * len(values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
        begin = end
    encoded = json.dumps(header).encode()
    data = b"".join(array.array("f", values).tobytes() for _, values in tensors.values())
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + data)


def main(output):
    output = pathlib.Path(output)
    default = pathlib.Path(__file__).parents[3].parent / "shared"
    shared = pathlib.Path(os.environ.get("NOVASR_SHARED", default))
    if not (shared / "golden").is_dir():
        absent = f"no recorded outputs: {shared / 'golden'} is absent; set NOVASR_SHARED"
        if os.environ.get("CI") == "true":
            sys.exit(f"{absent}, or unset CI to skip the tests that compare with them")
        print(f"skipped: {absent}")
        return
    output.mkdir(parents=True, exist_ok=True)
    for version in ("v1", "v2"):
        with zipfile.ZipFile(shared / "weights" / f"novasr_{version}.bin") as archive:
            tensors = TensorUnpickler(archive).load()
        write_safetensors(output / f"weights_{version}.safetensors", tensors)
    cases = []
    for path in sorted((shared / "golden").glob("*.npz")):
        with zipfile.ZipFile(path) as archive:
            arrays = {
                name.removesuffix(".npy"): read_npy(archive.read(name))
                for name in archive.namelist()
            }
        for name, values in arrays.items():
            if not name.startswith("in"):
                continue
            suffix = name.removeprefix("input_16k").removeprefix("in")  # "" or "_LENGTH"
            cases.append(path.stem + suffix)
            write(output / f"{cases[-1]}.input.f32", values)
            for version in ("v1", "v2"):
                write(output / f"{cases[-1]}.{version}.f32", arrays[f"out_{version}{suffix}"])
    (output / "cases.txt").write_text("\n".join(cases) + "\n", encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])

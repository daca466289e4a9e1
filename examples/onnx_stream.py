"""Stream a recording through an exported model with ONNX Runtime; neither novasr nor PyTorch is needed.

Usage: python onnx_stream.py MODEL IN OUT, where MODEL is what `novasr export model.onnx` writes
"""

import sys

import numpy as np
import soundfile as sf

try:
    import onnxruntime
except ImportError:
    sys.exit("needs onnxruntime: pip install onnxruntime")

BLOCK = 2_560  # a multiple of every model's hop


def chunks(read, hop, flush_frames):
    """Yield (channels, frames), and whether it lies behind the end."""
    for audio in read.blocks(BLOCK, dtype="float32", always_2d=True):
        yield np.pad(audio.T, ((0, 0), (0, -len(audio) % hop))), False
    yield np.zeros((read.channels, flush_frames), np.float32), True


def main(model: str, source: str, destination: str) -> None:
    """Write `destination` at the model's rate, aligned with `source` and as long."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the layers are small
    session = onnxruntime.InferenceSession(model, options)
    facts = session.get_modelmeta().custom_metadata_map
    rate, ratio = int(facts["input_rate"]), int(facts["output_rate"]) // int(facts["input_rate"])
    with sf.SoundFile(source) as read:
        if read.samplerate != rate:
            sys.exit(f"{source}: has {read.samplerate} Hz; the model takes {rate} Hz")
        state = np.zeros((read.channels, session.get_inputs()[1].shape[1]), np.float32)
        skip, left = int(facts["look_ahead"]), ratio * read.frames
        with sf.SoundFile(destination, "w", ratio * rate, read.channels, "PCM_24") as write:
            for audio, flush in chunks(read, int(facts["hop"]), int(facts["flush_frames"])):
                inputs = {"audio": audio, "state": state, "flush": np.array(flush)}
                made, state = session.run(None, inputs)
                kept = made[:, skip:][:, :left]
                skip -= min(skip, made.shape[1])
                left -= kept.shape[1]
                write.write(kept.T)
        print(f"{destination}: {read.frames / rate:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: onnx_stream.py MODEL IN OUT")
    try:
        main(*sys.argv[1:])
    except sf.SoundFileError as error:
        sys.exit(str(error))

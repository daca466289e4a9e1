// Passes on the samples of its inputs, mono each, a tenth of a second at a time.
const BLOCK_FRAMES = 4800;

class Recorder extends AudioWorkletProcessor {
  constructor({ numberOfInputs }) {
    super();
    this.blocks = Array.from({ length: numberOfInputs }, () => new Float32Array(BLOCK_FRAMES));
    this.filled = 0;
    this.running = true;
    this.port.onmessage = () => {
      this.running = false;
    };
  }

  process(inputs) {
    const frames = 128;
    for (let i = 0; i < frames; ++i) {
      for (const [n, block] of this.blocks.entries()) block[this.filled] = inputs[n][0]?.[i] ?? 0;
      if (++this.filled === BLOCK_FRAMES) {
        this.port.postMessage(this.blocks);
        this.filled = 0;
      }
    }
    return this.running;
  }
}

registerProcessor("recorder", Recorder);

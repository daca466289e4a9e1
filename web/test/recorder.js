// Keeps what comes in, from the first quantum on, until it is asked for it.
class TestRecorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.blocks = [];
    this.port.onmessage = () => this.port.postMessage(this.blocks);
    this.port.postMessage("ready");
  }

  process([input]) {
    this.blocks.push(Array.from(input, (channel) => channel.slice()));
    return true;
  }
}

registerProcessor("test-recorder", TestRecorder);

/** A WAV file of 24 bits. */
export function wavFile(channels: readonly Float32Array[], sampleRate: number): Blob {
  const frames = channels[0]!.length;
  const frameBytes = 3 * channels.length;
  const header = new DataView(new ArrayBuffer(44));
  const text = (at: number, value: string) => {
    for (let i = 0; i < value.length; ++i) header.setUint8(at + i, value.charCodeAt(i));
  };
  const dataBytes = frames * frameBytes;
  text(0, "RIFF");
  header.setUint32(4, 36 + dataBytes + (dataBytes % 2), true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, channels.length, true);
  header.setUint32(24, sampleRate, true);
  header.setUint32(28, sampleRate * frameBytes, true);
  header.setUint16(32, frameBytes, true);
  header.setUint16(34, 24, true);
  text(36, "data");
  header.setUint32(40, dataBytes, true);
  const data = new Uint8Array(dataBytes + (dataBytes % 2));
  let at = 0;
  for (let frame = 0; frame < frames; ++frame) {
    for (const channel of channels) {
      const value = Math.max(-0x80_0000, Math.min(0x7f_ffff, Math.round(channel[frame]! * 0x80_0000)));
      data[at++] = value & 255;
      data[at++] = (value >> 8) & 255;
      data[at++] = (value >> 16) & 255;
    }
  }
  return new Blob([header, data], { type: "audio/wav" });
}

/** Largest magnitude. */
export function peakOf(channels: readonly Float32Array[]): number {
  let peak = 0;
  for (const channel of channels) for (const x of channel) peak = Math.max(peak, Math.abs(x));
  return peak;
}

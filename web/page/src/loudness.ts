/**
 * Integrated loudness in LUFS of audio at 48 kHz, by ITU-R BS.1770-5: K-weighting, blocks of 0.4 s that overlap by
 * three quarters, gates at -70 LUFS and 10 LU below the mean. -Infinity for silence and for less than one block.
 */
export function loudness(channels: readonly Float32Array[]): number {
  const step = 4800;
  const steps = Math.floor(channels[0]!.length / step);
  const energy = new Float64Array(steps);
  for (const channel of channels) {
    const shelf = biquad(1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585);
    const highPass = biquad(1, -2, 1, -1.99004745483398, 0.99007225036621);
    for (let s = 0; s < steps; ++s) {
      let sum = 0;
      for (let i = s * step; i < (s + 1) * step; ++i) {
        const y = highPass(shelf(channel[i]!));
        sum += y * y;
      }
      energy[s]! += sum / step;
    }
  }
  const blocks: number[] = [];
  for (let s = 0; s + 4 <= steps; ++s) {
    blocks.push((energy[s]! + energy[s + 1]! + energy[s + 2]! + energy[s + 3]!) / 4);
  }
  const absolute = blocks.filter((block) => lufs(block) > -70);
  const gate = lufs(mean(absolute)) - 10;
  return lufs(mean(absolute.filter((block) => lufs(block) > gate)));
}

const lufs = (power: number) => -0.691 + 10 * Math.log10(power);
const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / Math.max(values.length, 1);

/** Direct form II, transposed. */
function biquad(b0: number, b1: number, b2: number, a1: number, a2: number): (x: number) => number {
  let s1 = 0;
  let s2 = 0;
  return (x) => {
    const y = b0 * x + s1;
    s1 = b1 * x - a1 * y + s2;
    s2 = b2 * x - a2 * y;
    return y;
  };
}

// From black over violet and orange to white, evenly in lightness.
const STOPS: readonly (readonly [number, number, number])[] = [
  [0, 0, 4],
  [31, 12, 72],
  [85, 15, 109],
  [136, 34, 106],
  [186, 54, 85],
  [227, 89, 51],
  [249, 140, 10],
  [249, 201, 50],
  [252, 255, 164],
];

/** 256 colours, as little-endian RGBA. */
export const COLOURS: Uint32Array = Uint32Array.from({ length: 256 }, (_, i) => {
  const at = (i / 255) * (STOPS.length - 1);
  const below = Math.min(Math.floor(at), STOPS.length - 2);
  const mixed = STOPS[below]!.map((x, c) => Math.round(x + (STOPS[below + 1]![c]! - x) * (at - below)));
  return (255 << 24) | (mixed[2]! << 16) | (mixed[1]! << 8) | mixed[0]!;
});

/** The colour of a level in dB: the scale spans 90 dB. */
export function colourOf(db: number, loudest: number): number {
  const share = 1 - (loudest - db) / 90;
  return COLOURS[Math.max(0, Math.min(255, Math.round(255 * share)))]!;
}

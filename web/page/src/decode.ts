/** A recording at its own rate. */
export interface Decoded {
  channels: Float32Array<ArrayBuffer>[];
  sampleRate: number;
}

const FALLBACK_HZ = 48_000;
const MP3_HZ = [44_100, 48_000, 32_000];

/** Decodes what the browser can, at the rate of the file where its header tells. Throws an Error with a remedy. */
export async function decode(bytes: ArrayBuffer, name: string): Promise<Decoded> {
  const sampleRate = rateOf(new DataView(bytes)) ?? FALLBACK_HZ;
  // decodeAudioData resamples to the rate of its context.
  const context = new OfflineAudioContext({ length: 1, sampleRate });
  let buffer: AudioBuffer;
  try {
    buffer = await context.decodeAudioData(bytes);
  } catch {
    throw new Error(`${name} is no sound that this browser can decode: convert it to WAV, FLAC or MP3 and try again.`);
  }
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, c) => buffer.getChannelData(c));
  return { channels, sampleRate };
}

/** Rate in the header of WAV, FLAC and MP3 files, where a context can have it. */
function rateOf(view: DataView): number | null {
  const rate = wavRate(view) ?? flacRate(view) ?? mp3Rate(view);
  return rate !== null && rate >= 8000 && rate <= 96_000 ? rate : null;
}

function tag(view: DataView, at: number): string {
  if (at + 4 > view.byteLength) return "";
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, 4));
}

function wavRate(view: DataView): number | null {
  if (tag(view, 0) !== "RIFF" || tag(view, 8) !== "WAVE") return null;
  for (let at = 12; at + 16 <= view.byteLength; ) {
    if (tag(view, at) === "fmt ") return view.getUint32(at + 12, true);
    const size = view.getUint32(at + 4, true);
    at += 8 + size + (size % 2);
  }
  return null;
}

function flacRate(view: DataView): number | null {
  return tag(view, 0) === "fLaC" && view.byteLength >= 22 ? view.getUint32(18) >>> 12 : null;
}

function mp3Rate(view: DataView): number | null {
  let at = 0;
  if (tag(view, 0).startsWith("ID3") && view.byteLength > 10) {
    at = 10;
    for (let i = 6; i < 10; ++i) at += (view.getUint8(i) & 127) << (7 * (9 - i));
  }
  if (at + 4 > view.byteLength || view.getUint16(at) >>> 5 !== 0x7ff) return null;
  const version = (view.getUint8(at + 1) >> 3) & 3; // 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
  const layer = (view.getUint8(at + 1) >> 1) & 3;
  const base = MP3_HZ[(view.getUint8(at + 2) >> 2) & 3];
  if (base === undefined || version === 1 || layer === 0) return null;
  return version === 3 ? base : version === 2 ? base / 2 : base / 4;
}

// Loudness in LUFS that the page measures: node loudness.mjs FILE CHANNELS, of 32-bit floats at 48 kHz, planar.
import { readFileSync } from "node:fs";

import { build } from "esbuild";

const [path, count] = process.argv.slice(2);
const entry = new URL("../page/src/loudness.ts", import.meta.url).pathname;
const { outputFiles } = await build({ entryPoints: [entry], write: false, format: "esm" });
const { loudness } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
const bytes = readFileSync(path);
const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const frames = all.length / count;
const channels = Array.from({ length: count }, (_, c) => all.subarray(c * frames, (c + 1) * frames));
console.log(JSON.stringify(loudness(channels)));

// Processor time of a NovaSRNode in Chromium: node speed.mjs MODEL. Prints seconds of audio for each second of it, the
// best of five renderings; other programs on the machine take none of it.
import { fileURLToPath } from "node:url";

import { launch } from "./browser.mjs";
import { serve } from "./serve.mjs";

const SECONDS = 10;
const [model] = process.argv.slice(2);
const server = await serve(fileURLToPath(new URL("..", import.meta.url)));
const browser = await launch();
const page = await browser.newPage();
await page.goto(`${server.url}test/worklet.html`);
await page.waitForFunction(() => window.novasr);
const session = await browser.newBrowserCDPSession();

async function used() {
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  return processInfo.filter(({ type }) => type === "renderer").reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

const times = [];
for (let round = 0; round < 5; ++round) {
  await page.evaluate(
    async ({ model, seconds }) => {
      const context = new OfflineAudioContext(1, seconds * 48_000, 48_000);
      const noise = Float32Array.from({ length: 48_000 }, () => 0.2 * (Math.random() - 0.5));
      const buffer = context.createBuffer(1, noise.length, 48_000);
      buffer.copyToChannel(noise, 0);
      const source = new AudioBufferSourceNode(context, { buffer, loop: true });
      const node = await novasr.NovaSRNode.create(context, { model, channelCount: 1 });
      source.connect(node).connect(context.destination);
      source.start();
      window.context = context;
    },
    { model, seconds: SECONDS },
  );
  const before = await used();
  await page.evaluate(() => window.context.startRendering().then(() => {}));
  times.push((await used()) - before);
}
console.log(JSON.stringify(SECONDS / Math.min(...times)));
await browser.close();
server.close();

// The page as a visitor uses it: node page.mjs FOLDER, with the recordings of test_browser_page.py in it.
// Leaves screenshots, downloads and what was heard there, and prints what was found.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { launch, watch } from "./browser.mjs";
import { serve } from "./serve.mjs";

const folder = process.argv[2];
const server = await serve(fileURLToPath(new URL("../site/try", import.meta.url)));
const found = {};

/** Runs in the page before its scripts: what goes to the loudspeakers is kept in window.heard. */
async function hear(recorder) {
  const connect = AudioNode.prototype.connect;
  const recorders = new WeakMap();
  window.heard = [];
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode && this.context instanceof AudioContext) {
      const { context } = this;
      if (!recorders.has(context)) {
        const url = URL.createObjectURL(new Blob([recorder], { type: "text/javascript" }));
        recorders.set(context, context.audioWorklet.addModule(url));
      }
      recorders.get(context).then(() => {
        const node = new AudioWorkletNode(context, "test-recorder", { numberOfOutputs: 0 });
        window.recorder = node;
        connect.call(this, node);
      });
    }
    return connect.call(this, to, ...rest);
  };
  window.heardSoFar = () =>
    new Promise((resolve) => {
      window.recorder.port.onmessage = ({ data }) => {
        if (data !== "ready") resolve(data.flatMap(([left]) => Array.from(left ?? new Float32Array(128))));
      };
      window.recorder.port.postMessage("give");
    });
}

const recorder = readFileSync(new URL("./recorder.js", import.meta.url), "utf8");

async function open(browser, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  page.problems = watch(page);
  page.requests = requests;
  await page.addInitScript(`(${hear})(${JSON.stringify(recorder)})`);
  await page.goto(server.url);
  return page;
}

const enhanced = (page) => page.waitForFunction(() => /It took/.test(document.querySelector("#status").textContent));
const status = (page) => page.textContent("#status");
const shot = (page, name) => page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
const drawn = (page) => page.waitForTimeout(800);

async function choose(page, name) {
  await page.setInputFiles("#file", join(folder, name));
}

async function download(page, name) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
  await file.saveAs(join(folder, name));
  return file.suggestedFilename();
}

async function writeHeard(page, name) {
  const samples = await page.evaluate(() => window.heardSoFar());
  writeFileSync(join(folder, name), Buffer.from(Float32Array.from(samples).buffer));
}

async function visitWithMouse(browser) {
  const page = await open(browser);
  await shot(page, "start");
  await choose(page, "voice.wav");
  await enhanced(page);
  await drawn(page);
  await shot(page, "result");
  const facts = { status: await status(page), file: await download(page, "voice-48k.wav") };
  facts.wideLoadedEarly = page.requests.some((url) => url.includes("wide"));
  await page.check("input[value=wide]", { force: true });
  await page.waitForFunction(() => /with wide/.test(document.querySelector("#after-note").textContent));
  await drawn(page);
  await download(page, "voice-wide.wav");
  await page.check("input[value=base]", { force: true });
  await choose(page, "full.wav");
  await page.waitForFunction(() => /full.wav.*It took/.test(document.querySelector("#status").textContent));
  facts.full = await status(page);
  await choose(page, "broken.mp3");
  await page.waitForSelector("#problem:not([hidden])");
  facts.broken = await page.textContent("#problem");
  await page.click("#sample");
  await enhanced(page);
  facts.problemGone = await page.isHidden("#problem");
  facts.elsewhere = page.requests.filter((url) => !url.startsWith(server.url) && !url.startsWith("blob:"));
  facts.problems = page.problems;
  await page.close();
  return facts;
}

async function compare(browser) {
  const page = await open(browser);
  await choose(page, "tone.wav");
  await enhanced(page);
  await page.click("#play");
  await page.waitForTimeout(700);
  for (let i = 0; i < 6; ++i) {
    await page.check(`input[value=${i % 2 ? "after" : "before"}]`, { force: true });
    await page.waitForTimeout(200);
  }
  await writeHeard(page, "heard.f32");
  await page.click("#play");
  const facts = { paused: await page.textContent("#play"), clock: await page.textContent("#clock") };
  await page.close();
  return { ...facts, problems: page.problems };
}

/** Noise, of which so much is added that it has to be turned down; gives where in what was heard the side changes. */
async function balance(browser) {
  const page = await open(browser);
  await page.fill("#brightness", "6");
  await choose(page, "noise.wav");
  await enhanced(page);
  const note = await page.textContent("#level-note");
  await page.check("input[value=before]", { force: true });
  await page.click("#play");
  await page.waitForTimeout(1500);
  const { length } = await page.evaluate(() => window.heardSoFar());
  await page.check("input[value=after]", { force: true });
  await page.waitForTimeout(1500);
  await writeHeard(page, "balance.f32");
  await page.close();
  return { note, switched: length, problems: page.problems };
}

async function visitWithKeyboard(browser) {
  const page = await open(browser);
  const names = [];
  const focus = () =>
    page.evaluate(() => {
      const { id, name, value } = document.activeElement;
      return id || `${name}=${value}`;
    });
  const tab = async (wanted) => {
    for (let i = 0; i < 20; ++i) {
      await page.keyboard.press("Tab");
      names.push(await focus());
      if (names.at(-1) === wanted) return;
    }
    throw new Error(`the Tab key does not lead to ${wanted}: ${names}`);
  };
  await tab("file");
  await tab("sample");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  await page.keyboard.press("Enter");
  await enhanced(page);
  await tab("microphone");
  await tab("model=base");
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => /with wide/.test(document.querySelector("#after-note").textContent));
  await tab("brightness");
  await page.keyboard.press("ArrowRight");
  const brightness = await page.textContent("#brightness-value");
  await enhanced(page);
  await tab("play");
  await page.keyboard.press("Space");
  await page.waitForTimeout(500);
  const playing = await page.textContent("#play");
  await tab("side=after");
  await page.keyboard.press("ArrowLeft");
  const side = await page.evaluate(() => document.querySelector("input[name=side]:checked").value);
  await tab("download");
  await tab("seek");
  await page.keyboard.press("End");
  await page.close();
  return { outline, brightness, playing, side, problems: page.problems };
}

async function visitWithPhone(browser) {
  const page = await open(browser, {
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
    colorScheme: "dark",
  });
  await page.tap("#sample");
  await enhanced(page);
  await drawn(page);
  await shot(page, "phone");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("button, .choice label, .drop")]
      .filter((item) => item.getClientRects().length > 0 && item.getBoundingClientRect().height < 40)
      .map((item) => item.textContent),
  );
  await page.close();
  return { width, small, problems: page.problems };
}

async function speak(browser) {
  const page = await open(browser);
  await page.click("#microphone");
  await page.waitForSelector("#live:not([hidden])");
  await page.waitForTimeout(1000);
  const silent = await page.evaluate(() => window.heardSoFar());
  await page.check("#monitor");
  await page.waitForTimeout(1500);
  await shot(page, "microphone");
  const loud = await page.evaluate(() => window.heardSoFar());
  await page.click("#stop");
  await page.waitForFunction(() => /recorded/.test(document.querySelector("#status").textContent));
  await drawn(page);
  const file = await download(page, "microphone-48k.wav");
  const peak = (samples) => samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const facts = { file, status: await status(page), silent: peak(silent), loud: peak(loud) };
  await page.close();
  return { ...facts, problems: page.problems };
}

async function refuse(browser) {
  const page = await open(browser);
  await page.click("#microphone");
  await page.waitForSelector("#problem:not([hidden])");
  const message = await page.textContent("#problem");
  await page.close();
  return { message, problems: page.problems };
}

const browser = await launch();
found.mouse = await visitWithMouse(browser);
found.compare = await compare(browser);
found.balance = await balance(browser);
found.keyboard = await visitWithKeyboard(browser);
found.phone = await visitWithPhone(browser);
await browser.close();
const speaking = await launch({ microphone: join(folder, "voice-48k-source.wav") });
found.microphone = await speak(speaking);
await speaking.close();
const refusing = await launch({ microphone: "denied" });
found.refused = await refuse(refusing);
await refusing.close();
server.close();
console.log(JSON.stringify(found));

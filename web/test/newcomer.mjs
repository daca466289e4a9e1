// A newcomer's way through the documentation site to the page and its first sound: node newcomer.mjs SITE FOLDER.
// Leaves screenshots in FOLDER, of a desktop and of a telephone, and prints what was found.
import { join } from "node:path";

import { launch, watch } from "./browser.mjs";
import { serve } from "./serve.mjs";

const [site, folder] = process.argv.slice(2);
const SCREENS = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

const server = await serve(site);
const browser = await launch();
const found = {};
for (const [screen, options] of Object.entries(SCREENS)) {
  const page = await browser.newPage(options);
  const problems = watch(page);
  const widths = [];
  const look = async (name) => {
    widths.push(await page.evaluate(() => document.documentElement.scrollWidth));
    await page.screenshot({ path: join(folder, `${screen}-${name}.png`), fullPage: name === "result" });
  };
  await page.goto(server.url);
  await look("start");
  await page.click("article a:has-text('In the browser')");
  await page.waitForURL(/web\.html/);
  await look("guide");
  await page.click("article a:has-text('a page')");
  await page.waitForURL(/try\/index\.html/);
  await look("page");
  await page.click("#sample");
  await page.waitForFunction(() => /It took/.test(document.querySelector("#status").textContent));
  await page.click("#play");
  await page.waitForTimeout(1500);
  const clock = await page.textContent("#clock");
  await look("result");
  found[screen] = { width: options.viewport.width, widths, clock, problems };
  await page.close();
}
await browser.close();
server.close();
console.log(JSON.stringify(found));

// The packed package in a project of its own: node consumer.mjs FOLDER, where it is installed and which has main.ts,
// snippets.ts, which imports what the documentation shows, and public/ for it. Bundles main.ts with Vite, and with
// esbuild, which is told where the files are, and the snippets with Vite; prints what they do in Chromium.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";
import * as vite from "vite";

import { launch, watch } from "./browser.mjs";
import { serve } from "./serve.mjs";

const folder = process.argv[2];
const compiler = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const page = (script) =>
  `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;

const options = ["--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler", "--target", "es2022"];
execFileSync(process.execPath, [compiler, ...options, "main.ts", "snippets.ts"], { cwd: folder, stdio: "inherit" });

for (const [name, script] of [["with-vite", "./main.ts"], ["snippets", "./snippets.ts"]]) {
  writeFileSync(join(folder, "index.html"), page(script));
  await vite.build({ root: folder, base: "./", logLevel: "error", build: { outDir: name, target: "es2022" } });
}

const bundled = join(folder, "with-esbuild");
mkdirSync(bundled);
writeFileSync(join(bundled, "index.html"), page("./main.js"));
cpSync(join(folder, "node_modules/novasr/dist"), join(bundled, "novasr"), { recursive: true });
const assets = { wasm: "novasr.wasm", wide: "wide.safetensors", worklet: "worklet.js", worker: "worker.js" };
for (const name of Object.keys(assets)) assets[name] = `./novasr/${assets[name]}`;
await esbuild.build({
  entryPoints: [join(folder, "main.ts")],
  bundle: true,
  format: "esm",
  outfile: join(bundled, "main.js"),
  define: { ASSETS: JSON.stringify(assets) },
  logLevel: "error",
});

const browser = await launch({ microphone: "/dev/null" });
const found = {};
for (const name of ["with-vite", "with-esbuild", "snippets"]) {
  const server = await serve(join(folder, name));
  const visitor = await browser.newPage();
  const problems = watch(visitor);
  await visitor.goto(server.url);
  const result = await visitor.waitForFunction(() => window.result, null, { timeout: 60_000 });
  found[name] = { ...(await result.jsonValue()), problems };
  server.close();
}
await browser.close();
console.log(JSON.stringify(found));

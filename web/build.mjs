// Build the package into dist/, from the sources and the novasr.wasm that CMake has built.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
rmSync(here("dist"), { recursive: true, force: true });
mkdirSync(here("dist"));
copyFileSync(here("../build/web/web/engine/novasr.wasm"), here("dist/novasr.wasm"));
copyFileSync(here("../python/novasr/weights/wide.safetensors"), here("dist/wide.safetensors"));
for (const name of ["LICENSE", "NOTICE", "THIRD-PARTY"]) copyFileSync(here(`../${name}`), here(name));
await build({
  entryPoints: ["index", "worklet", "worker"].map((name) => here(`src/${name}.ts`)),
  bundle: true,
  format: "esm",
  outdir: here("dist"),
  target: "es2022",
  legalComments: "none",
});
execFileSync(process.execPath, [here("node_modules/typescript/bin/tsc"), "--emitDeclarationOnly"], {
  cwd: here("."),
  stdio: "inherit",
});

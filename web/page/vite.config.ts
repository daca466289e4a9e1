import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "./", // anywhere on a server
  resolve: { alias: { novasr: here("../dist/index.js") } },
  build: { outDir: here("../site/try"), emptyOutDir: true, target: "es2022", assetsInlineLimit: 0 },
  worker: { format: "es" },
  server: { fs: { allow: [here("..")] } },
});

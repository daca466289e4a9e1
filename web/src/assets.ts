import { NovaSRError } from "./errors.js";
import { checkChoice, type ModelName } from "./parameters.js";

/** Where the files of the package are served from; needed only where a bundler does not find them by itself. */
export interface Assets {
  /** `novasr.wasm`: the engine, with the weights of `base`. */
  wasm?: string | URL;
  /** `wide.safetensors`: the weights of `wide`. */
  wide?: string | URL;
  /** `worklet.js`: what runs on the audio thread. */
  worklet?: string | URL;
  /** `worker.js`: what runs in the background. */
  worker?: string | URL;
}

/** Which model, and where the package's files are. */
export interface ModelOptions {
  /** Default `"base"`. */
  model?: ModelName;
  /** Your own weights instead: the bytes of a `.safetensors` file of `novasr train` or `novasr export`. */
  weights?: Uint8Array | ArrayBuffer;
  assets?: Assets;
}

/** What an engine is made of: the same for the audio thread, the worker and this thread. */
export interface Loaded {
  module: WebAssembly.Module;
  weights: Uint8Array | undefined;
}

// Bundlers recognise the form `new URL("./file", import.meta.url)`: each must stand as it is.
export const wasmUrl = (assets: Assets = {}) => assets.wasm ?? new URL("./novasr.wasm", import.meta.url);
export const wideUrl = (assets: Assets = {}) => assets.wide ?? new URL("./wide.safetensors", import.meta.url);
export const workletUrl = (assets: Assets = {}) => assets.worklet ?? new URL("./worklet.js", import.meta.url);
export const startWorker = (assets: Assets = {}) =>
  assets.worker === undefined
    ? new Worker(new URL("./worker.js", import.meta.url), { type: "module" })
    : new Worker(assets.worker, { type: "module" });

const remembered = new Map<string, Promise<unknown>>();

/** Runs `work` once for each address; after a failure the next call tries again. */
function once<Result>(url: string | URL, work: (url: string) => Promise<Result>): Promise<Result> {
  const key = String(url);
  let result = remembered.get(key) as Promise<Result> | undefined;
  if (result === undefined) {
    result = work(key).catch((error: unknown) => {
      remembered.delete(key);
      throw error;
    });
    remembered.set(key, result);
  }
  return result;
}

async function fetched(url: string): Promise<ArrayBuffer> {
  let reason: unknown;
  try {
    const response = await fetch(url);
    if (response.ok) return await response.arrayBuffer();
    reason = `the server answers ${response.status}`;
  } catch (error) {
    reason = error instanceof Error ? error.message : error;
  }
  throw new NovaSRError(
    `cannot load ${url} (${String(reason)}): serve the files of novasr/dist, or say where they are with ` +
      `the option assets`,
  );
}

async function compiled(url: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(await fetched(url));
  } catch (error) {
    if (error instanceof NovaSRError) throw error;
    throw new NovaSRError(
      `${url} is no WebAssembly with SIMD that this browser can run (${String(error)}): check that the address ` +
        `leads to novasr.wasm (with vite dev: optimizeDeps: { exclude: ["novasr"] }); Chrome 115, Firefox 89 and ` +
        `Safari 16.4 are the first with SIMD`,
    );
  }
}

/** Fetches engine and weights, once each. Throws NovaSRError. */
export async function load({ model = "base", weights, assets }: ModelOptions): Promise<Loaded> {
  checkChoice("model", model, ["base", "wide"]);
  const module = once(wasmUrl(assets), compiled);
  if (weights !== undefined) return { module: await module, weights: new Uint8Array(weights) };
  if (model === "base") return { module: await module, weights: undefined };
  const wide = once(wideUrl(assets), fetched);
  return { module: await module, weights: new Uint8Array(await wide) };
}

export type { Assets, ModelOptions } from "./assets.js";
export { judgeBand, measureBandwidth, type Verdict } from "./bandwidth.js";
export { enhance, type Enhanced, type EnhanceOptions, type Recording } from "./enhance.js";
export { Engine, type EngineOptions, type EngineStats } from "./engine.js";
export { NovaSRError } from "./errors.js";
export { NovaSRNode, type NovaSRNodeOptions } from "./node.js";
export { DEFAULTS, RANGES, type Mode, type ModelName, type Parameters, type Range } from "./parameters.js";
export { extendRecording, type Extended, type RecordingOptions } from "./recording.js";

// The chain behind functions that JavaScript can call: numbers and addresses in the module's memory.
//
// Nothing is caught here, because exceptions would double the size of the module: what the core throws is kept as a
// message, and the instance ends. JavaScript reads the message and makes another instance.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <typeinfo>
#include <utility>

#include "dsp/cutoff_estimator.hpp"
#include "novasr/band_verdict.hpp"
#include "novasr/errors.hpp"
#include "novasr/model.hpp"
#include "novasr/planar_buffer.hpp"
#include "novasr/processor.hpp"

#define NOVASR_EXPORT(name) extern "C" __attribute__((export_name(#name), used))

namespace {

using novasr::CutoffEstimator;

std::string last_error;
const char* about = "";  // what the message of an error is about
std::string verdict_text;

/// A Processor with the buffers between it and JavaScript.
struct Engine {
  Engine(std::shared_ptr<const novasr::Model> weights, const novasr::EngineOptions& options,
         const novasr::ProcessSpec& asked)
      : model(std::move(weights)), processor(model->make_engine(options)), spec(asked) {
    if (spec.output_rate_hz == 0) spec.output_rate_hz = processor.format().output_hz;
    processor.prepare(spec);
    input.prepare(spec.channels, spec.max_block_frames);
    output.prepare(spec.channels, output_capacity());
  }

  void apply() {
    const auto [mode, crossover_hz, mix, high_band_gain_db, output_gain_db, bypass] = values;
    processor.apply({.mode = mode != 0.0f ? novasr::Mode::full : novasr::Mode::extend,
                     .crossover_hz = crossover_hz,
                     .mix = mix,
                     .high_band_gain_db = high_band_gain_db,
                     .output_gain_db = output_gain_db,
                     .bypass = bypass >= 0.5f});
  }

  [[nodiscard]] std::size_t output_capacity() const {
    return std::max(processor.max_output_frames(spec.max_block_frames), processor.latency_frames() + 1);
  }

  std::shared_ptr<const novasr::Model> model;
  novasr::Processor processor;
  novasr::ProcessSpec spec;
  novasr::PlanarBuffer input, output;
  std::array<float, 6> values{};
};

std::shared_ptr<const novasr::Model> model_of(const std::byte* safetensors, std::size_t bytes) {
  if (bytes == 0) return novasr::default_model();
  about = "the weights file ";
  auto model = novasr::read_model({safetensors, bytes});
  about = "";
  return model;
}

}  // namespace

// What a `throw` calls. The object lives on in memory that nobody frees: the instance ends with it.
extern "C" void* __cxa_allocate_exception(std::size_t size) noexcept {
  return ::operator new(size);
}
extern "C" void __cxa_throw(void* thrown, std::type_info* type, void (*)(void*)) {
  if (*type == typeid(novasr::ConfigError) || *type == typeid(novasr::ModelError))
    last_error = std::string(about) + static_cast<const novasr::NovasrError*>(thrown)->what();
  __builtin_trap();
}

/// Message of what was thrown, or empty.
NOVASR_EXPORT(error) const char* error() {
  return last_error.c_str();
}

/// An engine for `channels` and blocks of up to `block_frames`. `bytes` of a weights file, 0 for the built-in weights;
/// `output_rate_hz` 0 for the rate of the model; `source_band_hz` 0 if unknown.
NOVASR_EXPORT(create)
Engine* create(const std::byte* weights, std::size_t bytes, std::uint32_t sample_rate_hz, std::uint32_t output_rate_hz,
               std::size_t channels, std::size_t block_frames, bool offline, double source_band_hz) {
  return std::make_unique<Engine>(model_of(weights, bytes), novasr::EngineOptions{.offline = offline},
                                  novasr::ProcessSpec{.sample_rate_hz = sample_rate_hz,
                                                      .output_rate_hz = output_rate_hz,
                                                      .channels = channels,
                                                      .max_block_frames = block_frames,
                                                      .source_band_hz = source_band_hz})
      .release();
}

/// Where JavaScript writes the parameters, which each block reads: floats, so that none of them becomes an object on
/// the audio thread. Mode (1: full), crossover in Hz, mix, high band gain and output gain in dB, bypass (from 0.5 on).
/// Precondition: all are in range.
NOVASR_EXPORT(parameters) float* parameters(Engine* engine) {
  return engine->values.data();
}

/// Where the samples of a channel are written before process(), block_frames of them.
NOVASR_EXPORT(input) float* input(Engine* engine, std::size_t channel) {
  return engine->input.view(engine->spec.max_block_frames)[channel].data();
}

/// Where those of a channel are found after process() and flush(), output_capacity() of them.
NOVASR_EXPORT(output) float* output(Engine* engine, std::size_t channel) {
  return engine->output.view(engine->output_capacity())[channel].data();
}

NOVASR_EXPORT(output_capacity) std::size_t output_capacity(Engine* engine) {
  return engine->output_capacity();
}

/// Returns the number of output frames.
NOVASR_EXPORT(process) std::size_t process(Engine* engine, std::size_t frames) {
  engine->apply();
  return engine->processor.process(engine->input.view(frames), engine->output.view(engine->output_capacity()));
}

/// Ends the stream; returns the number of output frames.
NOVASR_EXPORT(flush) std::size_t flush(Engine* engine) {
  return engine->processor.flush(engine->output.view(engine->output_capacity()));
}

NOVASR_EXPORT(reset) void reset(Engine* engine) {
  engine->processor.reset();
}

/// In output frames.
NOVASR_EXPORT(latency) std::size_t latency(Engine* engine) {
  return engine->processor.latency_frames();
}

NOVASR_EXPORT(output_rate) std::uint32_t output_rate(Engine* engine) {
  return engine->spec.output_rate_hz;
}

/// Whether the output rate has a band for the model to fill.
NOVASR_EXPORT(extends) bool extends(Engine* engine) {
  return engine->processor.format().extends(engine->spec.output_rate_hz);
}

/// Whether the model adds what lies above the end of the input's band, wherever that is.
NOVASR_EXPORT(any_band) bool any_band(Engine* engine) {
  return engine->processor.format().adds_to_input;
}

/// In Hz, 0 if the model does not look for it.
NOVASR_EXPORT(cutoff) float cutoff(Engine* engine) {
  return engine->processor.stats().engine.cutoff_hz;
}

/// Samples of the input that were NaN or infinite, and became 0.
NOVASR_EXPORT(nonfinite) double nonfinite(Engine* engine) {
  return static_cast<double>(engine->processor.stats().nonfinite_samples);
}

/// novasr::band_end_hz()
NOVASR_EXPORT(band_end) double band_end(const double* power, std::size_t lines, double hz_per_line) {
  return novasr::band_end_hz({power, lines}, hz_per_line);
}

/// novasr::judge_band(): the kind; its sentence is at verdict().
NOVASR_EXPORT(judge) int judge(double bandwidth_hz, double sample_rate_hz, bool any_band) {
  const novasr::BandVerdict found = novasr::judge_band(bandwidth_hz, sample_rate_hz, any_band);
  verdict_text = found.text;
  return static_cast<int>(found.kind);
}
NOVASR_EXPORT(verdict) const char* verdict() {
  return verdict_text.c_str();
}

NOVASR_EXPORT(cutoff_create) CutoffEstimator* cutoff_create(float prior_hz) {
  return std::make_unique<CutoffEstimator>(prior_hz).release();
}
/// The cut-off after one more frame of CutoffEstimator::kBins powers, 0 as long as there is no evidence.
NOVASR_EXPORT(cutoff_push) float cutoff_push(CutoffEstimator* estimator, const float* power) {
  estimator->push(std::span<const float, CutoffEstimator::kBins>(power, CutoffEstimator::kBins));
  return estimator->confidence() > 0.0f ? estimator->cutoff_hz() : 0.0f;
}

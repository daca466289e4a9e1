#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "chain/chain_plan.hpp"
#include "chain/dry_path.hpp"
#include "dsp/history.hpp"
#include "dsp/kernels/kernels.hpp"
#include "dsp/smoothed_value.hpp"
#include "novasr/parameters.hpp"

namespace novasr {

/// Parameters, and the filter that the control thread has computed from them.
struct Settings {
  Parameters parameters;
  std::vector<float> high_pass;  ///< centre tap and one half
};

/// State shared by all channels: the smoothed parameters, the high-pass, and the high-pass that it replaces.
struct BlendParameters {
  SmoothedValue extend;          ///< 0 = full, 1 = extend
  SmoothedValue high_band_gain;  ///< factor on the wet signal ahead of the crossover, 1 in Mode::full
  SmoothedValue mix;
  SmoothedValue output_gain;
  SmoothedValue bypass;
  SmoothedValue new_high_pass;                  ///< fades from the old high-pass (0) to the new one (1)
  std::vector<float> entry;                     ///< factor on the high band: 0 while the network starts up, then 1
  std::array<std::vector<float>, 2> high_pass;  ///< [0] old, [1] new
  bool has_crossover = false;
  bool sums = false;                ///< the wet signal is what the model adds to the dry one
  std::uint64_t position = 0;       ///< frames rendered since reset()
  std::uint64_t silent_frames = 0;  ///< frames for which the high band is muted at the start of a stream
  std::uint64_t entry_frames = 0;   ///< length of its fade-in after that
  float silence = 0.0f;             ///< subtracted from the wet signal: the model's output for silence

  /// [control] Allocates for blocks of up to `max_frames`; 0 crossover frames = Mode::full only.
  /// The high band fades in after the latency and the edge of the engine's stream.
  void prepare(std::size_t max_frames, const ChainPlan& plan, std::uint32_t rate_hz, std::uint32_t engine_hz,
               float model_silence);

  /// [audio] Starts a fresh stream; keeps the parameters.
  void reset() NOVASR_RT { position = 0; }

  /// [audio] Whether the fade-in of the high band ended before the block of the last render().
  [[nodiscard]] bool entered() const NOVASR_RT { return entered_; }

  /// [audio] Fades to the settings within `fade_frames`; 0 = immediately.
  void apply(const Settings& settings, std::size_t fade_frames) NOVASR_RT;

  /// [audio] Computes the values of the next `frames` frames.
  void render(std::size_t frames) NOVASR_RT;

 private:
  bool entered_ = false;
};

/// Mixes dry and wet in one channel:
///   full:    enhanced = wet + silence
///   extend:  enhanced = dry + H * (gain wet - dry), H a linear-phase high-pass: dry below the crossover, wet above it.
///            The wet band is muted in the first 5 ms of a stream, where the network starts up (a click of -80 dB, even
///            for silence).
///   an engine that adds to its input, in both modes: enhanced = dry + gain wet
///   wet is the model's output minus its output for silence, so that in extend mode silence yields exact zeros.
///   output = gain (dry + mix (enhanced - dry)), or dry when bypassed
class Blend {
 public:
  /// [control] Allocates; ends with a reset().
  void prepare(std::size_t crossover_frames, std::size_t max_frames);

  /// [audio]
  void reset(float silence) NOVASR_RT;

  /// [audio] Delays the wet signal by the crossover and mixes it with the dry one. All spans have the same length.
  void process(const DryPath::Taps& dry, std::span<const float> wet, const BlendParameters& parameters,
               std::span<float> out) NOVASR_RT;

 private:
  const dsp::KernelTable* kernels_ = nullptr;
  std::size_t crossover_frames_ = 0;
  History wet_;
  History difference_;  // gain wet - dry
  std::vector<float> high_band_;
  std::vector<float> other_high_band_;

  void enhance(std::span<const float> dry, std::span<const float> wet, const BlendParameters& parameters,
               std::span<float> out) NOVASR_RT;
  void filter_difference(const BlendParameters& parameters, std::size_t frames) NOVASR_RT;
};

}  // namespace novasr

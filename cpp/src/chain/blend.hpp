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

/// Parameters and what the control thread has computed from them.
struct Settings {
  Parameters parameters;
  std::vector<float> high_pass;  ///< centre tap and one half
};

/// What all channels share: the smoothed parameters, and the high-pass with the one it replaces.
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
  std::uint64_t position = 0;       ///< frames rendered since reset()
  std::uint64_t silent_frames = 0;  ///< of the high band, at the start of a stream
  std::uint64_t entry_frames = 0;   ///< of its fade, after that
  float silence = 0.0f;             ///< taken off the wet signal: what the model makes of silence

  /// [control] Allocates for blocks of up to `max_frames`; 0 crossover frames = Mode::full alone.
  /// The high band enters after the latency and what the start of the engine's stream is heard for.
  void prepare(std::size_t max_frames, const ChainPlan& plan, std::uint32_t rate_hz, std::uint32_t engine_hz,
               float model_silence);

  /// [audio] A stream begins; the parameters stay.
  void reset() NOVASR_RT { position = 0; }

  /// [audio] The high band has entered before the block of the last render().
  [[nodiscard]] bool entered() const NOVASR_RT { return entered_; }

  /// [audio] Moves to the settings within `fade_frames`; 0 = at once.
  void apply(const Settings& settings, std::size_t fade_frames) NOVASR_RT;

  /// [audio] Computes the values of the next `frames` frames.
  void render(std::size_t frames) NOVASR_RT;

 private:
  bool entered_ = false;
};

/// Adds up dry and wet in one channel:
///   full:    enhanced = wet + silence
///   extend:  enhanced = dry + H * (gain wet - dry), H a linear-phase high-pass: the dry band below the crossover, the
///            wet one above it. In the first 5 ms of a stream the wet band holds the network's start (-80 dB of click
///            also for silence): it is left out.
///   wet is the model's output less what it makes of silence, so that in extend mode silence leads to exact zeros.
///   output = gain (dry + mix (enhanced - dry)), or dry when bypassed
class Blend {
 public:
  /// [control] Allocates; ends with a reset().
  void prepare(std::size_t crossover_frames, std::size_t max_frames);

  /// [audio]
  void reset(float silence) NOVASR_RT;

  /// [audio] Sums the dry signal and the wet one, which it delays by the crossover. All have the same length.
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

#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "chain/blend.hpp"
#include "chain/chain_plan.hpp"
#include "chain/dry_path.hpp"
#include "dsp/image_notch.hpp"
#include "dsp/rate_converter.hpp"
#include "novasr/audio_view.hpp"
#include "novasr/engine.hpp"
#include "novasr/planar_buffer.hpp"
#include "novasr/processor.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// The stages of a Processor and their stream. Single-threaded, except for the counters.
class Chain {
 public:
  /// `engine` must outlive the chain.
  explicit Chain(StreamingEngine& engine) : engine_(engine) {}

  /// [control] Allocates; ends with a reset(). Precondition: a valid spec.
  void prepare(const ProcessSpec& spec);

  /// [audio]
  void reset() NOVASR_RT;

  /// [audio] Switches to the settings: immediately in a fresh stream, otherwise with a fade.
  void apply(const Settings& settings) NOVASR_RT;

  /// [audio] Whether nothing has been processed since reset().
  [[nodiscard]] bool fresh() const NOVASR_RT { return fresh_; }

  /// [audio] False during the fade from one crossover to another: apply() must wait.
  [[nodiscard]] bool may_apply() const NOVASR_RT { return fresh_ || parameters_.new_high_pass.settled(); }

  /// [audio] Takes all of `in`, at most max_piece() frames; returns how many frames it wrote to `out`.
  std::size_t process(AudioView<const float> in, AudioView<float> out) NOVASR_RT;

  /// [the thread of process()] Processor::flush().
  std::size_t flush(AudioView<float> out) noexcept;

  /// [any] Constant between two prepare() calls.
  [[nodiscard]] const ChainPlan& plan() const NOVASR_RT { return *plan_; }
  [[nodiscard]] std::size_t max_piece() const NOVASR_RT { return max_piece_; }

  /// [any]
  [[nodiscard]] const EngineFormat& format() const NOVASR_RT { return engine_.format(); }
  [[nodiscard]] ProcessorStats stats() const NOVASR_RT;

 private:
  struct Channel {
    RateConverter to_model;
    ImageNotch notch;
    RateConverter to_output;
    DryPath dry;
    Blend blend;
  };

  StreamingEngine& engine_;
  ProcessSpec spec_;
  std::shared_ptr<const ChainPlan> plan_;
  std::size_t max_piece_ = 0;

  std::vector<Channel> channels_;
  BlendParameters parameters_;
  SmoothedValue clean_share_;  // 0 = reference, 1 = clean
  SmoothedValue notch_share_;  // 0 = the model as it is (Mode::full), 1 = without the images of its input rate
  bool fresh_ = true;
  std::uint64_t model_frames_ = 0;
  std::uint64_t wet_frames_ = 0;
  std::atomic<std::uint64_t> input_frames_{0};  // these three are written by the audio thread only
  std::atomic<std::uint64_t> output_frames_{0};
  std::atomic<std::uint64_t> nonfinite_samples_{0};

  PlanarBuffer model_in_;  // scratch for one piece
  PlanarBuffer model_out_;
  std::vector<float> reference_;  // output of the reference input resampler, while fading
  std::vector<float> wet_;

  void prepare_channel(Channel& channel, std::size_t engine_piece, std::size_t piece_out) const;
  void take_input(AudioView<const float> in) NOVASR_RT;
  void run_model(std::size_t frames) NOVASR_RT;
  void end_model(std::uint64_t total_frames) noexcept;
  void resample_input(const RateConverter& converter, std::span<float> out) NOVASR_RT;
  void append_wet(AudioView<const float> frames) NOVASR_RT;
  void write_output(AudioView<float> out) NOVASR_RT;
};

}  // namespace novasr

#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "novasr/audio_view.hpp"
#include "novasr/blend.hpp"
#include "novasr/chain_plan.hpp"
#include "novasr/control.hpp"
#include "novasr/engine.hpp"
#include "novasr/planar_buffer.hpp"
#include "novasr/processor.hpp"
#include "novasr/rate_converter.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// The stages of a Processor and the stream that runs through them; knows nothing of other threads but for its
/// counters.
class Chain {
 public:
  /// `engine` must outlive the chain.
  explicit Chain(StreamingEngine& engine) : engine_(engine) {}

  /// [control] Allocates; ends with a reset(). Precondition: a valid spec.
  void prepare(const ProcessSpec& spec);

  /// [audio]
  void reset() NOVASR_RT;

  /// [audio] Heads for the settings: at once in a fresh stream, else within a fade.
  void follow(const Settings& settings) NOVASR_RT;

  /// [audio] Nothing processed since reset().
  [[nodiscard]] bool fresh() const NOVASR_RT { return fresh_; }

  /// [audio] False while one crossover fades into another: follow() must wait.
  [[nodiscard]] bool may_follow() const NOVASR_RT { return fresh_ || controls_.new_high_pass.settled(); }

  /// [audio] Takes `frames` <= max_piece() frames of `in` from `first` on; writes to `out` from `out_first` on and
  /// returns how many.
  std::size_t process(AudioView<const float> in, std::size_t first, std::size_t frames, AudioView<float> out,
                      std::size_t out_first) NOVASR_RT;

  /// [the thread of process()] Processor::flush().
  std::size_t flush(AudioView<float> out) noexcept;

  /// [any] Constant between two prepare() calls.
  [[nodiscard]] const ChainPlan& plan() const NOVASR_RT { return *plan_; }
  [[nodiscard]] std::size_t max_piece() const NOVASR_RT { return max_piece_; }

  /// [any]
  [[nodiscard]] ProcessorStats stats() const NOVASR_RT;

 private:
  struct Channel {
    RateConverter to_model;
    RateConverter to_output;
    RateConverter dry;
    Blend blend;
  };

  StreamingEngine& engine_;
  ProcessSpec spec_;
  std::shared_ptr<const ChainPlan> plan_;
  std::size_t max_piece_ = 0;

  std::vector<Channel> channels_;
  BlendControls controls_;
  Control front_end_;  // 0 = reference, 1 = clean
  bool fresh_ = true;
  std::uint64_t model_frames_ = 0;
  std::atomic<std::uint64_t> input_frames_{0};  // the audio thread alone writes these three; others only want to know
  std::atomic<std::uint64_t> output_frames_{0};
  std::atomic<std::uint64_t> nonfinite_samples_{0};

  PlanarBuffer model_in_;  // scratch, of one piece
  PlanarBuffer model_out_;
  std::vector<float> other_front_end_;
  std::vector<float> dry_;
  std::vector<float> wet_;

  void prepare_channel(Channel& channel, std::size_t piece_48k, std::size_t piece_out) const;
  void take_input(AudioView<const float> in, std::size_t first, std::size_t frames) NOVASR_RT;
  void run_model(std::size_t frames) NOVASR_RT;
  void end_model(std::uint64_t total_frames) noexcept;
  void render_front_end(const RateConverter& converter, std::span<float> out) NOVASR_RT;
  void append_wet(AudioView<const float> frames) NOVASR_RT;
  void put_out(AudioView<float> out, std::size_t first, std::size_t frames) NOVASR_RT;
};

}  // namespace novasr

#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "novasr/planar_buffer.hpp"
#include "novasr/processor.hpp"

namespace novasr {

/// Runs one Processor and switches to another during playback, for new weights or another engine. The new one warms up
/// on the input, for a second at most beyond its latency, and fades in. If both engines forget, it starts on a hop
/// boundary of the running one. Each is aligned with the input by its own latency, so if both forget and the latencies
/// are equal, switching to identical weights is bit-exact. At the start of a stream the switch is immediate.
///
/// Control threads must not call it concurrently. Input and output may share memory if their rates are equal.
class ProcessorSwitch {
 public:
  ProcessorSwitch() = default;
  ~ProcessorSwitch();
  ProcessorSwitch(const ProcessorSwitch&) = delete;
  ProcessorSwitch& operator=(const ProcessorSwitch&) = delete;

  /// [control, no audio] Allocates; starts a fresh stream with `first`, which is prepared for `spec`.
  void prepare(const ProcessSpec& spec, std::unique_ptr<Processor> first);

  /// [control] Passes on the successor, prepared for the same spec. Frees an earlier offer that is still pending, and
  /// retired predecessors.
  void offer(std::unique_ptr<Processor> next);

  /// [control] Frees retired predecessors. Returns whether another one will retire, because the active processor has a
  /// successor.
  bool collect();

  /// [audio] The next block is treated as the first of a fresh stream.
  void reset() NOVASR_RT;

  /// [audio] Processor::apply() for both processors.
  void apply(const Parameters& parameters) NOVASR_RT;

  /// [audio] Consumes all of `in`; returns the number of frames written to `out`, which Processor::process() returns
  /// as well.
  /// Precondition: prepare() was called, in.frames() <= max_block_frames, out.frames() >=
  /// max_output_frames(in.frames()).
  std::size_t process(AudioView<const float> in, AudioView<float> out) NOVASR_RT;

  /// [any] Largest number of frames written for so many; a change cuts a block into pieces, each of which may begin
  /// another output frame.
  [[nodiscard]] std::size_t max_output_frames(std::size_t input_frames) const NOVASR_RT;

  /// [audio] Latency of the active processor, in output frames.
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT { return current_->latency_frames(); }

  /// [audio] Counters of the stream since reset(), whichever processor was active; the rest of the active one.
  [[nodiscard]] ProcessorStats stats() const NOVASR_RT;

 private:
  void take_offer() NOVASR_RT;
  void retire() NOVASR_RT;
  std::size_t process_piece(AudioView<const float> in, AudioView<float> out) NOVASR_RT;
  void crossfade(AudioView<float> mixed) NOVASR_RT;

  enum class Phase {
    waiting,  // for a frame on the hop grid of the running stream
    warming,
    fading
  };
  void enter(Phase phase, std::size_t frames) NOVASR_RT;

  ProcessSpec spec_;
  std::size_t piece_ = 0;  // longest part of a block processed at once while both run
  std::unique_ptr<Processor> current_;
  std::unique_ptr<Processor> next_;  // warms up on the input, then fades in
  ProcessorStats before_;            // what the stream's counters are ahead of the active processor's, modulo 2^64
  std::uint64_t position_ = 0;       // frames since reset()
  Phase phase_ = Phase::waiting;     // of next_
  std::size_t phase_frames_ = 0;     // frames left in the phase
  PlanarBuffer next_out_;            // scratch for one piece
  std::atomic<Processor*> offered_{nullptr};
  std::array<std::atomic<Processor*>, 3> retired_{};
  std::size_t to_free_ = 0;  // predecessors, including the active one; control threads only
};

}  // namespace novasr

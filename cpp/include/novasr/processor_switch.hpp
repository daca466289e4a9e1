#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "novasr/planar_buffer.hpp"
#include "novasr/processor.hpp"

namespace novasr {

/// Plays one Processor and changes to another while audio runs, for new weights or another engine: the new one starts
/// on a hop boundary of the running one, hears the input until it is warm, and fades in. Both are aligned with the
/// input by their own latency, so where that is equal nothing moves: switching to identical weights is bit-exact. At
/// the start of a stream the change is immediate.
///
/// Control threads must take turns. Input and output have the same rate, and may be the same memory.
class ProcessorSwitch {
 public:
  ProcessorSwitch() = default;
  ~ProcessorSwitch();
  ProcessorSwitch(const ProcessorSwitch&) = delete;
  ProcessorSwitch& operator=(const ProcessorSwitch&) = delete;

  /// [control, no audio] Allocates; plays `first`, which is prepared for `spec`, from a fresh stream on.
  void prepare(const ProcessSpec& spec, std::unique_ptr<Processor> first);

  /// [control] Hands over the successor, prepared for the same spec. One that was offered before and has not been
  /// taken up yet is freed, as are predecessors that have been played out.
  void offer(std::unique_ptr<Processor> next);

  /// [control] Frees predecessors that have been played out. Gives whether there will be another to free: one that
  /// plays but has a successor.
  bool collect();

  /// [audio] The next block is treated as the first of a fresh stream.
  void reset() NOVASR_RT;

  /// [audio] Processor::apply(), for both.
  void apply(const Parameters& parameters) NOVASR_RT;

  /// [audio] Takes all of `in`, fills all of `out`.
  /// Precondition: prepare() was called; in.frames() == out.frames() <= max_block_frames.
  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT;

  /// [audio] Counters of the one that plays.
  [[nodiscard]] ProcessorStats stats() const NOVASR_RT { return current_->stats(); }

 private:
  void take_offer() NOVASR_RT;
  void retire() NOVASR_RT;
  void process_piece(AudioView<const float> in, AudioView<float> out) NOVASR_RT;
  void crossfade(AudioView<float> mixed) NOVASR_RT;

  enum class Phase {
    waiting,  // for a frame at which a fresh stream has the hop grid of the running one
    warming,
    fading
  };
  void enter(Phase phase, std::size_t frames) NOVASR_RT;

  ProcessSpec spec_;
  std::size_t piece_ = 0;  // longest part of a block that passes at once while both run
  std::unique_ptr<Processor> current_;
  std::unique_ptr<Processor> next_;  // hears the input, then fades in
  std::uint64_t position_ = 0;       // frames since reset()
  Phase phase_ = Phase::waiting;     // of next_
  std::size_t phase_frames_ = 0;     // left of it
  PlanarBuffer next_out_;            // scratch, of one piece
  std::atomic<Processor*> offered_{nullptr};
  std::array<std::atomic<Processor*>, 3> retired_{};
  std::size_t to_free_ = 0;  // predecessors, those that still play included; control threads' alone
};

}  // namespace novasr

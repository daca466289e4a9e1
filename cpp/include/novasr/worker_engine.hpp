#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "novasr/engine.hpp"

namespace novasr {

class DryFallback;
class WorkerThread;

struct WorkerOptions {
  std::size_t hop_frames = 160;       ///< input frames per call of the inner engine, 1 .. 65 536
  std::size_t headroom_frames = 160;  ///< input frames of time for the worker to run in, 1 .. 65 536; see WorkerEngine
  /// Whether process() waits instead of underrunning, for rendering offline; must outlive the engine. Read in each
  /// block.
  const std::atomic<bool>* offline = nullptr;
  std::function<void()> on_thread_start = {};  ///< runs first on each new worker thread; must not throw
};

/// Lets an engine that allocates, locks or is otherwise unfit for the audio thread run beside it:
/// ring -> one persistent thread, always hop_frames at a time -> ring.
///
/// Latency = the inner engine's + ratio (hop_frames - 1), as blocks may end anywhere in a hop, + ratio headroom_frames.
/// A hop is due headroom_frames after its last input frame came: the worker has that time, rounded down to whole
/// blocks, to notice and compute it. With blocks longer than headroom_frames it has none, and every block underruns
/// unless offline.
///
/// Underrun: when too few frames are ready, process() outputs the delayed input instead (DryFallback), counts it, and
/// drops exactly as many late frames once they arrive: alignment and latency never change.
///
/// Overflow: the input ring holds at least 3 s. If the worker stalls for longer, the queued input is given up (its
/// output would be dropped anyway), and the inner engine restarts with the first block after the worker is back. Until
/// that block is heard, latency_frames() later, the output is dry and counts as an underrun; frames given up count as
/// dropped. So underrun_frames == dropped_frames whenever the worker has caught up.
class WorkerEngine final : public StreamingEngine {
 public:
  /// [control] Throws ConfigError.
  explicit WorkerEngine(std::unique_ptr<StreamingEngine> inner, WorkerOptions options = {});

  /// [control] Joins the worker; waits for a running call of the inner engine.
  ~WorkerEngine() override;
  WorkerEngine(const WorkerEngine&) = delete;
  WorkerEngine& operator=(const WorkerEngine&) = delete;

  /// [control] Prepares the inner engine and starts a new worker.
  /// Throws ConfigError, ModelError, and what the inner engine throws.
  void prepare(const EngineSpec& spec) override;

  /// [audio] Wait-free, also while the worker is busy; nothing of the old stream comes out any more.
  void reset() NOVASR_RT override;

  /// [audio] Wait-free and free of system calls unless offline, when it waits for the worker.
  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override;

  /// [the thread of process()] Waits for the worker.
  void flush(AudioView<float> out) noexcept override;

  [[nodiscard]] const EngineFormat& format() const NOVASR_RT override;
  [[nodiscard]] float silence_output() const NOVASR_RT override;
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT override { return latency_frames_; }
  [[nodiscard]] EngineStats stats() const NOVASR_RT override;

 private:
  struct Stream {
    std::uint64_t position = 0;   // frames output
    std::size_t prefilled = 0;    // zeros that the stream begins with, not yet output
    std::uint64_t pending = 0;    // frames output dry whose wet ones have not been dropped yet
    std::uint64_t dry_until = 0;  // position before which wet frames lack their input
    bool cut_off = false;         // input was lost; the worker has to restart
  };

  void submit(AudioView<const float> in, bool may_wait) NOVASR_RT;
  void render(AudioView<float> out, bool may_wait) NOVASR_RT;
  void write_dry(AudioView<float> out) NOVASR_RT;
  void write_wet(AudioView<float> out) NOVASR_RT;
  void drop_late() NOVASR_RT;
  void rejoin() NOVASR_RT;
  [[nodiscard]] std::size_t ready() NOVASR_RT;

  const WorkerOptions options_;
  std::size_t prefilled_frames_ = 0;  // hop and headroom, at the output rate
  std::size_t latency_frames_ = 0;
  std::unique_ptr<WorkerThread> worker_;
  std::unique_ptr<DryFallback> dry_;
  Stream stream_;
  // Stored by the audio thread alone and read by any; they order nothing, so every access is relaxed.
  std::atomic<std::uint64_t> underrun_blocks_{0};
  std::atomic<std::uint64_t> underrun_frames_{0};
  std::atomic<std::uint64_t> dropped_frames_{0};
  std::atomic<std::uint64_t> failed_before_{0};  // failures of the streams before this one
};

}  // namespace novasr

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
  std::size_t headroom_frames = 160;  ///< computing time for the worker in input frames, 1 .. 65 536; see WorkerEngine
  /// Whether process() waits instead of underrunning, for offline rendering; must outlive the engine. Read in every
  /// block.
  const std::atomic<bool>* offline = nullptr;
  std::function<void()> on_thread_start = {};  ///< called first on each new worker thread; must not throw
};

/// Runs an engine that allocates, locks or is otherwise unfit for the audio thread on a worker thread:
/// ring -> one persistent thread, always hop_frames at a time -> ring.
///
/// Latency = that of the inner engine + ratio (hop_frames - 1), as blocks may end anywhere in a hop, + ratio
/// headroom_frames. A hop is due headroom_frames after its last input frame arrives: the worker has that time, rounded
/// down to whole blocks, to wake up and compute it. With blocks longer than headroom_frames it has none, and every
/// block underruns unless offline.
///
/// Underrun: if too few frames are ready, process() outputs and counts the delayed input instead (DryFallback), and
/// drops the same number of late frames once they arrive, so alignment and latency never change.
///
/// Overflow: the input ring holds at least 3 s. If the worker stalls for longer, the queued input is discarded (its
/// output would be dropped anyway), and the inner engine restarts with the first block after the worker recovers. Until
/// that block reaches the output, latency_frames() later, the output is dry and counts as an underrun; discarded frames
/// count as dropped. So underrun_frames == dropped_frames whenever the worker has caught up.
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

  /// [audio] Wait-free, even while the worker is busy; discards all output of the old stream.
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
    std::size_t prefilled = 0;    // leading zeros of the stream, not yet output
    std::uint64_t pending = 0;    // frames output dry whose wet counterparts have not been dropped yet
    std::uint64_t dry_until = 0;  // position up to which the wet frames lack their input
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
  // Stored by the audio thread only and read by any; they order nothing, so every access is relaxed.
  std::atomic<std::uint64_t> underrun_blocks_{0};
  std::atomic<std::uint64_t> underrun_frames_{0};
  std::atomic<std::uint64_t> dropped_frames_{0};
  std::atomic<std::uint64_t> failed_before_{0};  // failures of earlier streams
};

}  // namespace novasr

#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "novasr/engine.hpp"
#include "novasr/frame_ring.hpp"
#include "novasr/planar_buffer.hpp"

namespace novasr {

struct WorkerThreadSpec {
  std::size_t channels = 1;
  std::size_t hop_frames = 0;        ///< input frames per call of the engine
  std::size_t headroom_frames = 0;   ///< sets how often the thread polls for input
  std::size_t max_write_frames = 0;  ///< longest write()
  double source_band_hz = 0.0;       ///< for the engine
};

/// Runs an engine on a separate thread, with an input ring and an output ring.
///
/// Waking: a real-time caller never wakes the thread. A futex wake is a system call that takes kernel locks and may
/// yield the core immediately. Instead the thread polls: it sleeps for an eighth of the headroom, at most 1 ms (use
/// more headroom where the system timer is coarser). Callers that may block wake it, and wait for it, through the
/// mutex, which no [audio] function touches.
///
/// Streams are numbered. restart() starts a new one at the current end of the input. When the thread reaches it, it
/// discards older input, resets the engine and publishes where the new stream starts in the output.
class WorkerThread {
 public:
  explicit WorkerThread(std::unique_ptr<StreamingEngine> engine);
  ~WorkerThread();

  /// [control] Stops a running thread, prepares the engine, allocates, starts a thread.
  void start(const WorkerThreadSpec& spec, const std::function<void()>& on_thread_start);

  /// [any]
  [[nodiscard]] const StreamingEngine& engine() const NOVASR_RT { return *engine_; }

  /// [any] Blocks that the engine failed to compute since start().
  [[nodiscard]] std::uint64_t failed_blocks() const NOVASR_RT { return failed_.load(std::memory_order_relaxed); }

  /// [audio] Starts a new stream: earlier input belongs to the old one, whose output is discarded.
  void restart() NOVASR_RT;

  /// [audio] Whether the thread works on the newest stream. All older input has then left the ring.
  [[nodiscard]] bool in_step() NOVASR_RT;

  /// [audio] Frames that write() accepts.
  [[nodiscard]] std::size_t writable() NOVASR_RT { return in_.writable(); }

  /// [audio] Writes all of `in`, or nothing and returns false.
  [[nodiscard]] bool write(AudioView<const float> in) NOVASR_RT;

  /// [audio] Frames of the newest stream that read() can return.
  [[nodiscard]] std::size_t readable() NOVASR_RT { return in_step() ? out_.readable() : 0; }

  /// [audio] Fills `out`.  Precondition: out.frames() <= readable().
  void read(AudioView<float> out) NOVASR_RT { out_.read(out); }

  /// [audio] Discards up to `count` frames of the newest stream; returns the number discarded.
  [[nodiscard]] std::size_t discard(std::size_t count) NOVASR_RT;

  /// [audio] Ends the input of this stream: the thread computes an incomplete hop and flushes the engine.
  void end_stream() NOVASR_RT;

  /// [the thread of the audio functions] Wakes the worker and blocks until `done()`.
  template <typename Done>
  void wait(Done done) noexcept {
    std::unique_lock lock(mutex_);
    work_.notify_one();
    progress_.wait(lock, done);
  }

 private:
  void stop() noexcept;
  void run(const std::function<void()>& on_thread_start) noexcept;
  [[nodiscard]] bool has_work() noexcept;
  void work() noexcept;
  void switch_stream(std::uint64_t stream) noexcept;
  void process(std::size_t frames) noexcept;
  void publish(std::size_t frames) noexcept;
  void announce() noexcept;

  std::unique_ptr<StreamingEngine> engine_;
  std::thread thread_;
  std::size_t hop_frames_ = 0;
  std::chrono::microseconds look_again_{1000};
  FrameRing in_;   // audio -> worker
  FrameRing out_;  // worker -> audio

  // Stored by the audio thread.
  alignas(128) std::atomic<std::uint64_t> stream_{0};  // number of the newest stream
  std::atomic<std::uint64_t> first_in_{0};             // its start in the input
  std::atomic<std::uint64_t> ended_stream_{0};         // number of the stream ended by end_stream()
  bool in_step_ = false;                               // last result of in_step()

  // Stored by the worker.
  alignas(128) std::atomic<std::uint64_t> followed_{0};  // number of its current stream
  std::atomic<std::uint64_t> first_out_{0};              // its start in the output
  std::atomic<std::uint64_t> failed_{0};
  std::uint64_t failed_before_ = 0;  // failures before the engine's last reset
  bool flushed_ = false;
  PlanarBuffer in_hop_, out_hop_;

  std::atomic<bool> stop_{false};
  std::mutex mutex_;                  // never taken by a real-time function
  std::condition_variable work_;      // to the worker
  std::condition_variable progress_;  // from the worker
};

}  // namespace novasr

#include "worker/worker_thread.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "dsp/flush_denormals.hpp"
#include "novasr/errors.hpp"
#include "worker/thread_setup.hpp"

namespace novasr {
namespace {

constexpr std::size_t kStallSeconds = 3;  // longest stall of the worker without loss of input

}  // namespace

WorkerThread::WorkerThread(std::unique_ptr<StreamingEngine> engine) : engine_(std::move(engine)) {}

WorkerThread::~WorkerThread() {
  stop();
}

void WorkerThread::start(const WorkerThreadSpec& spec, const std::function<void()>& on_thread_start) {
  stop();
  engine_->prepare(
      {.channels = spec.channels, .max_block_frames = spec.hop_frames, .source_band_hz = spec.source_band_hz});
  hop_frames_ = spec.hop_frames;
  const EngineFormat& format = engine_->format();
  const auto headroom = std::chrono::microseconds(spec.headroom_frames * 1'000'000 / format.input_hz);
  look_again_ = std::clamp(headroom / 8, std::chrono::microseconds(100), std::chrono::microseconds(1000));

  const auto longest = std::max(format.ratio() * spec.hop_frames, engine_->latency_frames());  // of one publish()
  const auto waiting = spec.headroom_frames + spec.max_write_frames;
  in_.resize(kStallSeconds * format.input_hz + spec.hop_frames + waiting, spec.channels);
  out_.resize(format.ratio() * waiting + 2 * longest, spec.channels);
  in_hop_.prepare(spec.channels, spec.hop_frames);
  out_hop_.prepare(spec.channels, longest);

  for (auto* word : {&first_in_, &ended_stream_, &first_out_, &failed_}) word->store(0, std::memory_order_relaxed);
  for (auto* number : {&stream_, &followed_}) number->store(1, std::memory_order_relaxed);  // not ended: 1 is not 0
  in_step_ = false;
  failed_before_ = 0;
  flushed_ = false;
  stop_.store(false, std::memory_order_relaxed);
  try {
    thread_ = std::thread([this, on_thread_start] { run(on_thread_start); });
  } catch (const std::system_error& error) {
    throw ModelError(std::string("the worker thread cannot start: ") + error.what());
  }
}

void WorkerThread::stop() noexcept {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_.store(true, std::memory_order_relaxed);  // ordered by the mutex, or found by the next poll
  }
  work_.notify_one();
  thread_.join();
}

// ---- the audio thread's side -----------------------------------------------------------------------------------

void WorkerThread::restart() NOVASR_RT {
  out_.discard(out_.readable());
  in_step_ = false;
  // They pair with the acquires in switch_stream() and work(): all input before first_in_ is visible there. The worker
  // may read an older number with a newer start; it then follows a finished stream before it switches to the new one.
  first_in_.store(in_.written(), std::memory_order_release);
  stream_.store(stream_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

bool WorkerThread::in_step() NOVASR_RT {
  if (in_step_) return true;
  // Pairs with the release in switch_stream(): first_out_ belongs to this stream, and the older output is visible.
  if (followed_.load(std::memory_order_acquire) != stream_.load(std::memory_order_relaxed)) return false;
  const auto first = first_out_.load(std::memory_order_relaxed);  // ordered by the acquire above
  out_.discard(static_cast<std::size_t>(first - out_.consumed()));
  in_step_ = true;
  return true;
}

bool WorkerThread::write(AudioView<const float> in) NOVASR_RT {
  if (writable() < in.frames()) return false;
  in_.write(in);
  return true;
}

std::size_t WorkerThread::discard(std::size_t count) NOVASR_RT {
  return out_.discard(std::min(count, readable()));
}

void WorkerThread::end_stream() NOVASR_RT {
  // Pairs with the acquire in work(): the last input of the stream is visible there.
  ended_stream_.store(stream_.load(std::memory_order_relaxed), std::memory_order_release);
}

// ---- the worker's side -----------------------------------------------------------------------------------------

void WorkerThread::run(const std::function<void()>& on_thread_start) noexcept {
  set_up_worker_thread("novasr-worker");
  const FlushDenormals flush_denormals;
  if (on_thread_start) on_thread_start();
  while (!stop_.load(std::memory_order_relaxed)) {  // no ordering needed: join() orders
    if (has_work()) {
      work();
      announce();
    } else {
      std::unique_lock lock(mutex_);
      work_.wait_for(lock, look_again_, [this] { return stop_.load(std::memory_order_relaxed) || has_work(); });
    }
  }
}

bool WorkerThread::has_work() noexcept {
  const auto following = followed_.load(std::memory_order_relaxed);  // only this thread stores it
  return stream_.load(std::memory_order_relaxed) != following || in_.readable() >= hop_frames_ ||
         (ended_stream_.load(std::memory_order_relaxed) == following && !flushed_);  // a hint: work() acquires
}

void WorkerThread::work() noexcept {
  // In this order, the last frame of an ended stream is counted, and if a counted frame belongs to a newer stream, the
  // number of that stream is visible. So input of a newer stream is never computed as part of this one.
  const auto ended = ended_stream_.load(std::memory_order_acquire);  // pairs with the release in end_stream()
  const auto frames = in_.readable();                                // acquires
  const auto stream = stream_.load(std::memory_order_acquire);       // pairs with the release in restart()
  if (stream != followed_.load(std::memory_order_relaxed)) return switch_stream(stream);
  if (frames >= hop_frames_) return process(hop_frames_);
  if (ended != stream || flushed_) return;
  if (frames > 0) process(frames);
  engine_->flush(out_hop_.view(engine_->latency_frames()));
  failed_.store(failed_before_ + engine_->stats().failed_blocks, std::memory_order_relaxed);
  publish(engine_->latency_frames());
  flushed_ = true;
}

void WorkerThread::switch_stream(std::uint64_t stream) noexcept {
  const auto first = first_in_.load(std::memory_order_acquire);  // pairs with the release in restart()
  in_.discard(static_cast<std::size_t>(first - in_.consumed()));
  failed_before_ = failed_.load(std::memory_order_relaxed);  // only this thread stores it
  engine_->reset();
  flushed_ = false;
  first_out_.store(out_.written(), std::memory_order_relaxed);  // ordered by the release below
  followed_.store(stream, std::memory_order_release);           // pairs with the acquire in in_step()
}

void WorkerThread::process(std::size_t frames) noexcept {
  const std::size_t outputs = engine_->format().ratio() * frames;
  in_.read(in_hop_.view(frames));
  engine_->process(in_hop_.view(frames), out_hop_.view(outputs));
  failed_.store(failed_before_ + engine_->stats().failed_blocks, std::memory_order_relaxed);
  publish(outputs);
}

void WorkerThread::publish(std::size_t frames) noexcept {
  while (out_.writable() < frames) {  // far ahead of the reader after a stall
    const bool stale = stream_.load(std::memory_order_relaxed) != followed_.load(std::memory_order_relaxed);
    if (stale || stop_.load(std::memory_order_relaxed)) return;
    announce();
    std::this_thread::sleep_for(look_again_);
  }
  out_.write(out_hop_.view(frames));
}

void WorkerThread::announce() noexcept {
  { const std::lock_guard lock(mutex_); }  // by now a waiter has either seen the progress or sleeps
  progress_.notify_all();
}

}  // namespace novasr

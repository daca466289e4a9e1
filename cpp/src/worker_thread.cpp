#include "worker_thread.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "novasr/errors.hpp"
#include "novasr/flush_denormals.hpp"
#include "novasr/types.hpp"
#include "thread_setup.hpp"

namespace novasr {
namespace {

constexpr std::size_t kStallFrames = 3 * kModelInputHz;  // 3 s: how long the worker may stall without losing input

std::vector<float*> pointers_to(std::vector<std::vector<float>>& channels) {
  std::vector<float*> pointers;
  pointers.reserve(channels.size());
  for (auto& channel : channels) pointers.push_back(channel.data());
  return pointers;
}

}  // namespace

WorkerThread::WorkerThread(std::unique_ptr<StreamingEngine> engine) : engine_(std::move(engine)) {}

WorkerThread::~WorkerThread() {
  stop();
}

void WorkerThread::start(const WorkerThreadSpec& spec, const std::function<void()>& on_thread_start) {
  stop();
  engine_->prepare({.channels = spec.channels, .max_block_frames = spec.hop_frames});
  hop_frames_ = spec.hop_frames;
  const auto slack = std::chrono::microseconds(spec.slack_frames * 1'000'000 / kModelInputHz);
  look_again_ = std::clamp(slack / 8, std::chrono::microseconds(100), std::chrono::microseconds(1000));

  const auto longest = std::max(kUpsampling * spec.hop_frames, engine_->latency_frames());  // of one publish()
  in_ = std::vector<SpscRing>(spec.channels);
  out_ = std::vector<SpscRing>(spec.channels);
  for (auto& ring : in_) ring.resize(kStallFrames + spec.hop_frames + spec.slack_frames + spec.max_write_frames);
  for (auto& ring : out_) ring.resize(kUpsampling * (spec.slack_frames + spec.max_write_frames) + 2 * longest);
  in_hop_.assign(spec.channels, std::vector<float>(spec.hop_frames));
  out_hop_.assign(spec.channels, std::vector<float>(longest));
  in_pointers_ = pointers_to(in_hop_);
  out_pointers_ = pointers_to(out_hop_);

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
    stop_.store(true, std::memory_order_relaxed);  // the mutex orders it, or the next look finds it
  }
  work_.notify_one();
  thread_.join();
}

// ---- the audio thread's side -----------------------------------------------------------------------------------

void WorkerThread::restart() NOVASR_RT {
  for (auto& ring : out_) ring.discard(ring.readable());
  in_step_ = false;
  // They pair with the acquires in follow() and work(): all input before first_in_ can be seen there. The worker may
  // pair an older number with a newer beginning; it then follows a stream that is over and comes back for the new one.
  first_in_.store(in_.back().written(), std::memory_order_release);
  stream_.store(stream_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

bool WorkerThread::in_step() NOVASR_RT {
  if (in_step_) return true;
  // Pairs with the release in follow(): first_out_ belongs to this stream, and the older output can be seen.
  if (followed_.load(std::memory_order_acquire) != stream_.load(std::memory_order_relaxed)) return false;
  const auto first = first_out_.load(std::memory_order_relaxed);  // ordered by the acquire above
  for (auto& ring : out_) ring.discard(static_cast<std::size_t>(first - ring.consumed()));
  in_step_ = true;
  return true;
}

bool WorkerThread::write(AudioView<const float> in_16k, std::size_t first, std::size_t count) NOVASR_RT {
  if (writable() < count) return false;
  for (std::size_t c = 0; c < in_.size(); ++c) in_[c].write(in_16k[c].subspan(first, count));
  return true;
}

void WorkerThread::read(AudioView<float> out_48k, std::size_t first, std::size_t count) NOVASR_RT {
  for (std::size_t c = 0; c < out_.size(); ++c) out_[c].read(out_48k[c].subspan(first, count));
}

std::size_t WorkerThread::discard(std::size_t count) NOVASR_RT {
  const auto dropped = std::min(count, readable());
  for (auto& ring : out_) ring.discard(dropped);
  return dropped;
}

void WorkerThread::end_stream() NOVASR_RT {
  // Pairs with the acquire in work(): the stream's last input can be seen there.
  ended_stream_.store(stream_.load(std::memory_order_relaxed), std::memory_order_release);
}

// ---- the worker's side -----------------------------------------------------------------------------------------

void WorkerThread::run(const std::function<void()>& on_thread_start) noexcept {
  set_up_worker_thread("novasr-worker");
  const FlushDenormals flush_denormals;
  if (on_thread_start) on_thread_start();
  while (!stop_.load(std::memory_order_relaxed)) {  // orders nothing: join() does
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
  return stream_.load(std::memory_order_relaxed) != following || in_.back().readable() >= hop_frames_ ||
         (ended_stream_.load(std::memory_order_relaxed) == following && !flushed_);  // a hint: work() acquires
}

void WorkerThread::work() noexcept {
  // In this order: an ended stream's last frame is counted, and if a counted frame belongs to a newer stream, that
  // stream's number is seen. So nothing of a newer stream is ever computed as part of this one.
  const auto ended = ended_stream_.load(std::memory_order_acquire);  // pairs with the release in end_stream()
  const auto frames = in_.back().readable();                         // acquires
  const auto stream = stream_.load(std::memory_order_acquire);       // pairs with the release in restart()
  if (stream != followed_.load(std::memory_order_relaxed)) return follow(stream);
  if (frames >= hop_frames_) return process(hop_frames_);
  if (ended != stream || flushed_) return;
  if (frames > 0) process(frames);
  engine_->flush({out_pointers_.data(), out_pointers_.size(), engine_->latency_frames()});
  failed_.store(failed_before_ + engine_->stats().failed_blocks, std::memory_order_relaxed);
  publish(engine_->latency_frames());
  flushed_ = true;
}

void WorkerThread::follow(std::uint64_t stream) noexcept {
  const auto first = first_in_.load(std::memory_order_acquire);  // pairs with the release in restart()
  for (auto& ring : in_) ring.discard(static_cast<std::size_t>(first - ring.consumed()));
  failed_before_ = failed_.load(std::memory_order_relaxed);  // only this thread stores it
  engine_->reset();
  flushed_ = false;
  first_out_.store(out_.back().written(), std::memory_order_relaxed);  // ordered by the release below
  followed_.store(stream, std::memory_order_release);                  // pairs with the acquire in in_step()
}

void WorkerThread::process(std::size_t frames) noexcept {
  for (std::size_t c = 0; c < in_.size(); ++c) in_[c].read(std::span(in_hop_[c]).first(frames));
  engine_->process(AudioView<const float>(AudioView<float>(in_pointers_.data(), in_pointers_.size(), frames)),
                   {out_pointers_.data(), out_pointers_.size(), kUpsampling * frames});
  failed_.store(failed_before_ + engine_->stats().failed_blocks, std::memory_order_relaxed);
  publish(kUpsampling * frames);
}

void WorkerThread::publish(std::size_t frames) noexcept {
  while (out_.back().writable() < frames) {  // far ahead of the reader, after a stall
    const bool stale = stream_.load(std::memory_order_relaxed) != followed_.load(std::memory_order_relaxed);
    if (stale || stop_.load(std::memory_order_relaxed)) return;
    announce();
    std::this_thread::sleep_for(look_again_);
  }
  for (std::size_t c = 0; c < out_.size(); ++c) out_[c].write(std::span(out_hop_[c]).first(frames));
}

void WorkerThread::announce() noexcept {
  { const std::lock_guard lock(mutex_); }  // a waiter has either seen the progress or is asleep by now
  progress_.notify_all();
}

}  // namespace novasr

#include "novasr/worker_engine.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "novasr/errors.hpp"
#include "worker_thread.hpp"

namespace novasr {
namespace {

constexpr std::size_t kMaxHopFrames = 65'536;
constexpr std::size_t kMaxChannels = 1'024;
constexpr std::size_t kSliceFrames = 4'096;  // longer blocks are cut, so that no ring depends on the block size

void check_range(const char* name, std::size_t value, std::size_t low, std::size_t high) {
  if (value >= low && value <= high) return;
  throw ConfigError(std::string(name) + " is " + std::to_string(value) + "; use " + std::to_string(low) + " to " +
                    std::to_string(high));
}

WorkerOptions checked(WorkerOptions options) {
  check_range("hop_frames", options.hop_frames, 1, kMaxHopFrames);
  check_range("slack_frames", options.slack_frames, 1, kMaxHopFrames);
  return options;
}

void add(std::atomic<std::uint64_t>& counter, std::uint64_t more) NOVASR_RT {  // for the only thread that stores it
  counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace

WorkerEngine::WorkerEngine(std::unique_ptr<StreamingEngine> inner, WorkerOptions options)
    : options_(checked(std::move(options))),
      primed_frames_(kUpsampling * (options_.hop_frames - 1 + options_.slack_frames)),
      offline_(options_.offline) {
  if (!inner) throw ConfigError("the inner engine is null; give WorkerEngine an engine to run");
  worker_ = std::make_unique<WorkerThread>(std::move(inner));
}

WorkerEngine::~WorkerEngine() = default;

void WorkerEngine::prepare(const EngineSpec& spec) {
  check_range("channels", spec.channels, 1, kMaxChannels);
  check_range("max_block_frames", spec.max_block_frames, 1, kMaxBlockFrames);
  worker_->start({.channels = spec.channels,
                  .hop_frames = options_.hop_frames,
                  .slack_frames = options_.slack_frames,
                  .max_write_frames = kSliceFrames},
                 options_.on_thread_start);
  latency_frames_ = worker_->inner_latency_frames() + primed_frames_;
  dry_.prepare(spec.channels, latency_frames_, kSliceFrames);
  reset();
}

void WorkerEngine::reset() NOVASR_RT {
  worker_->restart();
  dry_.reset();
  stream_ = Stream{.primed = primed_frames_};
  for (auto* counter : {&underrun_blocks_, &underrun_frames_, &dropped_frames_})
    counter->store(0, std::memory_order_relaxed);
  failed_before_.store(worker_->failed_blocks(), std::memory_order_relaxed);
}

void WorkerEngine::process(AudioView<const float> in_16k, AudioView<float> out_48k) NOVASR_RT {
  assert(in_16k.channels() == out_48k.channels() && out_48k.frames() == kUpsampling * in_16k.frames());
  const std::atomic<bool>& offline = options_.offline_switch != nullptr ? *options_.offline_switch : offline_;
  const bool may_wait = offline.load(std::memory_order_relaxed);  // a mode, not a message: orders nothing
  const auto underruns = underrun_frames_.load(std::memory_order_relaxed);
  for (std::size_t first = 0; first < in_16k.frames(); first += kSliceFrames) {
    const auto count = std::min(kSliceFrames, in_16k.frames() - first);
    dry_.push(in_16k, first, count);
    submit(in_16k, first, count, may_wait);
    render(out_48k, kUpsampling * first, kUpsampling * count, may_wait);
  }
  if (underrun_frames_.load(std::memory_order_relaxed) != underruns) add(underrun_blocks_, 1);
}

void WorkerEngine::flush(AudioView<float> out_48k) noexcept {
  assert(out_48k.frames() == latency_frames_);
  worker_->end_stream();
  render(out_48k, 0, latency_frames_, true);
}

EngineStats WorkerEngine::stats() const NOVASR_RT {
  return {.underrun_blocks = underrun_blocks_.load(std::memory_order_relaxed),
          .underrun_frames = underrun_frames_.load(std::memory_order_relaxed),
          .dropped_frames = dropped_frames_.load(std::memory_order_relaxed),
          .failed_blocks = worker_->failed_blocks() - failed_before_.load(std::memory_order_relaxed)};
}

void WorkerEngine::submit(AudioView<const float> in_16k, std::size_t first, std::size_t count,
                          bool may_wait) NOVASR_RT {
  if (may_wait) {
    // Offline alone, when nothing sounds that could be late.
    NOVASR_RT_UNCHECKED(worker_->wait([&] {
      drop_late();  // or the worker could not get rid of its output
      return stream_.cut_off ? worker_->in_step() : worker_->writable() >= count;
    });)
  }
  if (stream_.cut_off && worker_->in_step()) rejoin();
  if (stream_.cut_off || worker_->write(in_16k, first, count)) return;
  worker_->restart();
  stream_.cut_off = true;
}

void WorkerEngine::render(AudioView<float> out_48k, std::size_t first, std::size_t count, bool may_wait) NOVASR_RT {
  const auto end = first + count;
  if (stream_.position < stream_.dry_until) {
    const auto lacking = static_cast<std::size_t>(std::min<std::uint64_t>(count, stream_.dry_until - stream_.position));
    put_dry(out_48k, first, lacking);
    first += lacking;
  }
  while (first < end) {  // each round puts out at least one frame or is the last, unless it may wait
    drop_late();
    const auto wet = std::min(ready(), end - first);
    if (wet > 0) {
      put_wet(out_48k, first, wet);
      first += wet;
    } else if (may_wait && !stream_.cut_off) {
      NOVASR_RT_UNCHECKED(worker_->wait([&] { return worker_->readable() > 0; });)  // offline alone
    } else {
      break;
    }
  }
  put_dry(out_48k, first, end - first);
}

void WorkerEngine::put_dry(AudioView<float> out_48k, std::size_t first, std::size_t count) NOVASR_RT {
  dry_.put_dry(out_48k, first, count);
  stream_.position += count;
  stream_.owed += count;
  add(underrun_frames_, count);
}

void WorkerEngine::put_wet(AudioView<float> out_48k, std::size_t first, std::size_t count) NOVASR_RT {
  const auto zeros = std::min(count, stream_.primed);
  for (std::size_t c = 0; c < out_48k.channels(); ++c) std::ranges::fill(out_48k[c].subspan(first, zeros), 0.0f);
  stream_.primed -= zeros;
  worker_->read(out_48k, first + zeros, count - zeros);
  dry_.put_wet(out_48k, first, count);
  stream_.position += count;
}

void WorkerEngine::drop_late() NOVASR_RT {
  if (stream_.owed == 0 || stream_.cut_off) return;
  const auto zeros = static_cast<std::size_t>(std::min<std::uint64_t>(stream_.owed, stream_.primed));
  stream_.primed -= zeros;
  const auto dropped = zeros + worker_->discard(static_cast<std::size_t>(stream_.owed) - zeros);
  stream_.owed -= dropped;
  add(dropped_frames_, dropped);
}

void WorkerEngine::rejoin() NOVASR_RT {  // as at the stream's first frame, except that its silent start is covered
  add(dropped_frames_, stream_.owed);
  stream_.owed = 0;
  stream_.primed = primed_frames_;
  stream_.dry_until = stream_.position + latency_frames_;
  stream_.cut_off = false;
}

std::size_t WorkerEngine::ready() NOVASR_RT {
  if (stream_.cut_off || stream_.owed > 0) return 0;
  return stream_.primed + worker_->readable();
}

}  // namespace novasr

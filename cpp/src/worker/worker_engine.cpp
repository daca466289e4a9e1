#include "novasr/worker_engine.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "novasr/errors.hpp"
#include "worker/dry_fallback.hpp"
#include "worker/worker_thread.hpp"

namespace novasr {
namespace {

constexpr std::size_t kMaxHopFrames = 65'536;
constexpr std::size_t kMaxChannels = 1'024;
constexpr std::size_t kSliceFrames = 4'096;  // longer blocks are split: ring sizes do not depend on them

void check_range(const char* name, std::size_t value, std::size_t low, std::size_t high) {
  if (value >= low && value <= high) return;
  throw ConfigError(std::string(name) + " is " + std::to_string(value) + "; use " + std::to_string(low) + " to " +
                    std::to_string(high));
}

WorkerOptions checked(WorkerOptions options) {
  check_range("hop_frames", options.hop_frames, 1, kMaxHopFrames);
  check_range("headroom_frames", options.headroom_frames, 1, kMaxHopFrames);
  return options;
}

void add(std::atomic<std::uint64_t>& counter, std::uint64_t more) NOVASR_RT {  // only for the one thread that stores it
  counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace

WorkerEngine::WorkerEngine(std::unique_ptr<StreamingEngine> inner, WorkerOptions options)
    : options_(checked(std::move(options))), dry_(std::make_unique<DryFallback>()) {
  if (!inner) throw ConfigError("the inner engine is null; give WorkerEngine an engine to run");
  prefilled_frames_ = inner->format().ratio() * (options_.hop_frames - 1 + options_.headroom_frames);
  worker_ = std::make_unique<WorkerThread>(std::move(inner));
}

WorkerEngine::~WorkerEngine() = default;

void WorkerEngine::prepare(const EngineSpec& spec) {
  check_range("channels", spec.channels, 1, kMaxChannels);
  check_range("max_block_frames", spec.max_block_frames, 1, kMaxBlockFrames);
  worker_->start({.channels = spec.channels,
                  .hop_frames = options_.hop_frames,
                  .headroom_frames = options_.headroom_frames,
                  .max_write_frames = kSliceFrames,
                  .source_band_hz = spec.source_band_hz},
                 options_.on_thread_start);
  latency_frames_ = worker_->engine().latency_frames() + prefilled_frames_;
  dry_->prepare(spec.channels, format(), latency_frames_, kSliceFrames);
  reset();
}

void WorkerEngine::reset() NOVASR_RT {
  worker_->restart();
  dry_->reset();
  stream_ = Stream{.prefilled = prefilled_frames_};
  for (auto* counter : {&underrun_blocks_, &underrun_frames_, &dropped_frames_})
    counter->store(0, std::memory_order_relaxed);
  failed_before_.store(worker_->failed_blocks(), std::memory_order_relaxed);
}

void WorkerEngine::process(AudioView<const float> in, AudioView<float> out) NOVASR_RT {
  const std::size_t ratio = format().ratio();
  assert(in.channels() == out.channels() && out.frames() == ratio * in.frames());
  // A mode, not a message: orders nothing.
  const bool may_wait = options_.offline != nullptr && options_.offline->load(std::memory_order_relaxed);
  const auto underruns = underrun_frames_.load(std::memory_order_relaxed);
  for (std::size_t first = 0; first < in.frames(); first += kSliceFrames) {
    const auto count = std::min(kSliceFrames, in.frames() - first);
    dry_->push(in.subview(first, count));
    submit(in.subview(first, count), may_wait);
    render(out.subview(ratio * first, ratio * count), may_wait);
  }
  if (underrun_frames_.load(std::memory_order_relaxed) != underruns) add(underrun_blocks_, 1);
}

void WorkerEngine::flush(AudioView<float> out) noexcept {
  assert(out.frames() == latency_frames_);
  worker_->end_stream();
  render(out, true);
}

const EngineFormat& WorkerEngine::format() const NOVASR_RT {
  return worker_->engine().format();
}

float WorkerEngine::silence_output() const NOVASR_RT {
  return worker_->engine().silence_output();
}

EngineStats WorkerEngine::stats() const NOVASR_RT {
  return {.underrun_blocks = underrun_blocks_.load(std::memory_order_relaxed),
          .underrun_frames = underrun_frames_.load(std::memory_order_relaxed),
          .dropped_frames = dropped_frames_.load(std::memory_order_relaxed),
          .failed_blocks = worker_->failed_blocks() - failed_before_.load(std::memory_order_relaxed),
          .cutoff_hz = worker_->engine().stats().cutoff_hz};
}

void WorkerEngine::submit(AudioView<const float> in, bool may_wait) NOVASR_RT {
  if (may_wait) {
    // Offline only, where there is no deadline.
    NOVASR_RT_UNCHECKED(worker_->wait([&] {
      drop_late();  // otherwise the worker could block on its output
      return stream_.cut_off ? worker_->in_step() : worker_->writable() >= in.frames();
    });)
  }
  if (stream_.cut_off && worker_->in_step()) rejoin();
  if (stream_.cut_off || worker_->write(in)) return;
  worker_->restart();
  stream_.cut_off = true;
}

void WorkerEngine::render(AudioView<float> out, bool may_wait) NOVASR_RT {
  const auto end = out.frames();
  std::size_t first = 0;
  if (stream_.position < stream_.dry_until) {
    first = static_cast<std::size_t>(std::min<std::uint64_t>(end, stream_.dry_until - stream_.position));
    write_dry(out.subview(0, first));
  }
  while (first < end) {  // unless it may wait, each round outputs at least one frame or is the last
    drop_late();
    const auto wet = std::min(ready(), end - first);
    if (wet > 0) {
      write_wet(out.subview(first, wet));
      first += wet;
    } else if (may_wait && !stream_.cut_off) {
      NOVASR_RT_UNCHECKED(worker_->wait([&] { return worker_->readable() > 0; });)  // offline only
    } else {
      break;
    }
  }
  write_dry(out.subview(first, end - first));
}

void WorkerEngine::write_dry(AudioView<float> out) NOVASR_RT {
  dry_->write_dry(out);
  stream_.position += out.frames();
  stream_.pending += out.frames();
  add(underrun_frames_, out.frames());
}

void WorkerEngine::write_wet(AudioView<float> out) NOVASR_RT {
  const auto zeros = std::min(out.frames(), stream_.prefilled);
  for (std::size_t c = 0; c < out.channels(); ++c) std::ranges::fill(out[c].first(zeros), 0.0f);
  stream_.prefilled -= zeros;
  worker_->read(out.subview(zeros, out.frames() - zeros));
  dry_->write_wet(out);
  stream_.position += out.frames();
}

void WorkerEngine::drop_late() NOVASR_RT {
  if (stream_.pending == 0 || stream_.cut_off) return;
  const auto zeros = static_cast<std::size_t>(std::min<std::uint64_t>(stream_.pending, stream_.prefilled));
  stream_.prefilled -= zeros;
  const auto dropped = zeros + worker_->discard(static_cast<std::size_t>(stream_.pending) - zeros);
  stream_.pending -= dropped;
  add(dropped_frames_, dropped);
}

void WorkerEngine::rejoin() NOVASR_RT {  // as at the first frame of a stream, except that its silent start is covered
  add(dropped_frames_, stream_.pending);
  stream_.pending = 0;
  stream_.prefilled = prefilled_frames_;
  stream_.dry_until = stream_.position + latency_frames_;
  stream_.cut_off = false;
}

std::size_t WorkerEngine::ready() NOVASR_RT {
  if (stream_.cut_off || stream_.pending > 0) return 0;
  return stream_.prefilled + worker_->readable();
}

}  // namespace novasr

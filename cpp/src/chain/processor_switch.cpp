#include "novasr/processor_switch.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "dsp/rate_converter.hpp"

namespace novasr {
namespace {

constexpr std::size_t kPiecesPerSecond = 100;

/// Minimum warm-up of a processor beyond its latency: 20 ms is twice the length of its filters and of the default
/// model's memory.
constexpr std::size_t kWarmUpsPerSecond = 50;

/// A model that never forgets knows its input well enough after that.
constexpr std::size_t kLongestMemorySeconds = 1;

constexpr std::size_t kFadesPerSecond = 50;

/// Converts input frames of the engine to frames of the stream, rounded up.
std::size_t stream_frames(std::size_t engine_frames, std::uint32_t rate_hz, const EngineFormat& format) NOVASR_RT {
  return (engine_frames * rate_hz + format.input_hz - 1) / format.input_hz;
}

/// Changes every counter of `stats` by that of `other`.
template <typename Operation>
void change_counters(ProcessorStats& stats, const ProcessorStats& other, Operation operation) NOVASR_RT {
  stats.input_frames = operation(stats.input_frames, other.input_frames);
  stats.output_frames = operation(stats.output_frames, other.output_frames);
  stats.nonfinite_samples = operation(stats.nonfinite_samples, other.nonfinite_samples);
  EngineStats& engine = stats.engine;
  engine.underrun_blocks = operation(engine.underrun_blocks, other.engine.underrun_blocks);
  engine.underrun_frames = operation(engine.underrun_frames, other.engine.underrun_frames);
  engine.dropped_frames = operation(engine.dropped_frames, other.engine.dropped_frames);
  engine.failed_blocks = operation(engine.failed_blocks, other.engine.failed_blocks);
}

}  // namespace

ProcessorSwitch::~ProcessorSwitch() {
  delete offered_.load(std::memory_order_acquire);
  collect();
}

void ProcessorSwitch::prepare(const ProcessSpec& spec, std::unique_ptr<Processor> first) {
  delete offered_.exchange(nullptr, std::memory_order_acq_rel);
  collect();
  next_.reset();
  to_free_ = 0;
  current_ = std::move(first);
  spec_ = spec;
  piece_ = std::min<std::size_t>(spec.max_block_frames, spec.sample_rate_hz / kPiecesPerSecond);
  next_out_.prepare(spec.channels, current_->max_output_frames(piece_));
  reset();
}

void ProcessorSwitch::offer(std::unique_ptr<Processor> next) {
  collect();
  Processor* const untaken =
      offered_.exchange(next.release(), std::memory_order_acq_rel);  // acquire: pairs with an earlier offer()
  if (untaken == nullptr) ++to_free_;
  delete untaken;
}

bool ProcessorSwitch::collect() {
  for (auto& slot : retired_) {
    const Processor* const played = slot.exchange(nullptr, std::memory_order_acquire);  // pairs with that in retire()
    if (played != nullptr) --to_free_;
    delete played;
  }
  return to_free_ > 0;
}

void ProcessorSwitch::reset() NOVASR_RT {
  if (next_) retire();
  current_->reset();
  before_ = {};
  position_ = 0;
}

void ProcessorSwitch::apply(const Parameters& parameters) NOVASR_RT {
  take_offer();
  current_->apply(parameters);
  if (next_) next_->apply(parameters);
}

std::size_t ProcessorSwitch::process(AudioView<const float> in, AudioView<float> out) NOVASR_RT {
  std::size_t written = 0;
  for (std::size_t first = 0; first < in.frames();) {
    const std::size_t left = in.frames() - first;
    const std::size_t frames = next_ ? std::min({left, piece_, phase_frames_}) : left;
    written += process_piece(in.subview(first, frames), out.subview(written, out.frames() - written));
    first += frames;
  }
  position_ += in.frames();
  return written;
}

ProcessorStats ProcessorSwitch::stats() const NOVASR_RT {
  ProcessorStats stats = current_->stats();
  change_counters(stats, before_, std::plus<>());
  return stats;
}

std::size_t ProcessorSwitch::max_output_frames(std::size_t input_frames) const NOVASR_RT {
  const std::size_t whole = current_->max_output_frames(input_frames);
  constexpr std::size_t kPhases = 3;
  return spec_.sample_rate_hz == spec_.output_rate_hz ? whole : whole + input_frames / piece_ + kPhases;
}

void ProcessorSwitch::take_offer() NOVASR_RT {
  if (next_ || offered_.load(std::memory_order_relaxed) == nullptr) return;
  Processor* const offer = offered_.exchange(nullptr, std::memory_order_acquire);  // pairs with the release in offer()
  NOVASR_RT_UNCHECKED(next_.reset(offer);)                                         // next_ is empty: deletes nothing
  if (!next_) return;
  if (position_ == 0) return retire();
  const EngineFormat& format = current_->format();
  std::uint64_t period = RateRatio(spec_.sample_rate_hz, spec_.output_rate_hz).in;  // whole output frames
  if (format.forgets && next_->format().forgets)
    period = format.hop_frames * static_cast<std::uint64_t>(RateRatio(spec_.sample_rate_hz, format.input_hz).in);
  enter(Phase::waiting, static_cast<std::size_t>((period - position_ % period) % period));
}

/// A slot is always free: offer() empties them all, and before its next call at most three processors can retire a
/// predecessor: an active successor, an offer still pending at that time, and the new one.
void ProcessorSwitch::retire() NOVASR_RT {
  auto slot = retired_.begin();
  while (slot->load(std::memory_order_relaxed) != nullptr) ++slot;  // only collect() empties it
  before_ = stats();
  slot->store(current_.release(), std::memory_order_release);  // pairs with the exchange in collect()
  current_.swap(next_);
  change_counters(before_, current_->stats(), std::minus<>());  // what it counted while it warmed up
}

/// Both write the same number of frames: the successor starts where the output has a whole number of frames.
std::size_t ProcessorSwitch::process_piece(AudioView<const float> in, AudioView<float> out) NOVASR_RT {
  const bool both = next_ && phase_ != Phase::waiting;
  if (both) next_->process(in, next_out_.view(next_->max_output_frames(in.frames())));  // `out` may overwrite `in`
  const std::size_t written = current_->process(in, out);
  if (!next_) return written;
  if (phase_ == Phase::fading) crossfade(out.subview(0, written));
  enter(phase_, phase_frames_ - in.frames());
  return written;
}

/// Starts the next phase when this one has no frames left.
void ProcessorSwitch::enter(Phase phase, std::size_t frames) NOVASR_RT {
  phase_ = phase;
  phase_frames_ = frames;
  if (frames > 0) return;
  const std::size_t rate = spec_.sample_rate_hz;
  if (phase == Phase::waiting) {
    const std::size_t latency =
        (next_->latency_frames() * rate + spec_.output_rate_hz - 1) / spec_.output_rate_hz;  // in input frames
    const std::size_t memory = stream_frames(next_->format().memory_frames, spec_.sample_rate_hz, next_->format());
    const std::size_t filters = rate / (2 * kWarmUpsPerSecond);
    const std::size_t remembered = filters + std::min(memory, kLongestMemorySeconds * rate);
    return enter(Phase::warming, latency + std::max(rate / kWarmUpsPerSecond, remembered));
  }
  if (phase == Phase::warming) return enter(Phase::fading, rate / kFadesPerSecond);
  retire();
}

void ProcessorSwitch::crossfade(AudioView<float> mixed) NOVASR_RT {
  const AudioView<float> next = next_out_.view(mixed.frames());
  const std::size_t fade_frames = spec_.output_rate_hz / kFadesPerSecond;
  const auto total = static_cast<float>(fade_frames);
  const auto left =
      static_cast<float>(static_cast<double>(phase_frames_) * spec_.output_rate_hz / spec_.sample_rate_hz);
  for (std::size_t c = 0; c < spec_.channels; ++c)
    for (std::size_t i = 0; i < mixed.frames(); ++i) {
      const float share = 1.0f - (left - static_cast<float>(i)) / total;
      mixed[c][i] += share * (next[c][i] - mixed[c][i]);
    }
}

}  // namespace novasr

#include "novasr/live_bridge.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <span>

#include "live/clock_bridge.hpp"
#include "novasr/errors.hpp"
#include "novasr/interleave.hpp"
#include "novasr/realtime.hpp"

namespace novasr {
namespace {

constexpr std::size_t kPieceFrames = 1'024;  // longer callbacks pass in pieces
constexpr double kTapSeconds = 0.5;          // for meters
constexpr double kRecordSeconds = 5.0;       // for a disk that is slow for once

std::uint32_t processed_rate(const LiveSpec& spec, const EngineFormat& format) {
  const std::uint32_t rate = spec.input_rate_hz;
  return !spec.two_clocks || rate >= 44'100 ? rate : format.output_hz;
}

std::size_t processed_channels(const LiveSpec& spec) {
  return std::min(spec.input_channels, spec.output_channels);
}

ProcessSpec process_spec(const LiveSpec& spec, std::uint32_t processed_rate_hz) {
  return {.sample_rate_hz = spec.input_rate_hz,
          .output_rate_hz = processed_rate_hz,
          .channels = processed_channels(spec),
          .max_block_frames = kPieceFrames,
          .low_latency = spec.low_latency};
}

void check(const LiveSpec& spec) {
  if (spec.input_channels < 1 || spec.output_channels < 1) throw ConfigError("channels must be at least 1");
  if (spec.block_frames < 1 || spec.block_frames > kMaxBlockFrames) throw ConfigError("block_frames is out of range");
  if (!spec.two_clocks && spec.input_rate_hz != spec.output_rate_hz)
    throw ConfigError("one clock has one rate: input and output rate differ");
}

std::size_t frames_of(double seconds, std::uint32_t rate_hz) {
  return static_cast<std::size_t>(std::ceil(seconds * rate_hz));
}

void silence(AudioView<float> audio) NOVASR_RT {
  for (std::size_t c = 0; c < audio.channels(); ++c) std::ranges::fill(audio[c], 0.0f);
}

/// The average over the channels of interleaved audio.
void average(const float* in, std::size_t channels, std::span<float> out) NOVASR_RT {
  const float share = 1.0f / static_cast<float>(channels);
  for (float& sample : out) {
    float sum = 0.0f;
    for (std::size_t c = 0; c < channels; ++c) sum += *in++;
    sample = share * sum;
  }
}

/// Interleaved audio that is the same in all channels.
void copy_to_all(std::span<const float> in, float* out, std::size_t channels) NOVASR_RT {
  for (const float sample : in) out = std::fill_n(out, channels, sample);
}

}  // namespace

/// Written by one audio thread each, read by any.
struct LiveBridge::Shared {
  std::atomic<std::uint64_t> input_blocks{0}, output_blocks{0}, input_frames{0}, output_frames{0};
  std::atomic<std::uint64_t> input_xruns{0}, output_xruns{0}, late_blocks{0};
  std::atomic<std::uint64_t> record_lost{0};
  std::atomic<double> device_seconds{0.0};
};

LiveBridge::LiveBridge(std::unique_ptr<StreamingEngine> engine, const LiveSpec& spec)
    : spec_((check(spec), spec)),
      channels_(novasr::processed_channels(spec)),
      processed_rate_hz_(processed_rate(spec, engine->format())),
      processor_(std::move(engine)),
      before_(frames_of(kTapSeconds, spec.input_rate_hz)),
      after_(frames_of(kTapSeconds, spec.output_rate_hz)),
      shared_(std::make_unique<Shared>()) {
  processor_.prepare(process_spec(spec, processed_rate_hz_));
  input_.prepare(channels_, kPieceFrames);
  output_.prepare(channels_, processor_.max_output_frames(kPieceFrames));
  if (spec.record) {
    recorded_before_.resize(frames_of(kRecordSeconds, spec.input_rate_hz), channels_);
    recorded_after_.resize(frames_of(kRecordSeconds, spec.input_rate_hz), channels_);
  }
  if (!spec.two_clocks) return;
  played_.prepare(channels_, kPieceFrames);
  clocks_ = std::make_unique<ClockBridge>(ClockBridgeSpec{.input_rate_hz = spec.input_rate_hz,
                                                          .processed_rate_hz = processed_rate_hz_,
                                                          .output_rate_hz = spec.output_rate_hz,
                                                          .channels = channels_,
                                                          .block_frames = spec.block_frames,
                                                          .max_read_frames = kPieceFrames});
}

LiveBridge::~LiveBridge() = default;

void LiveBridge::duplex(const float* in, float* out, std::size_t frames, const Report& report) NOVASR_RT {
  load_.begin();
  Shared& shared = *shared_;
  if (report.input_xrun) shared.input_xruns.fetch_add(1, std::memory_order_relaxed);
  if (report.output_xrun) shared.output_xruns.fetch_add(1, std::memory_order_relaxed);
  if (report.device_seconds > 0.0) shared.device_seconds.store(report.device_seconds, std::memory_order_relaxed);
  for (std::size_t first = 0; first < frames;) {
    const std::size_t piece = std::min(kPieceFrames, frames - first);
    write_output(enhance(in == nullptr ? nullptr : in + first * spec_.input_channels, piece),
                 out + first * spec_.output_channels);
    first += piece;
  }
  shared.input_blocks.fetch_add(1, std::memory_order_relaxed);
  note_load(frames);
}

void LiveBridge::capture(const float* in, std::size_t frames, double seconds, const Report& report) NOVASR_RT {
  load_.begin();
  Shared& shared = *shared_;
  if (report.input_xrun) shared.input_xruns.fetch_add(1, std::memory_order_relaxed);
  clocks_->begin_capture(seconds, frames);
  for (std::size_t first = 0; first < frames;) {
    const std::size_t piece = std::min(kPieceFrames, frames - first);
    clocks_->write(enhance(in == nullptr ? nullptr : in + first * spec_.input_channels, piece));
    first += piece;
  }
  clocks_->end_capture();
  shared.input_blocks.fetch_add(1, std::memory_order_relaxed);
  note_load(frames);
}

void LiveBridge::play(float* out, std::size_t frames, double seconds, const Report& report) NOVASR_RT {
  Shared& shared = *shared_;
  if (report.output_xrun) shared.output_xruns.fetch_add(1, std::memory_order_relaxed);
  if (report.device_seconds > 0.0) shared.device_seconds.store(report.device_seconds, std::memory_order_relaxed);
  clocks_->begin_playback(seconds, frames);
  for (std::size_t first = 0; first < frames;) {
    const std::size_t piece = std::min(kPieceFrames, frames - first);
    const AudioView<float> audio = played_.view(piece);
    clocks_->read(audio);
    write_output(audio, out + first * spec_.output_channels);
    first += piece;
  }
  shared.output_blocks.fetch_add(1, std::memory_order_relaxed);
}

AudioView<float> LiveBridge::enhance(const float* in, std::size_t frames) NOVASR_RT {
  const AudioView<float> input = input_.view(frames);
  if (in == nullptr)
    silence(input);
  else if (channels_ == 1 && spec_.input_channels > 1)
    average(in, spec_.input_channels, input[0]);
  else
    deinterleave(in, spec_.input_channels, input);
  before_.write(input);
  shared_->input_frames.fetch_add(frames, std::memory_order_relaxed);
  const std::size_t written = processor_.process(input, output_.view(processor_.max_output_frames(frames)));
  const AudioView<float> output = output_.view(written);
  if (spec_.record && written == frames) record(input, output);
  return output;
}

void LiveBridge::record(AudioView<const float> before, AudioView<const float> after) NOVASR_RT {
  const std::size_t frames = before.frames();
  if (recorded_before_.writable() < frames || recorded_after_.writable() < frames) {
    shared_->record_lost.fetch_add(frames, std::memory_order_relaxed);
    return;
  }
  recorded_before_.write(before);
  recorded_after_.write(after);
}

void LiveBridge::write_output(AudioView<const float> audio, float* out) NOVASR_RT {
  if (channels_ == 1)
    copy_to_all(audio[0], out, spec_.output_channels);
  else
    interleave(audio, out, spec_.output_channels);
  after_.write(audio);
  shared_->output_frames.fetch_add(audio.frames(), std::memory_order_relaxed);
}

void LiveBridge::note_load(std::size_t frames) NOVASR_RT {
  const float load = load_.end(static_cast<double>(frames) / spec_.input_rate_hz);
  if (load > 1.0f) shared_->late_blocks.fetch_add(1, std::memory_order_relaxed);
}

double LiveBridge::target_frames() const NOVASR_RT {
  return clocks_ ? clocks_->target_frames() : 0.0;
}

double LiveBridge::latency_frames() const noexcept {
  const double to_output = static_cast<double>(spec_.output_rate_hz) / processed_rate_hz_;
  return (static_cast<double>(processor_.latency_frames()) + target_frames()) * to_output;
}

LiveStats LiveBridge::stats() noexcept {
  Shared& s = *shared_;
  const auto clocks = clocks_ ? clocks_->stats() : ClockBridge::Stats();
  const double to_output = static_cast<double>(spec_.output_rate_hz) / processed_rate_hz_;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  return {.input_blocks = s.input_blocks.load(kRelaxed),
          .output_blocks = s.output_blocks.load(kRelaxed),
          .input_frames = s.input_frames.load(kRelaxed),
          .output_frames = s.output_frames.load(kRelaxed),
          .input_xruns = s.input_xruns.load(kRelaxed),
          .output_xruns = s.output_xruns.load(kRelaxed),
          .late_blocks = s.late_blocks.load(kRelaxed),
          .underruns = clocks.underruns,
          .overruns = clocks.overruns,
          .resyncs = clocks.resyncs,
          .record_lost = s.record_lost.load(kRelaxed),
          .input_peak = before_.take_peak(),
          .output_peak = after_.take_peak(),
          .load = load_.load(),
          .largest_load = load_.take_largest(),
          .device_seconds = s.device_seconds.load(kRelaxed),
          .buffered_frames = clocks.delay_frames * to_output,
          .target_frames = target_frames() * to_output,
          .drift_ppm = clocks.drift_ppm,
          .processor = processor_.stats()};
}

}  // namespace novasr

#include "novasr/live_bridge.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "chain/parameter_checks.hpp"
#include "concurrency/latest_value.hpp"
#include "live/clock_bridge.hpp"
#include "novasr/errors.hpp"
#include "novasr/interleave.hpp"
#include "novasr/load_meter.hpp"
#include "novasr/planar_buffer.hpp"
#include "novasr/processor_switch.hpp"
#include "novasr/realtime.hpp"

namespace novasr {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::size_t kPieceFrames = 1'024;  // longer callbacks are processed in pieces
constexpr double kTapSeconds = 0.5;          // for meters
constexpr double kRecordSeconds = 5.0;       // outlasts a stalled disk

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
  const auto text = [](auto number) { return std::to_string(number); };
  if (spec.input_channels < 1 || spec.output_channels < 1)
    throw ConfigError("input_channels and output_channels must be at least 1, not " + text(spec.input_channels) +
                      " and " + text(spec.output_channels));
  if (spec.block_frames < 1 || spec.block_frames > kMaxBlockFrames)
    throw ConfigError("block_frames must be 1 to " + text(kMaxBlockFrames) + ", not " + text(spec.block_frames));
  if (!spec.two_clocks && spec.input_rate_hz != spec.output_rate_hz)
    throw ConfigError("with one clock both rates must be the same, not " + text(spec.input_rate_hz) + " and " +
                      text(spec.output_rate_hz) + " Hz");
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

void count(std::atomic<std::uint64_t>& counter, std::uint64_t more = 1) NOVASR_RT {
  counter.fetch_add(more, kRelaxed);
}

std::unique_ptr<Processor> make_processor(std::unique_ptr<StreamingEngine> engine, const ProcessSpec& spec) {
  auto processor = std::make_unique<Processor>(std::move(engine));
  processor->prepare(spec);
  return processor;
}

}  // namespace

struct LiveBridge::Impl {
  Impl(std::unique_ptr<StreamingEngine> engine, const LiveSpec& live_spec);

  void duplex(const float* in, float* out, std::size_t frames) NOVASR_RT;
  void capture(const float* in, std::size_t frames, double seconds) NOVASR_RT;
  void play(float* out, std::size_t frames, double seconds) NOVASR_RT;
  AudioView<float> enhance(const float* in, std::size_t frames) NOVASR_RT;
  void record(AudioView<const float> in, AudioView<const float> out) NOVASR_RT;
  void note_processor() NOVASR_RT;
  void write_output(AudioView<const float> audio, float* out) NOVASR_RT;
  void note(const Report& report) NOVASR_RT;
  void note_load(std::size_t frames) NOVASR_RT;
  [[nodiscard]] double target_frames() const NOVASR_RT;
  [[nodiscard]] double to_output() const NOVASR_RT;  // output frames per processed frame

  LiveSpec spec;
  std::size_t channels;  // that are processed
  std::uint32_t processed_rate_hz;
  std::mutex control;  // taken by control threads only
  LatestValue<Parameters> parameters;
  ProcessorSwitch processors;
  std::atomic<std::size_t> chain_latency_frames;
  std::size_t recording_latency_frames;
  PlanarBuffer input;
  PlanarBuffer output;
  std::size_t max_written;              // frames for a piece
  std::unique_ptr<ClockBridge> clocks;  // with two clocks
  PlanarBuffer played;                  // the output thread's

  SignalTap before, after;
  FrameRing recorded_before, recorded_after;
  std::size_t skip_before = 0, skip_after = 0;  // frames not to record
  LoadMeter load;
  LatestValue<ProcessorStats> processor_stats;

  // Each stored by one audio thread, read by any.
  std::atomic<std::uint64_t> input_blocks{0}, output_blocks{0}, input_frames{0}, output_frames{0};
  std::atomic<std::uint64_t> input_xruns{0}, output_xruns{0}, late_blocks{0}, record_lost{0};
  std::atomic<double> device_seconds{0.0};
};

LiveBridge::Impl::Impl(std::unique_ptr<StreamingEngine> engine, const LiveSpec& live_spec)
    : spec((check(live_spec), live_spec)),
      channels(novasr::processed_channels(spec)),
      processed_rate_hz(processed_rate(spec, engine->format())),
      before(frames_of(kTapSeconds, spec.input_rate_hz)),
      after(frames_of(kTapSeconds, spec.output_rate_hz)) {
  const ProcessSpec chain = process_spec(spec, processed_rate_hz);
  auto processor = make_processor(std::move(engine), chain);
  chain_latency_frames = recording_latency_frames = processor->latency_frames();
  input.prepare(channels, kPieceFrames);
  parameters.for_each_slot([&](Parameters& slot) { slot = default_parameters(chain); });
  processors.prepare(chain, std::move(processor));
  max_written = processors.max_output_frames(kPieceFrames);
  output.prepare(channels, max_written);
  if (spec.record) {
    recorded_before.resize(frames_of(kRecordSeconds, spec.input_rate_hz), channels);
    recorded_after.resize(frames_of(kRecordSeconds, spec.input_rate_hz), channels);
  }
  if (!spec.two_clocks) return;
  played.prepare(channels, kPieceFrames);
  clocks = std::make_unique<ClockBridge>(ClockBridgeSpec{.input_rate_hz = spec.input_rate_hz,
                                                         .processed_rate_hz = processed_rate_hz,
                                                         .output_rate_hz = spec.output_rate_hz,
                                                         .channels = channels,
                                                         .block_frames = spec.block_frames,
                                                         .max_read_frames = kPieceFrames});
}

void LiveBridge::Impl::duplex(const float* in, float* out, std::size_t frames) NOVASR_RT {
  for (std::size_t first = 0; first < frames;) {
    const std::size_t piece = std::min(kPieceFrames, frames - first);
    write_output(enhance(in == nullptr ? nullptr : in + first * spec.input_channels, piece),
                 out + first * spec.output_channels);
    first += piece;
  }
}

void LiveBridge::Impl::capture(const float* in, std::size_t frames, double seconds) NOVASR_RT {
  clocks->begin_capture(seconds, frames);
  for (std::size_t first = 0; first < frames;) {
    const std::size_t piece = std::min(kPieceFrames, frames - first);
    clocks->write(enhance(in == nullptr ? nullptr : in + first * spec.input_channels, piece));
    first += piece;
  }
  clocks->end_capture();
}

void LiveBridge::Impl::play(float* out, std::size_t frames, double seconds) NOVASR_RT {
  clocks->begin_playback(seconds, frames);
  for (std::size_t first = 0; first < frames;) {
    const std::size_t piece = std::min(kPieceFrames, frames - first);
    const AudioView<float> audio = played.view(piece);
    clocks->read(audio);
    write_output(audio, out + first * spec.output_channels);
    first += piece;
  }
}

AudioView<float> LiveBridge::Impl::enhance(const float* in, std::size_t frames) NOVASR_RT {
  const AudioView<float> planar = input.view(frames);
  if (in == nullptr)
    silence(planar);
  else if (channels == 1 && spec.input_channels > 1)
    average(in, spec.input_channels, planar[0]);
  else
    deinterleave(in, spec.input_channels, planar);
  before.write(planar);
  count(input_frames, frames);
  parameters.refresh();
  processors.apply(parameters.current());
  const std::size_t written = processors.process(planar, output.view(max_written));
  note_processor();
  const AudioView<float> enhanced = output.view(written);
  if (spec.record && written == frames) record(planar, enhanced);
  return enhanced;
}

void LiveBridge::Impl::record(AudioView<const float> in, AudioView<const float> out) NOVASR_RT {
  if (recorded_before.writable() < in.frames() || recorded_after.writable() < in.frames()) {
    count(record_lost, in.frames());
    return;
  }
  const auto write = [](FrameRing& ring, AudioView<const float> audio, std::size_t& skip) {
    const std::size_t skipped = std::min(skip, audio.frames());
    ring.write(audio.subview(skipped, audio.frames() - skipped));
    skip -= skipped;
  };
  write(recorded_before, in, skip_before);
  write(recorded_after, out, skip_after);
}

void LiveBridge::Impl::note_processor() NOVASR_RT {
  processor_stats.draft() = processors.stats();
  processor_stats.publish();

  const std::size_t old_latency = chain_latency_frames.load(kRelaxed), latency = processors.latency_frames();
  if (latency == old_latency) return;
  chain_latency_frames.store(latency, kRelaxed);
  if (!spec.record) return;
  const auto [lower, higher] = std::minmax(old_latency, latency);
  (latency == higher ? skip_after : skip_before) += higher - lower;
  count(record_lost, higher - lower);
}

void LiveBridge::Impl::write_output(AudioView<const float> audio, float* out) NOVASR_RT {
  if (channels == 1)
    copy_to_all(audio[0], out, spec.output_channels);
  else
    interleave(audio, out, spec.output_channels);
  after.write(audio);
  count(output_frames, audio.frames());
}

void LiveBridge::Impl::note(const Report& report) NOVASR_RT {
  if (report.input_xrun) count(input_xruns);
  if (report.output_xrun) count(output_xruns);
  if (report.device_seconds > 0.0) device_seconds.store(report.device_seconds, kRelaxed);
}

void LiveBridge::Impl::note_load(std::size_t frames) NOVASR_RT {
  if (load.end(static_cast<double>(frames) / spec.input_rate_hz) > 1.0f) count(late_blocks);
}

double LiveBridge::Impl::target_frames() const NOVASR_RT {
  return clocks ? clocks->target_frames() : 0.0;
}

double LiveBridge::Impl::to_output() const NOVASR_RT {
  return static_cast<double>(spec.output_rate_hz) / processed_rate_hz;
}

LiveBridge::LiveBridge(std::unique_ptr<StreamingEngine> engine, const LiveSpec& spec)
    : impl_(std::make_unique<Impl>(std::move(engine), spec)) {}

LiveBridge::~LiveBridge() = default;

void LiveBridge::duplex(const float* in, float* out, std::size_t frames, const Report& report) NOVASR_RT {
  impl_->load.begin();
  impl_->note(report);
  impl_->duplex(in, out, frames);
  count(impl_->input_blocks);
  impl_->note_load(frames);
}

void LiveBridge::capture(const float* in, std::size_t frames, double seconds, const Report& report) NOVASR_RT {
  impl_->load.begin();
  impl_->note({.input_xrun = report.input_xrun});
  impl_->capture(in, frames, seconds);
  count(impl_->input_blocks);
  impl_->note_load(frames);
}

void LiveBridge::play(float* out, std::size_t frames, double seconds, const Report& report) NOVASR_RT {
  impl_->note({.device_seconds = report.device_seconds, .output_xrun = report.output_xrun});
  impl_->play(out, frames, seconds);
  count(impl_->output_blocks);
}

void LiveBridge::set_parameters(const Parameters& parameters) {
  check_parameters(parameters, impl_->spec.low_latency);
  const std::lock_guard lock(impl_->control);
  impl_->parameters.draft() = parameters;
  impl_->parameters.publish();
}

void LiveBridge::change_engine(std::unique_ptr<StreamingEngine> engine) {
  auto processor = make_processor(std::move(engine), process_spec(impl_->spec, impl_->processed_rate_hz));
  const std::lock_guard lock(impl_->control);
  impl_->processors.offer(std::move(processor));
}

double LiveBridge::latency_frames() const noexcept {
  return (static_cast<double>(chain_latency_frames()) + impl_->target_frames()) * impl_->to_output();
}

std::size_t LiveBridge::chain_latency_frames() const noexcept {
  return impl_->chain_latency_frames.load(kRelaxed);
}

std::size_t LiveBridge::recording_latency_frames() const noexcept {
  return impl_->recording_latency_frames;
}

std::uint32_t LiveBridge::processed_rate_hz() const noexcept {
  return impl_->processed_rate_hz;
}

std::size_t LiveBridge::processed_channels() const noexcept {
  return impl_->channels;
}

SignalTap& LiveBridge::before() noexcept {
  return impl_->before;
}

SignalTap& LiveBridge::after() noexcept {
  return impl_->after;
}

FrameRing& LiveBridge::recorded_before() noexcept {
  return impl_->recorded_before;
}

FrameRing& LiveBridge::recorded_after() noexcept {
  return impl_->recorded_after;
}

LiveStats LiveBridge::stats() noexcept {
  Impl& impl = *impl_;
  const std::lock_guard lock(impl.control);
  impl.processors.collect();
  impl.processor_stats.refresh();
  const auto clocks = impl.clocks ? impl.clocks->stats() : ClockBridge::Stats();
  return {.input_blocks = impl.input_blocks.load(kRelaxed),
          .output_blocks = impl.output_blocks.load(kRelaxed),
          .input_frames = impl.input_frames.load(kRelaxed),
          .output_frames = impl.output_frames.load(kRelaxed),
          .input_xruns = impl.input_xruns.load(kRelaxed),
          .output_xruns = impl.output_xruns.load(kRelaxed),
          .late_blocks = impl.late_blocks.load(kRelaxed),
          .underruns = clocks.underruns,
          .overruns = clocks.overruns,
          .resyncs = clocks.resyncs,
          .record_lost = impl.record_lost.load(kRelaxed),
          .input_peak = impl.before.take_peak(),
          .output_peak = impl.after.take_peak(),
          .load = impl.load.load(),
          .largest_load = impl.load.take_largest(),
          .device_seconds = impl.device_seconds.load(kRelaxed),
          .buffered_frames = clocks.delay_frames * impl.to_output(),
          .target_frames = impl.target_frames() * impl.to_output(),
          .drift_ppm = clocks.drift_ppm,
          .processor = impl.processor_stats.current()};
}

}  // namespace novasr

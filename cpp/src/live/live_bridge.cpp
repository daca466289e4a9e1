#include "novasr/live_bridge.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

#include "novasr/errors.hpp"
#include "novasr/realtime.hpp"

namespace novasr {
namespace {

constexpr std::size_t kPieceFrames = 1'024;   // longer callbacks pass in pieces
constexpr double kRingSeconds = 1.0;          // between two clocks
constexpr double kTapSeconds = 0.5;           // for meters
constexpr double kRecordSeconds = 5.0;        // for a disk that is slow for once
constexpr double kFirstSlackSeconds = 0.004;  // that audio may come late without an underrun
constexpr double kLargestSlackSeconds = 0.1;
constexpr double kSoonSeconds = 30.0;  // an underrun so soon after a start is no accident: the slack is too small
constexpr double kWatchSeconds = 0.3;  // how late audio is, before any is played
constexpr double kFadeSeconds = 0.005;
constexpr float kInaudible = 1e-6f;
constexpr double kLoadSmoothingSeconds = 0.5;
constexpr double kLargestDelayErrorSeconds = 0.05;  // beyond it the delay is set anew rather than steered

double now() NOVASR_RT {
  // Reads a page that the kernel shares with the process: no system call on common clock sources.
  NOVASR_RT_UNCHECKED(const auto time = std::chrono::steady_clock::now();)
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

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

/// Factor per frame that leaves 1 % after a fade.
float decay_over_fade(std::uint32_t rate_hz) {
  return std::exp(-4.6f / (static_cast<float>(kFadeSeconds) * static_cast<float>(rate_hz)));
}

void raise_to(std::atomic<float>& largest, float value) NOVASR_RT {
  if (value > largest.load(std::memory_order_relaxed)) largest.store(value, std::memory_order_relaxed);
}

float peak_of(AudioView<const float> audio) NOVASR_RT {
  float peak = 0.0f;
  for (std::size_t c = 0; c < audio.channels(); ++c)
    for (const float x : audio[c]) peak = std::max(peak, std::abs(x));
  return peak;
}

void write_mean(FrameRing& ring, AudioView<const float> audio) NOVASR_RT {
  std::array<float, 64> mean;
  const float share = 1.0f / static_cast<float>(audio.channels());
  for (std::size_t first = 0; first < audio.frames(); first += mean.size()) {
    const std::size_t count = std::min(mean.size(), audio.frames() - first);
    for (std::size_t i = 0; i < count; ++i) {
      mean[i] = 0.0f;
      for (std::size_t c = 0; c < audio.channels(); ++c) mean[i] += share * audio[c][first + i];
    }
    ring.write(std::span(mean).first(count));
  }
}

}  // namespace

/// Written by one audio thread each, read by any.
struct LiveBridge::Shared {
  std::atomic<std::uint64_t> input_blocks{0}, output_blocks{0}, input_frames{0}, output_frames{0};
  std::atomic<std::uint64_t> input_xruns{0}, output_xruns{0}, late_blocks{0};
  std::atomic<std::uint64_t> underruns{0}, overruns{0}, resyncs{0}, record_lost{0};
  std::atomic<float> input_peak{0.0f}, output_peak{0.0f}, load{0.0f}, largest_load{0.0f};
  std::atomic<double> device_seconds{0.0}, buffered{0.0}, drift_ppm{0.0}, slack_seconds{kFirstSlackSeconds};
};

LiveBridge::LiveBridge(std::unique_ptr<StreamingEngine> engine, const LiveSpec& spec)
    : spec_((check(spec), spec)),
      channels_(novasr::processed_channels(spec)),
      processed_rate_hz_(processed_rate(spec, engine->format())),
      processor_(std::move(engine)),
      shared_(std::make_unique<Shared>()) {
  processor_.prepare(process_spec(spec, processed_rate_hz_));
  const std::size_t piece_out = processor_.max_output_frames(kPieceFrames) + 1;
  input_.prepare(channels_, kPieceFrames);
  output_.prepare(channels_, piece_out);
  interleaved_.resize(channels_ * piece_out);
  before_.resize(frames_of(kTapSeconds, spec.input_rate_hz));
  after_.resize(frames_of(kTapSeconds, spec.output_rate_hz));
  if (spec.record) {
    recorded_before_.resize(channels_ * frames_of(kRecordSeconds, spec.input_rate_hz));
    recorded_after_.resize(channels_ * frames_of(kRecordSeconds, spec.input_rate_hz));
  }
  if (!spec.two_clocks) return;
  between_.resize(channels_ * frames_of(kRingSeconds, processed_rate_hz_));
  capture_clock_.prepare(spec.input_rate_hz);
  play_clock_.prepare(spec.output_rate_hz);
  ratio_ = static_cast<double>(processed_rate_hz_) / spec.output_rate_hz;
  resampler_.prepare(ratio_, channels_, kPieceFrames);
  pulled_.prepare(channels_, resampler_.max_needed());
  resampled_.prepare(channels_, kPieceFrames);
  interleaved_out_.resize(channels_ * resampler_.max_needed());
  last_.assign(channels_, 0.0f);
  tail_.assign(channels_, 0.0f);
  last_out_.assign(channels_, 0.0f);
}

LiveBridge::~LiveBridge() = default;

void LiveBridge::duplex(const float* in, float* out, std::size_t frames, const Report& report) NOVASR_RT {
  const double begin = now();
  Shared& shared = *shared_;
  if (report.input_xrun) shared.input_xruns.fetch_add(1, std::memory_order_relaxed);
  if (report.output_xrun) shared.output_xruns.fetch_add(1, std::memory_order_relaxed);
  if (report.device_seconds > 0.0) shared.device_seconds.store(report.device_seconds, std::memory_order_relaxed);
  for (std::size_t first = 0; first < frames;) {
    const std::size_t piece = std::min(kPieceFrames, frames - first);
    put_out(enhance(in == nullptr ? nullptr : in + first * spec_.input_channels, piece),
            out + first * spec_.output_channels);
    first += piece;
  }
  shared.input_blocks.fetch_add(1, std::memory_order_relaxed);
  note_load(begin, frames);
}

void LiveBridge::capture(const float* in, std::size_t frames, double seconds, const Report& report) NOVASR_RT {
  const double begin = now();
  Shared& shared = *shared_;
  if (report.input_xrun) shared.input_xruns.fetch_add(1, std::memory_order_relaxed);
  capture_clock_.update(seconds, frames);
  Delivery& delivery = delivery_.draft();
  const double to_processed = static_cast<double>(processed_rate_hz_) / spec_.input_rate_hz;
  const ClockReading clock = capture_clock_.reading();
  delivery.clock = {clock.seconds, clock.frames * to_processed - static_cast<double>(lost_frames_),
                    clock.frames_per_second * to_processed};
  delivery.settled = capture_clock_.settled();
  for (std::size_t first = 0; first < frames;) {
    const std::size_t piece = std::min(kPieceFrames, frames - first);
    deliver(enhance(in == nullptr ? nullptr : in + first * spec_.input_channels, piece));
    first += piece;
  }
  delivery_.publish();  // after the audio: what it promises is there
  shared.input_blocks.fetch_add(1, std::memory_order_relaxed);
  note_load(begin, frames);
}

void LiveBridge::play(float* out, std::size_t frames, double seconds, const Report& report) NOVASR_RT {
  Shared& shared = *shared_;
  if (report.output_xrun) shared.output_xruns.fetch_add(1, std::memory_order_relaxed);
  if (report.device_seconds > 0.0) shared.device_seconds.store(report.device_seconds, std::memory_order_relaxed);
  play_clock_.update(seconds, frames);
  const bool playing = synchronise(play_clock_.reading().seconds, frames);
  for (std::size_t first = 0; first < frames;) {
    const std::size_t piece = std::min(kPieceFrames, frames - first);
    const AudioView<float> audio = resampled_.view(piece);
    if (playing) {
      const std::size_t needed = resampler_.needed(piece, ratio_);
      pull(needed);
      resampler_.process(pulled_.view(needed), ratio_, audio);
      played_frames_ += piece;
    }
    smooth_edges(audio, playing);
    put_out(audio, out + first * spec_.output_channels);
    first += piece;
  }
  shared.output_blocks.fetch_add(1, std::memory_order_relaxed);
}

/// Finds the delay between the clocks and steers the ratio by it. False: nothing to play yet.
bool LiveBridge::synchronise(double begin, std::size_t frames) NOVASR_RT {
  delivery_.refresh();
  const Delivery& delivery = delivery_.current();
  if (!delivery.settled || !play_clock_.settled()) return await_clocks();
  if (!playing_) resampler_.reset();
  const double rate = processed_rate_hz_;
  const double resampling = resampler_.delay_frames();
  const double delivered = frames_at(delivery.clock, begin);
  const double delay = delivered - static_cast<double>(pulled_frames_) + resampling;
  const std::size_t waiting_frames = between_.readable() / channels_;
  const auto waiting = static_cast<double>(waiting_frames);
  lag_frames_ = std::max(lag_frames_, delay - resampling - waiting);
  watched_frames_ += frames;
  const double target = target_frames();
  if (playing_ && std::abs(delay - target) > kLargestDelayErrorSeconds * rate) {
    playing_ = false;
    std::ranges::copy(last_out_, tail_.begin());
    shared_->resyncs.fetch_add(1, std::memory_order_relaxed);
  }
  if (!playing_) {
    if (watched_frames_ < frames_of(kWatchSeconds, spec_.output_rate_hz) || learn_slack()) return false;
    if (delay < target || waiting < std::floor(target - resampling)) return false;
    start_playing(delay - target);
    control_.reset(static_cast<double>(processed_rate_hz_) / spec_.output_rate_hz, target);
    return true;
  }
  ratio_ = control_.update(delay, static_cast<double>(frames) / spec_.output_rate_hz, rate);
  shared_->buffered.store(delay, std::memory_order_relaxed);
  shared_->drift_ppm.store(1e6 * control_.drift(), std::memory_order_relaxed);
  return true;
}

/// Until both clocks can be believed, what plays goes on as it did, and what does not is no older than need be.
bool LiveBridge::await_clocks() NOVASR_RT {
  if (playing_) return true;
  const std::size_t waiting = between_.readable() / channels_;
  const std::size_t most = frames_of(0.5 * kRingSeconds, processed_rate_hz_);
  if (waiting > most) pulled_frames_ += between_.discard((waiting - most) * channels_) / channels_;
  lag_frames_ = 0.0;
  watched_frames_ = 0;
  return false;
}

/// Throws away what came too early and fades in.
void LiveBridge::start_playing(double surplus) NOVASR_RT {
  const auto skip = static_cast<std::size_t>(surplus) * channels_;
  pulled_frames_ += between_.discard(skip) / channels_;
  lag_frames_ = 0.0;
  played_frames_ = 0;
  fade_in_left_ = frames_of(kFadeSeconds, spec_.output_rate_hz) + 2 * resampler_.right();  // past the zeros before it
  std::ranges::fill(last_, 0.0f);
  playing_ = true;
}

/// Some drivers hand over audio in bursts of many blocks: the delay must last from one to the next. What was seen
/// before anything was heard says how long they are; an underrun soon after a start says that there are longer ones.
/// True: the delay has grown.
bool LiveBridge::learn_slack() NOVASR_RT {
  const bool first = played_frames_ == 0;
  if (!std::exchange(cut_short_, false) && !first) return false;
  const double slack = shared_->slack_seconds.load(std::memory_order_relaxed);
  const double largest = first ? kLargestSlackSeconds : std::min(2.0 * slack, kLargestSlackSeconds);
  const double wanted = std::min(lag_frames_ / processed_rate_hz_ + kFirstSlackSeconds, largest);
  if (wanted <= slack) return false;
  shared_->slack_seconds.store(wanted, std::memory_order_relaxed);
  return true;
}

/// Fades in what begins, and lets what has ended die away from its last sample.
void LiveBridge::smooth_edges(AudioView<float> audio, bool playing) NOVASR_RT {
  const std::size_t fade = frames_of(kFadeSeconds, spec_.output_rate_hz);
  const float decay = decay_over_fade(spec_.output_rate_hz);
  for (std::size_t c = 0; c < channels_; ++c) {
    float tail = tail_[c];
    for (std::size_t i = 0; i < audio.frames(); ++i) {
      const std::size_t left = fade_in_left_ > i ? fade_in_left_ - i : 0;
      const float gain = std::max(0.0f, 1.0f - static_cast<float>(left) / static_cast<float>(fade));
      tail = std::abs(tail) < kInaudible ? 0.0f : decay * tail;
      audio[c][i] = playing ? gain * audio[c][i] + tail : tail;
    }
    last_out_[c] = audio[c][audio.frames() - 1];
    tail_[c] = playing && !playing_ ? last_out_[c] : tail;
  }
  fade_in_left_ -= std::min(fade_in_left_, audio.frames());
}

/// Frames for the resampler. Those that are not there die away from the last one, which makes no click; the time line
/// goes on without them, and the late ones are thrown away when playing begins anew.
void LiveBridge::pull(std::size_t frames) NOVASR_RT {
  const std::span<float> wanted = std::span(interleaved_out_).first(frames * channels_);
  const std::size_t got = between_.read(wanted) / channels_;
  const AudioView<float> audio = pulled_.view(frames);
  const float decay = decay_over_fade(processed_rate_hz_);
  for (std::size_t c = 0; c < channels_; ++c)
    for (std::size_t i = 0; i < frames; ++i) {
      last_[c] = i < got ? wanted[i * channels_ + c] : decay * last_[c];
      audio[c][i] = last_[c];
    }
  pulled_frames_ += got;
  if (got == frames) return;
  shared_->underruns.fetch_add(1, std::memory_order_relaxed);
  cut_short_ = static_cast<double>(played_frames_) < kSoonSeconds * spec_.output_rate_hz;
  playing_ = false;
}

AudioView<float> LiveBridge::enhance(const float* in, std::size_t frames) NOVASR_RT {
  const AudioView<float> input = input_.view(frames);
  const std::size_t devices = spec_.input_channels;
  for (std::size_t c = 0; c < channels_; ++c)
    for (std::size_t i = 0; i < frames; ++i) input[c][i] = in == nullptr ? 0.0f : in[i * devices + c];
  if (in != nullptr && channels_ == 1 && devices > 1) {  // mixed down
    const float share = 1.0f / static_cast<float>(devices);
    for (std::size_t i = 0; i < frames; ++i) {
      float sum = 0.0f;
      for (std::size_t c = 0; c < devices; ++c) sum += in[i * devices + c];
      input[0][i] = share * sum;
    }
  }
  raise_to(shared_->input_peak, peak_of(input));
  write_mean(before_, input);
  shared_->input_frames.fetch_add(frames, std::memory_order_relaxed);
  const std::size_t written = processor_.process(input, output_.view(processor_.max_output_frames(frames)));
  const AudioView<float> output = output_.view(written);
  if (spec_.record && written == frames) record(input, output);
  return output;
}

void LiveBridge::record(AudioView<const float> before, AudioView<const float> after) NOVASR_RT {
  const std::size_t samples = before.frames() * channels_;
  if (recorded_before_.writable() < samples || recorded_after_.writable() < samples) {
    shared_->record_lost.fetch_add(before.frames(), std::memory_order_relaxed);
    return;
  }
  for (const auto& [audio, ring] : {std::pair{before, &recorded_before_}, std::pair{after, &recorded_after_}}) {
    for (std::size_t i = 0; i < audio.frames(); ++i)
      for (std::size_t c = 0; c < channels_; ++c) interleaved_[i * channels_ + c] = audio[c][i];
    ring->write(std::span(interleaved_).first(samples));
  }
}

void LiveBridge::deliver(AudioView<const float> audio) NOVASR_RT {
  const std::span<float> samples = std::span(interleaved_).first(audio.frames() * channels_);
  if (between_.writable() < samples.size()) {
    lost_frames_ += audio.frames();
    shared_->overruns.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  for (std::size_t c = 0; c < channels_; ++c)
    for (std::size_t i = 0; i < audio.frames(); ++i) samples[i * channels_ + c] = audio[c][i];
  between_.write(samples);
}

void LiveBridge::put_out(AudioView<const float> audio, float* out) NOVASR_RT {
  const std::size_t devices = spec_.output_channels;
  for (std::size_t c = 0; c < devices; ++c) {
    const bool spread = channels_ == 1;
    for (std::size_t i = 0; i < audio.frames(); ++i)
      out[i * devices + c] = spread ? audio[0][i] : c < channels_ ? audio[c][i] : 0.0f;
  }
  raise_to(shared_->output_peak, peak_of(audio));
  write_mean(after_, audio);
  shared_->output_frames.fetch_add(audio.frames(), std::memory_order_relaxed);
}

void LiveBridge::note_load(double begin, std::size_t frames) NOVASR_RT {
  if (frames == 0) return;
  const double given = static_cast<double>(frames) / spec_.input_rate_hz;
  const auto load = static_cast<float>((now() - begin) / given);
  const auto weight = static_cast<float>(std::min(1.0, given / kLoadSmoothingSeconds));
  const float old = shared_->load.load(std::memory_order_relaxed);
  shared_->load.store(old + weight * (load - old), std::memory_order_relaxed);
  raise_to(shared_->largest_load, load);
  if (load > 1.0f) shared_->late_blocks.fetch_add(1, std::memory_order_relaxed);
}

double LiveBridge::target_frames() const NOVASR_RT {
  if (!spec_.two_clocks) return 0.0;
  const double rate = processed_rate_hz_;
  const double played = static_cast<double>(spec_.block_frames) * rate / spec_.output_rate_hz;
  const double slack = shared_->slack_seconds.load(std::memory_order_relaxed);
  return played + slack * rate + static_cast<double>(resampler_.right());
}

double LiveBridge::latency_frames() const noexcept {
  const double to_output = static_cast<double>(spec_.output_rate_hz) / processed_rate_hz_;
  return (static_cast<double>(processor_.latency_frames()) + target_frames()) * to_output;
}

LiveStats LiveBridge::stats() noexcept {
  Shared& s = *shared_;
  const double to_output = static_cast<double>(spec_.output_rate_hz) / processed_rate_hz_;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  return {.input_blocks = s.input_blocks.load(kRelaxed),
          .output_blocks = s.output_blocks.load(kRelaxed),
          .input_frames = s.input_frames.load(kRelaxed),
          .output_frames = s.output_frames.load(kRelaxed),
          .input_xruns = s.input_xruns.load(kRelaxed),
          .output_xruns = s.output_xruns.load(kRelaxed),
          .late_blocks = s.late_blocks.load(kRelaxed),
          .underruns = s.underruns.load(kRelaxed),
          .overruns = s.overruns.load(kRelaxed),
          .resyncs = s.resyncs.load(kRelaxed),
          .record_lost = s.record_lost.load(kRelaxed),
          .input_peak = s.input_peak.exchange(0.0f, kRelaxed),
          .output_peak = s.output_peak.exchange(0.0f, kRelaxed),
          .load = s.load.load(kRelaxed),
          .largest_load = s.largest_load.exchange(0.0f, kRelaxed),
          .device_seconds = s.device_seconds.load(kRelaxed),
          .buffered_frames = s.buffered.load(kRelaxed) * to_output,
          .target_frames = target_frames() * to_output,
          .drift_ppm = s.drift_ppm.load(kRelaxed),
          .processor = processor_.stats()};
}

}  // namespace novasr

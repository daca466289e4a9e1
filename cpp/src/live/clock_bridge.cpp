#include "live/clock_bridge.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace novasr {
namespace {

constexpr double kRingSeconds = 1.0;
constexpr double kFirstHeadroomSeconds = 0.004;  // how late audio may arrive without an underrun
constexpr double kLargestHeadroomSeconds = 0.1;
constexpr double kEarlySeconds = 30.0;  // an underrun this soon after a start means too little headroom
constexpr double kWatchSeconds = 0.3;   // observation of arrivals before playback starts
constexpr double kFadeSeconds = 0.005;
constexpr float kInaudible = 1e-6f;
constexpr double kLargestDelayErrorSeconds = 0.05;  // playback restarts beyond it

constexpr auto kRelaxed = std::memory_order_relaxed;

std::size_t frames_of(double seconds, std::uint32_t rate_hz) {
  return static_cast<std::size_t>(std::ceil(seconds * rate_hz));
}

/// Factor per frame that leaves 1 % after a fade.
float decay_over_fade(std::uint32_t rate_hz) {
  return std::exp(-4.6f / (static_cast<float>(kFadeSeconds) * static_cast<float>(rate_hz)));
}

}  // namespace

ClockBridge::ClockBridge(const ClockBridgeSpec& spec)
    : spec_(spec),
      nominal_ratio_(static_cast<double>(spec.processed_rate_hz) / spec.output_rate_hz),
      ring_(frames_of(kRingSeconds, spec.processed_rate_hz), spec.channels),
      last_in_(spec.channels),
      last_out_(spec.channels),
      tail_(spec.channels),
      ratio_(nominal_ratio_),
      headroom_seconds_(kFirstHeadroomSeconds) {
  capture_clock_.prepare(spec.input_rate_hz);
  play_clock_.prepare(spec.output_rate_hz);
  resampler_.prepare(nominal_ratio_, spec.channels, spec.max_read_frames);
  pulled_.prepare(spec.channels, resampler_.max_needed());
}

void ClockBridge::begin_capture(double seconds, std::size_t frames) NOVASR_RT {
  capture_clock_.update(seconds, frames);
  const double to_processed = static_cast<double>(spec_.processed_rate_hz) / spec_.input_rate_hz;
  const ClockReading clock = capture_clock_.reading();
  capture_.draft() = {.clock = {clock.seconds, clock.frames * to_processed - static_cast<double>(dropped_frames_),
                                clock.frames_per_second * to_processed},
                      .settled = capture_clock_.settled()};
}

void ClockBridge::write(AudioView<const float> audio) NOVASR_RT {
  if (ring_.writable() < audio.frames()) {
    dropped_frames_ += audio.frames();
    overruns_.fetch_add(1, kRelaxed);
    return;
  }
  ring_.write(audio);
}

void ClockBridge::end_capture() NOVASR_RT {
  capture_.publish();  // after the audio: what the clock promises is there
}

void ClockBridge::begin_playback(double seconds, std::size_t frames) NOVASR_RT {
  play_clock_.update(seconds, frames);
  rendering_ = synchronise(play_clock_.reading().seconds, frames);
}

void ClockBridge::read(AudioView<float> out) NOVASR_RT {
  if (rendering_) {
    const AudioView<float> pulled = pulled_.view(resampler_.needed(out.frames(), ratio_));
    pull(pulled);
    resampler_.process(pulled, ratio_, out);
    played_frames_ += out.frames();
  }
  smooth_edges(out);
}

/// Measures the delay between the clocks and steers the ratio by it. Returns false if there is nothing to play yet.
bool ClockBridge::synchronise(double begin, std::size_t frames) NOVASR_RT {
  capture_.refresh();
  const Capture& capture = capture_.current();
  if (!capture.settled || !play_clock_.settled()) return await_clocks();
  if (!playing_) resampler_.reset();
  const double resampling = resampler_.delay_frames();
  const double delay = frames_at(capture.clock, begin) - static_cast<double>(ring_.consumed()) + resampling;
  const auto waiting = static_cast<double>(ring_.readable());
  largest_shortfall_frames_ = std::max(largest_shortfall_frames_, delay - resampling - waiting);
  watched_frames_ += frames;
  const double rate = spec_.processed_rate_hz;
  if (playing_ && std::abs(delay - target_frames()) > kLargestDelayErrorSeconds * rate) {
    playing_ = false;
    std::ranges::copy(last_out_, tail_.begin());
    resyncs_.fetch_add(1, kRelaxed);
  }
  if (!playing_) return try_start(delay, waiting);
  ratio_ = control_.update(delay, static_cast<double>(frames) / spec_.output_rate_hz, rate);
  delay_frames_.store(delay, kRelaxed);
  drift_ppm_.store(1e6 * control_.drift(), kRelaxed);
  return true;
}

/// Until both clock estimates have settled: keep playing if already playing; otherwise trim the buffer so that playback
/// starts with recent audio.
bool ClockBridge::await_clocks() NOVASR_RT {
  if (playing_) return true;
  const std::size_t waiting = ring_.readable();
  const std::size_t most = frames_of(0.5 * kRingSeconds, spec_.processed_rate_hz);
  if (waiting > most) ring_.discard(waiting - most);
  largest_shortfall_frames_ = 0.0;
  watched_frames_ = 0;
  return false;
}

/// Starts playback once the headroom is known and the target delay is buffered.
bool ClockBridge::try_start(double delay, double waiting) NOVASR_RT {
  if (watched_frames_ < frames_of(kWatchSeconds, spec_.output_rate_hz) || learn_headroom()) return false;
  const double target = target_frames();
  if (delay < target || waiting < std::floor(target - resampler_.delay_frames())) return false;
  start_playing(delay - target);
  control_.reset(nominal_ratio_, target);
  return true;
}

/// Discards the audio in excess of the target delay and fades in.
void ClockBridge::start_playing(double surplus) NOVASR_RT {
  ring_.discard(static_cast<std::size_t>(surplus));
  largest_shortfall_frames_ = 0.0;
  played_frames_ = 0;
  fade_in_left_ = frames_of(kFadeSeconds, spec_.output_rate_hz) + 2 * resampler_.right();  // past the zeros before it
  std::ranges::fill(last_in_, 0.0f);
  playing_ = true;
}

/// Some drivers deliver audio in bursts of many blocks, so the delay must bridge the time between bursts. Their length
/// is observed before playback starts; an underrun soon after a start shows that there are longer ones. Returns true if
/// the target delay has grown.
bool ClockBridge::learn_headroom() NOVASR_RT {
  const bool first = played_frames_ == 0;
  if (!std::exchange(early_underrun_, false) && !first) return false;
  const double headroom = headroom_seconds_.load(kRelaxed);
  const double largest = first ? kLargestHeadroomSeconds : std::min(2.0 * headroom, kLargestHeadroomSeconds);
  const double wanted = std::min(largest_shortfall_frames_ / spec_.processed_rate_hz + kFirstHeadroomSeconds, largest);
  if (wanted <= headroom) return false;
  headroom_seconds_.store(wanted, kRelaxed);
  return true;
}

/// Fills `audio` from the ring. Missing frames decay from the last one, which makes no click, and count as an underrun;
/// they are discarded if they arrive later, when playback restarts.
void ClockBridge::pull(AudioView<float> audio) NOVASR_RT {
  const std::size_t frames = audio.frames();
  const std::size_t got = ring_.read(audio);
  const float decay = decay_over_fade(spec_.processed_rate_hz);
  for (std::size_t c = 0; c < audio.channels(); ++c) {
    if (got > 0) last_in_[c] = audio[c][got - 1];
    for (float& sample : audio[c].subspan(got)) {
      last_in_[c] *= decay;
      sample = last_in_[c];
    }
  }
  if (got == frames) return;
  underruns_.fetch_add(1, kRelaxed);
  early_underrun_ = static_cast<double>(played_frames_) < kEarlySeconds * spec_.output_rate_hz;
  playing_ = false;
}

/// Fades in at a start and lets the last sample before a stop decay.
void ClockBridge::smooth_edges(AudioView<float> audio) NOVASR_RT {
  const std::size_t fade = frames_of(kFadeSeconds, spec_.output_rate_hz);
  const float decay = decay_over_fade(spec_.output_rate_hz);
  for (std::size_t c = 0; c < audio.channels(); ++c) {
    float tail = tail_[c];
    for (std::size_t i = 0; i < audio.frames(); ++i) {
      const std::size_t left = fade_in_left_ > i ? fade_in_left_ - i : 0;
      const float gain = std::max(0.0f, 1.0f - static_cast<float>(left) / static_cast<float>(fade));
      tail = std::abs(tail) < kInaudible ? 0.0f : decay * tail;
      audio[c][i] = rendering_ ? gain * audio[c][i] + tail : tail;
    }
    last_out_[c] = audio[c][audio.frames() - 1];
    tail_[c] = rendering_ && !playing_ ? last_out_[c] : tail;
  }
  fade_in_left_ -= std::min(fade_in_left_, audio.frames());
}

double ClockBridge::target_frames() const NOVASR_RT {
  const double rate = spec_.processed_rate_hz;
  const double played = static_cast<double>(spec_.block_frames) * rate / spec_.output_rate_hz;
  return played + headroom_seconds_.load(kRelaxed) * rate + static_cast<double>(resampler_.right());
}

ClockBridge::Stats ClockBridge::stats() const NOVASR_RT {
  return {.underruns = underruns_.load(kRelaxed),
          .overruns = overruns_.load(kRelaxed),
          .resyncs = resyncs_.load(kRelaxed),
          .delay_frames = delay_frames_.load(kRelaxed),
          .drift_ppm = drift_ppm_.load(kRelaxed)};
}

}  // namespace novasr

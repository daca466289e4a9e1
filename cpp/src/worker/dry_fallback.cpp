#include "worker/dry_fallback.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace novasr {

void DryFallback::prepare(std::size_t channels, const EngineFormat& format, std::size_t latency_frames,
                          std::size_t max_push_frames) {
  assert(latency_frames >= format.ratio());
  format_ = format;
  latency_frames_ = latency_frames;
  fade_frames_ = format.output_hz / kFadesPerSecond;
  const auto reach = (latency_frames + format.offset_frames) / format.ratio() + 3;  // both adjacent frames, rounded up
  const auto frames = std::bit_ceil(max_push_frames + reach);
  channels_.assign(channels, Channel{.history = std::vector<float>(frames)});
  reset();
}

void DryFallback::reset() NOVASR_RT {
  state_ = State{.dry_age = fade_frames_, .wet_age = fade_frames_};
  for (auto& channel : channels_) channel.last = channel.step = 0.0f;  // frames_in guards the history
}

void DryFallback::push(AudioView<const float> in) NOVASR_RT {
  const auto count = in.frames();
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    auto& history = channels_[c].history;
    const auto source = in[c];
    const auto at = static_cast<std::size_t>(state_.frames_in) & (history.size() - 1);
    const auto head = std::min(count, history.size() - at);
    std::copy_n(source.begin(), head, history.begin() + static_cast<std::ptrdiff_t>(at));
    std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(head), count - head, history.begin());
  }
  state_.frames_in += count;
}

void DryFallback::write_dry(AudioView<float> audio) NOVASR_RT {
  const auto count = audio.frames();
  if (count == 0) return;
  const bool begins = state_.wet_age > 0;
  if (begins) state_.dry_age = 0;
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    auto& channel = channels_[c];
    if (begins) channel.step = state_.position == 0 ? 0.0f : channel.last - dry_at(channel, state_.position - 1);
    const auto out = audio[c];
    for (std::size_t i = 0; i < count; ++i) out[i] = faded_dry_at(channel, i);
    channel.last = out.back();
  }
  state_.wet_age = 0;
  advance(count);
}

void DryFallback::write_wet(AudioView<float> audio) NOVASR_RT {
  const auto count = audio.frames();
  if (count == 0) return;
  const auto blended = std::min(count, fade_frames_ - state_.wet_age);
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const auto out = audio[c];
    for (std::size_t i = 0; i < blended; ++i) {
      const auto wet = static_cast<float>(state_.wet_age + i + 1) / static_cast<float>(fade_frames_);
      out[i] = (1.0f - wet) * faded_dry_at(channels_[c], i) + wet * out[i];
    }
    channels_[c].last = out.back();
  }
  state_.wet_age += blended;
  advance(count);
}

float DryFallback::dry_at(const Channel& channel, std::uint64_t position) const NOVASR_RT {
  if (format_.adds_to_input || position < latency_frames_ || state_.frames_in == 0) return 0.0f;
  const std::uint64_t ratio = format_.ratio();
  const auto mask = channel.history.size() - 1;
  const auto at = [&](std::uint64_t frame) {  // repeats the first and last frame of the stream
    return channel.history[static_cast<std::size_t>(std::min(frame, state_.frames_in - 1)) & mask];
  };
  const auto time = position - latency_frames_;
  const bool ahead = time < format_.offset_frames;  // of the first frame
  const auto since = ahead ? time + ratio - format_.offset_frames : time - format_.offset_frames;
  const auto phase = static_cast<float>(since % ratio);
  const auto frame = since / ratio;
  if (phase == 0.0f) return at(frame);
  const auto all = static_cast<float>(ratio);
  return ((all - phase) * at(frame) + phase * at(ahead ? frame : frame + 1)) / all;
}

float DryFallback::faded_dry_at(const Channel& channel, std::size_t ahead) const NOVASR_RT {
  const auto dry = dry_at(channel, state_.position + ahead);
  const auto age = state_.dry_age + ahead + 1;
  if (age >= fade_frames_) return dry;
  return dry + channel.step * (1.0f - static_cast<float>(age) / static_cast<float>(fade_frames_));
}

void DryFallback::advance(std::size_t count) NOVASR_RT {
  state_.position += count;
  state_.dry_age = std::min(fade_frames_, state_.dry_age + count);
}

}  // namespace novasr

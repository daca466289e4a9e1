#include "novasr/dry_fallback.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

#include "novasr/types.hpp"

namespace novasr {

void DryFallback::prepare(std::size_t channels, std::size_t latency_frames, std::size_t max_push_frames) {
  assert(latency_frames >= kUpsampling);
  latency_frames_ = latency_frames;
  const auto frames = std::bit_ceil(max_push_frames + latency_frames / kUpsampling + 3);  // both neighbours, rounded up
  channels_.assign(channels, Channel{.history = std::vector<float>(frames)});
  reset();
}

void DryFallback::reset() NOVASR_RT {
  state_ = State{};
  for (auto& channel : channels_) channel.last = channel.step = 0.0f;  // history is guarded by frames_in
}

void DryFallback::push(AudioView<const float> in_16k, std::size_t first, std::size_t count) NOVASR_RT {
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    auto& history = channels_[c].history;
    const auto source = in_16k[c].subspan(first, count);
    const auto at = static_cast<std::size_t>(state_.frames_in) & (history.size() - 1);
    const auto head = std::min(count, history.size() - at);
    std::copy_n(source.begin(), head, history.begin() + static_cast<std::ptrdiff_t>(at));
    std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(head), count - head, history.begin());
  }
  state_.frames_in += count;
}

void DryFallback::put_dry(AudioView<float> out_48k, std::size_t first, std::size_t count) NOVASR_RT {
  if (count == 0) return;
  const bool begins = state_.wet_age > 0;
  if (begins) state_.dry_age = 0;
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    auto& channel = channels_[c];
    if (begins) channel.step = state_.position == 0 ? 0.0f : channel.last - dry_at(channel, state_.position - 1);
    const auto out = out_48k[c].subspan(first, count);
    for (std::size_t i = 0; i < count; ++i) out[i] = faded_dry_at(channel, i);
    channel.last = out.back();
  }
  state_.wet_age = 0;
  advance(count);
}

void DryFallback::put_wet(AudioView<float> out_48k, std::size_t first, std::size_t count) NOVASR_RT {
  if (count == 0) return;
  const auto blended = std::min(count, kFadeFrames - state_.wet_age);
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const auto out = out_48k[c].subspan(first, count);
    for (std::size_t i = 0; i < blended; ++i) {
      const auto wet = static_cast<float>(state_.wet_age + i + 1) / static_cast<float>(kFadeFrames);
      out[i] = (1.0f - wet) * faded_dry_at(channels_[c], i) + wet * out[i];
    }
    channels_[c].last = out.back();
  }
  state_.wet_age += blended;
  advance(count);
}

float DryFallback::dry_at(const Channel& channel, std::uint64_t position) const NOVASR_RT {
  if (position < latency_frames_ || state_.frames_in == 0) return 0.0f;
  const auto mask = channel.history.size() - 1;
  const auto at = [&](std::uint64_t frame) {  // the stream's ends are repeated
    return channel.history[static_cast<std::size_t>(std::min(frame, state_.frames_in - 1)) & mask];
  };
  const auto frame = (position - latency_frames_) / kUpsampling;
  const auto phase = (position - latency_frames_) % kUpsampling;
  if (phase == 1) return at(frame);
  if (phase == 2) return (2.0f * at(frame) + at(frame + 1)) / 3.0f;
  return (at(frame == 0 ? 0 : frame - 1) + 2.0f * at(frame)) / 3.0f;
}

float DryFallback::faded_dry_at(const Channel& channel, std::size_t ahead) const NOVASR_RT {
  const auto dry = dry_at(channel, state_.position + ahead);
  const auto age = state_.dry_age + ahead + 1;
  if (age >= kFadeFrames) return dry;
  return dry + channel.step * (1.0f - static_cast<float>(age) / static_cast<float>(kFadeFrames));
}

void DryFallback::advance(std::size_t count) NOVASR_RT {
  state_.position += count;
  state_.dry_age = std::min(kFadeFrames, state_.dry_age + count);
}

}  // namespace novasr

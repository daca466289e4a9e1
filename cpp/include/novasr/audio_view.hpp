#pragma once
#include <cassert>
#include <cstddef>
#include <span>
#include <type_traits>

#include "novasr/realtime.hpp"

namespace novasr {

/// Non-owning view of planar audio: `channels` pointers, each to `frames` samples.
template <typename Sample>
class AudioView {
 public:
  AudioView(Sample* const* channels, std::size_t channel_count, std::size_t frames) NOVASR_RT
      : AudioView(channels, channel_count, 0, frames) {}

  /// A view of writable audio converts to a view of read-only audio.
  template <typename Other>
  requires std::is_same_v<const Other, Sample> AudioView(const AudioView<Other>& other)
  NOVASR_RT  // NOLINT(google-explicit-constructor): widening is safe
      : AudioView(other.channels_, other.channel_count_, other.first_, other.frames_) {}

  [[nodiscard]] std::span<Sample> operator[](std::size_t channel) const NOVASR_RT {
    assert(channel < channel_count_);
    return {channels_[channel] + first_, frames_};
  }
  [[nodiscard]] std::size_t channels() const NOVASR_RT { return channel_count_; }
  [[nodiscard]] std::size_t frames() const NOVASR_RT { return frames_; }

  /// Frames first .. first + count - 1 of all channels.
  [[nodiscard]] AudioView subview(std::size_t first, std::size_t count) const NOVASR_RT {
    assert(first + count <= frames_);
    return {channels_, channel_count_, first_ + first, count};
  }

 private:
  template <typename Other>
  friend class AudioView;

  AudioView(Sample* const* channels, std::size_t channel_count, std::size_t first, std::size_t frames) NOVASR_RT
      : channels_(channels),
        channel_count_(channel_count),
        first_(first),
        frames_(frames) {}

  Sample* const* channels_;
  std::size_t channel_count_;
  std::size_t first_;
  std::size_t frames_;
};

}  // namespace novasr

#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "novasr/audio_view.hpp"

namespace novasr::test {

/// Noise in [-0.5, 0.5) that is a pure function of its frame and channel: any misalignment shows.
inline float noise_at(std::uint64_t frame, std::size_t channel = 0) {
  auto x = (frame + 1) * 0x9E3779B97F4A7C15ull + channel * 0xD1B54A32D192ED03ull;
  x ^= x >> 31;
  x *= 0xBF58476D1CE4E5B9ull;
  x ^= x >> 29;
  return static_cast<float>(x & 0xFFFF) / 65536.0f - 0.5f;
}

/// Planar audio that owns its samples.
class Audio {
 public:
  Audio(std::size_t channels, std::size_t frames) : samples_(channels, std::vector<float>(frames)) {}

  static Audio noise(std::size_t channels, std::size_t frames, std::uint64_t first_frame = 0) {
    Audio audio(channels, frames);
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t i = 0; i < frames; ++i) audio.samples_[c][i] = noise_at(first_frame + i, c);
    return audio;
  }

  /// A view of `count` frames from `first` on; valid until the next view() or the end of this object.
  AudioView<float> view(std::size_t first, std::size_t count) {
    pointers_.clear();
    for (auto& channel : samples_) pointers_.push_back(channel.data() + first);
    return {pointers_.data(), pointers_.size(), count};
  }
  AudioView<float> view() { return view(0, frames()); }

  [[nodiscard]] std::size_t frames() const { return samples_.front().size(); }
  [[nodiscard]] std::size_t channels() const { return samples_.size(); }
  std::vector<float>& operator[](std::size_t channel) { return samples_[channel]; }
  const std::vector<float>& operator[](std::size_t channel) const { return samples_[channel]; }

 private:
  std::vector<std::vector<float>> samples_;
  std::vector<float*> pointers_;
};

}  // namespace novasr::test

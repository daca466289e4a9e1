#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <random>
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

/// White noise with a Gaussian distribution.
inline std::vector<float> gaussian_noise(std::size_t frames, float rms, std::uint32_t seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0f, rms);
  std::vector<float> out(frames);
  std::ranges::generate(out, [&] { return normal(generator); });
  return out;
}

/// Planar audio that owns its samples: one vector for each channel.
class Audio {
 public:
  explicit Audio(std::size_t channels) : samples_(channels) {}
  Audio(std::size_t channels, std::size_t frames) : Audio(channels, std::vector<float>(frames)) {}
  Audio(std::size_t channels, const std::vector<float>& samples) : samples_(channels, samples) {}
  Audio(std::initializer_list<std::vector<float>> channels) : samples_(channels) {}

  /// noise_at() of frames from `first_frame` on.
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

  /// Iterates over the channels.
  [[nodiscard]] auto begin() { return samples_.begin(); }
  [[nodiscard]] auto end() { return samples_.end(); }
  [[nodiscard]] auto begin() const { return samples_.begin(); }
  [[nodiscard]] auto end() const { return samples_.end(); }
  [[nodiscard]] std::size_t size() const { return samples_.size(); }

 private:
  std::vector<std::vector<float>> samples_;
  std::vector<float*> pointers_;
};

/// Uniform in [-0.5, 0.5).
inline Audio uniform_noise(std::size_t channels, std::size_t frames, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
  Audio audio(channels, frames);
  for (auto& channel : audio)
    for (float& sample : channel) sample = uniform(generator);
  return audio;
}

inline bool same_bits(const Audio& a, const Audio& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
  });
}

}  // namespace novasr::test

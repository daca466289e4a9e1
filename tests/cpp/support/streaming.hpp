#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "interpolating_engine.hpp"
#include "novasr/processor.hpp"
#include "realtime_scope.hpp"

/// One vector per channel.
using Audio = std::vector<std::vector<float>>;

/// Block sizes in turn; never 0 for ever.
using Cutter = std::function<std::size_t()>;

inline Cutter blocks_of(std::size_t frames) {
  return [frames] { return frames; };
}

inline Cutter random_blocks(unsigned seed) {
  return [generator = std::mt19937(seed)]() mutable { return generator() % 700; };
}

inline Audio noise(std::size_t channels, std::size_t frames, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
  Audio audio(channels, std::vector<float>(frames));
  for (auto& channel : audio)
    for (float& sample : channel) sample = uniform(generator);
  return audio;
}

inline std::vector<const float*> pointers(const Audio& audio, std::size_t first) {
  std::vector<const float*> result;
  for (const auto& channel : audio) result.push_back(channel.data() + first);
  return result;
}

inline bool same_bits(const Audio& a, const Audio& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
  });
}

inline Audio delayed(Audio audio, std::size_t frames) {
  for (auto& channel : audio) channel.insert(channel.begin(), frames, 0.0f);
  return audio;
}

/// One stream through a processor, piece by piece.
class Streamer {
 public:
  Streamer(novasr::Processor& processor, std::size_t channels)
      : processor_(processor), block_(channels), pointers_(channels), output_(channels) {
    processor.reset();
  }

  void process(const Audio& input, std::size_t first, std::size_t frames) {
    const auto in = pointers(input, first);
    const auto out = room(processor_.max_output_frames(frames));
    std::size_t written = 0;
    {
      const novasr::test::RealtimeScope realtime;
      written = processor_.process(novasr::AudioView<const float>(in.data(), in.size(), frames), out);
    }
    keep(written);
  }

  void flush() { keep(processor_.flush(room(processor_.latency_frames() + 1))); }

  [[nodiscard]] const Audio& output() const { return output_; }

 private:
  novasr::Processor& processor_;
  Audio block_;
  std::vector<float*> pointers_;
  Audio output_;

  novasr::AudioView<float> room(std::size_t frames) {
    for (std::size_t c = 0; c < block_.size(); ++c) {
      block_[c].assign(frames, -77.0f);
      pointers_[c] = block_[c].data();
    }
    return {pointers_.data(), pointers_.size(), frames};
  }

  void keep(std::size_t frames) {
    for (std::size_t c = 0; c < block_.size(); ++c)
      output_[c].insert(output_[c].end(), block_[c].begin(), block_[c].begin() + static_cast<std::ptrdiff_t>(frames));
  }
};

/// The whole stream through the processor, cut as told, flush included. Starts with reset().
inline Audio stream(novasr::Processor& processor, const Audio& input, const Cutter& next_block) {
  Streamer streamer(processor, input.size());
  for (std::size_t first = 0; first < input[0].size();) {
    const std::size_t size = std::min(next_block(), input[0].size() - first);
    streamer.process(input, first, size);
    first += size;
  }
  streamer.flush();
  return streamer.output();
}

inline novasr::Processor make_processor(const novasr::ProcessSpec& spec, std::size_t engine_latency = 43,
                                        const novasr::EngineFormat& format = InterpolatingEngine::kFormat) {
  novasr::Processor processor(std::make_unique<InterpolatingEngine>(engine_latency, format));
  processor.prepare(spec);
  return processor;
}

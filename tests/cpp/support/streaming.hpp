#pragma once
#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "interpolating_engine.hpp"
#include "novasr/processor.hpp"
#include "realtime_scope.hpp"
#include "signals.hpp"

namespace novasr::test {

/// Returns the next block size; must not stay 0.
using Cutter = std::function<std::size_t()>;

inline Cutter blocks_of(std::size_t frames) {
  return [frames] { return frames; };
}

inline Cutter random_blocks(unsigned seed) {
  return [generator = std::mt19937(seed)]() mutable { return generator() % 700; };
}

inline std::vector<const float*> pointers(const Audio& audio, std::size_t first) {
  std::vector<const float*> result;
  for (const auto& channel : audio) result.push_back(channel.data() + first);
  return result;
}

inline Audio delayed(Audio audio, std::size_t frames) {
  for (auto& channel : audio) channel.insert(channel.begin(), frames, 0.0f);
  return audio;
}

/// One stream through a processor, piece by piece.
class Streamer {
 public:
  Streamer(Processor& processor, std::size_t channels)
      : processor_(processor), block_(channels), pointers_(channels), output_(channels) {
    processor.reset();
  }

  void process(const Audio& input, std::size_t first, std::size_t frames) {
    const auto in = pointers(input, first);
    const auto out = room(processor_.max_output_frames(frames));
    std::size_t written = 0;
    {
      const RealtimeScope realtime;
      written = processor_.process(AudioView<const float>(in.data(), in.size(), frames), out);
    }
    keep(written);
  }

  void flush() { keep(processor_.flush(room(processor_.latency_frames() + 1))); }

  [[nodiscard]] const Audio& output() const { return output_; }

 private:
  Processor& processor_;
  Audio block_;
  std::vector<float*> pointers_;
  Audio output_;

  AudioView<float> room(std::size_t frames) {
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

/// Plays a whole stream through the processor, from reset() to flush().
inline Audio stream(Processor& processor, const Audio& input, const Cutter& next_block) {
  Streamer streamer(processor, input.size());
  for (std::size_t first = 0; first < input[0].size();) {
    const std::size_t size = std::min(next_block(), input[0].size() - first);
    streamer.process(input, first, size);
    first += size;
  }
  streamer.flush();
  return streamer.output();
}

inline Processor make_processor(const ProcessSpec& spec, std::size_t engine_latency = 43,
                                const EngineFormat& format = InterpolatingEngine::kFormat) {
  Processor processor(std::make_unique<InterpolatingEngine>(engine_latency, format));
  processor.prepare(spec);
  return processor;
}

}  // namespace novasr::test

#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "interpolating_engine.hpp"
#include "novasr/processor.hpp"

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

/// The whole stream through the processor, cut as told, flush included. Starts with reset().
inline Audio stream(novasr::Processor& processor, const Audio& input, const Cutter& next_block) {
  processor.reset();
  const std::size_t frames = input[0].size();
  Audio output(input.size());
  Audio block(input.size());
  std::vector<float*> block_pointers(input.size());
  const auto with_room = [&](std::size_t room, auto fill) {
    for (std::size_t c = 0; c < input.size(); ++c) {
      block[c].assign(room, -77.0f);
      block_pointers[c] = block[c].data();
    }
    const std::size_t written = fill(novasr::AudioView<float>(block_pointers.data(), input.size(), room));
    for (std::size_t c = 0; c < input.size(); ++c)
      output[c].insert(output[c].end(), block[c].begin(), block[c].begin() + static_cast<std::ptrdiff_t>(written));
  };
  for (std::size_t first = 0; first < frames;) {
    const std::size_t size = std::min(next_block(), frames - first);
    const auto in = pointers(input, first);
    with_room(processor.max_output_frames(size), [&](novasr::AudioView<float> out) {
      return processor.process(novasr::AudioView<const float>(in.data(), in.size(), size), out);
    });
    first += size;
  }
  with_room(processor.latency_frames() + 1, [&](novasr::AudioView<float> out) { return processor.flush(out); });
  return output;
}

inline novasr::Processor make_processor(const novasr::ProcessSpec& spec, std::size_t engine_lag = 43) {
  novasr::Processor processor(std::make_unique<InterpolatingEngine>(engine_lag));
  processor.prepare(spec);
  return processor;
}

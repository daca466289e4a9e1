#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "novasr/engine.hpp"

/// The place of a network that runs elsewhere, on a whole recording at once. The recording passes through the chain
/// twice: first the relay records what the network would get, then it plays what the network made of it.
class Relay {
 public:
  /// `silence` is the network's output for sustained silence, bit-exact.
  Relay(const novasr::EngineFormat& format, std::size_t latency_frames, float silence);

  /// An engine for one stream; it shares this relay's recording.
  [[nodiscard]] std::unique_ptr<novasr::StreamingEngine> engine() const;

  /// [control] Records from the next reset() of the stream on; its output is 0. Allocates room for `frames` at the
  /// engine's input rate.
  void record(std::size_t channels, std::size_t frames);

  /// [control] Plays one vector per channel, aligned with the input, from the next reset() of the stream on.
  void play(std::vector<std::vector<float>> output);

  /// [control] What was recorded of a channel. Throws ConfigError if the room was too small.
  [[nodiscard]] std::span<const float> recorded(std::size_t channel) const;

  [[nodiscard]] std::size_t channels() const;

 private:
  struct Recording;
  class RelayEngine;

  novasr::EngineFormat format_;
  std::size_t latency_frames_;
  float silence_;
  std::shared_ptr<Recording> recording_;
};

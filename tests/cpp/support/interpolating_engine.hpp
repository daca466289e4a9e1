#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

#include "novasr/engine.hpp"

/// A stand-in for the model: 16 kHz frame n goes to 48 kHz frame 3 n, straight lines between, a lag as asked for.
/// Keeps the contract of StreamingEngine, the zeros at the start and the flush included.
class InterpolatingEngine final : public novasr::StreamingEngine {
 public:
  explicit InterpolatingEngine(std::size_t lag_frames) : lag_(lag_frames) {}  // >= 3: a line needs its far end

  void prepare(const novasr::EngineSpec& spec) override {
    channels_.assign(spec.channels, Channel{.delayed = std::vector<float>(lag_ - 3)});
    reset();
  }

  void reset() NOVASR_RT override {
    for (Channel& channel : channels_) {
      channel.last = 0.0f;
      channel.at = 0;
      std::fill(channel.delayed.begin(), channel.delayed.end(), 0.0f);
    }
    started_ = false;
  }

  void process(novasr::AudioView<const float> in, novasr::AudioView<float> out) NOVASR_RT override {
    for (std::size_t c = 0; c < channels_.size(); ++c)
      for (std::size_t n = 0; n < in.frames(); ++n)
        put_line(channels_[c], in[c][n], out[c].subspan(3 * n, 3), started_ || n > 0);
    started_ = started_ || in.frames() > 0;
  }

  void flush(novasr::AudioView<float> out) noexcept override {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      std::vector<float> padded(lag_ + 3);
      for (std::size_t i = 0; i < padded.size(); i += 3)
        put_line(channels_[c], 0.0f, std::span(padded).subspan(i, std::min<std::size_t>(3, padded.size() - i)), true);
      std::copy_n(padded.begin(), lag_, out[c].begin());
    }
  }

  std::size_t latency_frames() const NOVASR_RT override { return lag_; }

 private:
  struct Channel {
    float last = 0.0f;
    std::size_t at = 0;
    std::vector<float> delayed;
  };

  /// The line from the frame before to `next`; the first frame of a stream has none before it.
  static void put_line(Channel& channel, float next, std::span<float> out, bool has_last) NOVASR_RT {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const float y = has_last ? channel.last + static_cast<float>(i) / 3.0f * (next - channel.last) : 0.0f;
      if (channel.delayed.empty()) {
        out[i] = y;
        continue;
      }
      out[i] = channel.delayed[channel.at];
      channel.delayed[channel.at] = y;
      channel.at = (channel.at + 1) % channel.delayed.size();
    }
    channel.last = next;
  }

  std::size_t lag_;
  bool started_ = false;
  std::vector<Channel> channels_;
};

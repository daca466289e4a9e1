#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

#include "novasr/engine.hpp"

namespace novasr::test {

/// A stand-in for a model, with any latency: linear interpolation, input frame n at output frame ratio * n. Obeys the
/// contract of StreamingEngine, including the zeros at the start and the flush.
class InterpolatingEngine final : public StreamingEngine {
 public:
  static constexpr EngineFormat kFormat{
      .input_hz = 16'000, .output_hz = 48'000, .hop_frames = 3, .edge_frames = 83, .band_hz = 8'000.0};

  /// `latency_frames` >= the ratio: interpolation needs the next input frame.
  explicit InterpolatingEngine(std::size_t latency_frames, const EngineFormat& format = kFormat)
      : format_(format), ratio_(format.ratio()), latency_(latency_frames) {}

  [[nodiscard]] const EngineFormat& format() const NOVASR_RT override { return format_; }

  void prepare(const EngineSpec& spec) override {
    channels_.assign(spec.channels, Channel{.delayed = std::vector<float>(latency_ - ratio_)});
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

  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override {
    for (std::size_t c = 0; c < channels_.size(); ++c)
      for (std::size_t n = 0; n < in.frames(); ++n)
        put_line(channels_[c], in[c][n], out[c].subspan(ratio_ * n, ratio_), started_ || n > 0);
    started_ = started_ || in.frames() > 0;
  }

  void flush(AudioView<float> out) noexcept override {
    for (std::size_t c = 0; c < channels_.size(); ++c) {
      std::vector<float> padded(latency_ + ratio_);
      for (std::size_t i = 0; i < padded.size(); i += ratio_)
        put_line(channels_[c], 0.0f, std::span(padded).subspan(i, std::min(ratio_, padded.size() - i)), true);
      std::copy_n(padded.begin(), latency_, out[c].begin());
    }
  }

  std::size_t latency_frames() const NOVASR_RT override { return latency_; }

 private:
  struct Channel {
    float last = 0.0f;
    std::size_t at = 0;
    std::vector<float> delayed;
  };

  /// Interpolates from the previous frame to `next`; the first frame of a stream has no previous one.
  void put_line(Channel& channel, float next, std::span<float> out, bool has_last) const NOVASR_RT {
    const auto ratio = static_cast<float>(ratio_);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const float y = has_last ? channel.last + static_cast<float>(i) / ratio * (next - channel.last) : 0.0f;
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

  EngineFormat format_;
  std::size_t ratio_;
  std::size_t latency_;
  bool started_ = false;
  std::vector<Channel> channels_;
};

}  // namespace novasr::test

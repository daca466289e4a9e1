#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "novasr/engine.hpp"
#include "realtime_scope.hpp"
#include "signals.hpp"
#include "test_engines.hpp"

namespace novasr::test {

/// Plays noise through an engine that runs an InvertingInterpolator; records the output and knows the expected one.
class StreamPlayer {
 public:
  StreamPlayer(StreamingEngine& engine, std::size_t channels) : engine_(engine), channels_(channels), out_(channels) {}

  /// One block; to be called with `realtime` if the engine must not block.
  void play(std::size_t frames, bool realtime = false) {
    auto in = Audio::noise(channels_, frames, first_frame_ + frames_in_);
    Audio out(channels_, 3 * frames);
    const auto in_view = in.view();
    const auto out_view = out.view();
    if (realtime) {
      const RealtimeScope scope;
      engine_.process(in_view, out_view);
    } else {
      engine_.process(in_view, out_view);
    }
    frames_in_ += frames;
    keep(out);
  }

  /// `frames` in blocks of at most `block`.
  void play_in_blocks(std::size_t frames, std::size_t block, bool realtime = false) {
    for (std::size_t left = frames; left > 0; left -= std::min(left, block)) play(std::min(left, block), realtime);
  }

  void flush() {
    Audio out(channels_, engine_.latency_frames());
    engine_.flush(out.view());
    keep(out);
  }

  /// Resets the engine; the next stream has different noise, so that stale output is detected.
  void reset() {
    {
      const RealtimeScope scope;
      engine_.reset();
    }
    first_frame_ += 1'000'000'007;
    frames_in_ = 0;
    for (auto& channel : out_) channel.clear();
  }

  [[nodiscard]] std::uint64_t frames_in() const { return frames_in_; }
  [[nodiscard]] std::uint64_t position() const { return out_.front().size(); }
  [[nodiscard]] const std::vector<float>& heard(std::size_t channel) const { return out_[channel]; }

  /// The dry signal at 48 kHz position `at` of the output; the wet one is its negative.
  [[nodiscard]] float dry_at(std::uint64_t at, std::size_t channel) const {
    if (at < engine_.latency_frames() || frames_in_ == 0) return 0.0f;
    const auto frame = [&](std::uint64_t n) { return noise_at(first_frame_ + n, channel); };
    return interpolate(frame, frames_in_, at - engine_.latency_frames());
  }

  /// How many samples of [from, to) differ from the exact wet signal.
  [[nodiscard]] std::size_t not_wet(std::uint64_t from, std::uint64_t to) const { return differing(from, to, -1.0f); }
  /// How many samples of [from, to) differ from the exact dry signal.
  [[nodiscard]] std::size_t not_dry(std::uint64_t from, std::uint64_t to) const { return differing(from, to, 1.0f); }

 private:
  void keep(const Audio& out) {
    for (std::size_t c = 0; c < channels_; ++c) out_[c].insert(out_[c].end(), out[c].begin(), out[c].end());
  }
  [[nodiscard]] std::size_t differing(std::uint64_t from, std::uint64_t to, float sign) const {
    std::size_t count = 0;
    for (std::size_t c = 0; c < channels_; ++c)
      for (auto at = from; at < to; ++at) count += out_[c].at(at) != sign * dry_at(at, c);
    return count;
  }

  StreamingEngine& engine_;
  std::size_t channels_;
  std::vector<std::vector<float>> out_;
  std::uint64_t first_frame_ = 0;
  std::uint64_t frames_in_ = 0;
};

}  // namespace novasr::test

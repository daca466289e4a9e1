#pragma once
#include <algorithm>
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

#include "novasr/engine.hpp"

namespace novasr::test {

/// Linear interpolation x3 at 48 kHz position `at`: input frame n lies at 3 n + 1, the first and last are repeated.
/// `frame(n)` returns input frame n of `count`.
template <typename Frame>
float interpolate(Frame frame, std::uint64_t count, std::uint64_t at) {
  const auto n = at / 3;
  const auto clamped = [&](std::uint64_t i) { return frame(std::min(i, count - 1)); };
  if (at % 3 == 1) return clamped(n);
  if (at % 3 == 2) return (2.0f * clamped(n) + clamped(n + 1)) / 3.0f;
  return (clamped(n == 0 ? 0 : n - 1) + 2.0f * clamped(n)) / 3.0f;
}

/// Obeys the contract of StreamingEngine with the simplest model: linear interpolation, inverted so that the output
/// differs from the dry signal, which is interpolated in the same way.
class InvertingInterpolator : public StreamingEngine {
 public:
  static constexpr EngineFormat kFormat{
      .input_hz = 16'000, .output_hz = 48'000, .edge_frames = 83, .offset_frames = 1, .band_hz = 8'000.0};

  explicit InvertingInterpolator(std::size_t latency_frames = 36) : latency_(latency_frames) { assert(latency_ >= 3); }

  [[nodiscard]] const EngineFormat& format() const NOVASR_RT override { return kFormat; }
  void prepare(const EngineSpec& spec) override {
    history_.assign(spec.channels, std::vector<float>(kHistory));
    assert(spec.max_block_frames + latency_ < kHistory);
    reset();
  }
  void reset() NOVASR_RT override { frames_in_ = position_ = 0; }
  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override {
    for (std::size_t c = 0; c < history_.size(); ++c)
      for (std::size_t i = 0; i < in.frames(); ++i) history_[c][(frames_in_ + i) % kHistory] = in[c][i];
    frames_in_ += in.frames();
    put(out);
  }
  void flush(AudioView<float> out) noexcept override { put(out); }
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT override { return latency_; }

 private:
  static constexpr std::size_t kHistory = std::size_t{1} << 17;

  void put(AudioView<float> out) NOVASR_RT {
    for (std::size_t c = 0; c < history_.size(); ++c) {
      const auto frame = [&](std::uint64_t n) { return history_[c][n % kHistory]; };
      for (std::size_t i = 0; i < out.frames(); ++i) {
        const auto at = position_ + i;
        out[c][i] = at < latency_ || frames_in_ == 0 ? 0.0f : -interpolate(frame, frames_in_, at - latency_);
      }
    }
    position_ += out.frames();
  }

  std::size_t latency_;
  std::vector<std::vector<float>> history_;
  std::uint64_t frames_in_ = 0;
  std::uint64_t position_ = 0;
};

/// Lets through as many calls of process() as a test allows; the next one blocks the worker.
class Gate {
 public:
  static constexpr std::uint64_t kAlways = std::numeric_limits<std::uint64_t>::max();

  /// Lets a total of `calls` pass, counted from construction.
  void allow(std::uint64_t calls) {
    {
      const std::lock_guard lock(mutex_);
      allowed_ = calls;
    }
    changed_.notify_all();
  }
  /// Waits until a total of `calls` have reached the gate: the output of all earlier ones is then published.
  void wait_until_entered(std::uint64_t calls) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entered_ >= calls; });
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++entered_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return entered_ <= allowed_; });
  }
  [[nodiscard]] std::uint64_t entered() {
    const std::lock_guard lock(mutex_);
    return entered_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t entered_ = 0;
  std::uint64_t allowed_ = kAlways;
};

/// An InvertingInterpolator that stalls when the test says so, and that allocates and locks like a LibTorch engine.
class GatedInterpolator final : public InvertingInterpolator {
 public:
  GatedInterpolator(Gate& gate, std::size_t latency_frames = 36) : InvertingInterpolator(latency_frames), gate_(gate) {}
  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override {
    NOVASR_RT_UNCHECKED(gate_.pass(); const std::vector<float> scratch(in.frames());)  // blocking is its purpose
    InvertingInterpolator::process(in, out);
    failed_.fetch_add(scratch.empty() ? 1 : 0, std::memory_order_relaxed);
  }
  [[nodiscard]] EngineStats stats() const NOVASR_RT override {
    return {.failed_blocks = failed_.load(std::memory_order_relaxed)};
  }

 private:
  Gate& gate_;
  std::atomic<std::uint64_t> failed_{0};
};

}  // namespace novasr::test

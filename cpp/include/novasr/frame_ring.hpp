#pragma once
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "novasr/audio_view.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Planar audio from exactly one producer thread to exactly one consumer thread, in order, without locks.
///
/// Both counters only increase (64 bit: they never wrap in practice) and are masked on use. Each thread stores one
/// counter and caches the other one, so it touches the shared cache line only when the cached value says "full" or
/// "empty".
class FrameRing {
 public:
  FrameRing() = default;
  explicit FrameRing(std::size_t min_frames, std::size_t channels = 1) { resize(min_frames, channels); }

  /// Allocates room for at least `min_frames` frames, rounded up to a power of two, and empties the ring.
  /// Thread: control, while neither side uses the ring.  Allocates.
  void resize(std::size_t min_frames, std::size_t channels = 1);

  /// Writes as much of `source` as fits; returns the number of frames written.
  /// Thread: producer only.  Precondition: the ring's channel count.  Progress: wait-free.  Memory: none.
  std::size_t write(AudioView<const float> source) NOVASR_RT;

  /// Reads up to the length of `target`; returns the number of frames read.
  /// Thread: consumer only.  Precondition: the ring's channel count.  Progress: wait-free.  Memory: none.
  std::size_t read(AudioView<float> target) NOVASR_RT;

  /// The same for one channel.
  std::size_t write(std::span<const float> source) NOVASR_RT;
  std::size_t read(std::span<float> target) NOVASR_RT;

  /// Discards up to `count` of the oldest frames; returns the number discarded.
  /// Thread: consumer only.  Precondition: none.  Progress: wait-free, constant time.  Memory: none.
  std::size_t discard(std::size_t count) NOVASR_RT;

  /// Frames that the next write() is guaranteed to accept; more may fit by then.
  /// Thread: producer only.  Progress: wait-free.
  [[nodiscard]] std::size_t writable() NOVASR_RT;

  /// Frames that the next read() is guaranteed to return; more may have arrived by then.
  /// Thread: consumer only.  Progress: wait-free.
  [[nodiscard]] std::size_t readable() NOVASR_RT;

  /// Frames written since resize().  Thread: producer only.
  [[nodiscard]] std::uint64_t written() const NOVASR_RT { return write_.load(std::memory_order_relaxed); }

  /// Frames read or discarded since resize().  Thread: consumer only.
  [[nodiscard]] std::uint64_t consumed() const NOVASR_RT { return read_.load(std::memory_order_relaxed); }

  /// Thread: any, between two resize() calls.
  [[nodiscard]] std::size_t capacity() const NOVASR_RT { return capacity_; }
  [[nodiscard]] std::size_t channels() const NOVASR_RT { return channels_; }

 private:
  /// Two 64-byte lines: Apple's cores have lines of 128 bytes and Intel's prefetch lines in pairs.
  static constexpr std::size_t kOwnLine = 128;

  [[nodiscard]] std::size_t room(std::uint64_t w) const NOVASR_RT {
    return capacity_ - static_cast<std::size_t>(w - read_seen_);
  }
  [[nodiscard]] std::size_t stock(std::uint64_t r) const NOVASR_RT { return static_cast<std::size_t>(write_seen_ - r); }
  [[nodiscard]] std::size_t slot(std::uint64_t counter) const NOVASR_RT {
    return static_cast<std::size_t>(counter) & (capacity_ - 1);
  }
  [[nodiscard]] float* channel(std::size_t c) NOVASR_RT { return samples_.data() + c * capacity_; }

  std::vector<float> samples_;  // channel after channel
  std::size_t channels_ = 1;
  std::size_t capacity_ = 0;
  alignas(kOwnLine) std::atomic<std::uint64_t> write_{0};  // stored by the producer
  std::uint64_t read_seen_ = 0;                            // the producer's cached read_
  alignas(kOwnLine) std::atomic<std::uint64_t> read_{0};   // stored by the consumer
  std::uint64_t write_seen_ = 0;                           // the consumer's cached write_
};

// ---- implementation --------------------------------------------------------------------------------------------

inline void FrameRing::resize(std::size_t min_frames, std::size_t channels) {
  channels_ = channels;
  capacity_ = std::bit_ceil(min_frames);
  samples_.assign(channels_ * capacity_, 0.0f);
  write_.store(0, std::memory_order_relaxed);
  read_.store(0, std::memory_order_relaxed);
  read_seen_ = write_seen_ = 0;
}

inline std::size_t FrameRing::writable() NOVASR_RT {
  read_seen_ = read_.load(std::memory_order_acquire);   // pairs with the release in discard(): those slots are free
  return room(write_.load(std::memory_order_relaxed));  // only this thread stores write_
}

inline std::size_t FrameRing::readable() NOVASR_RT {
  write_seen_ = write_.load(std::memory_order_acquire);  // pairs with the release in write(): those slots are filled
  return stock(read_.load(std::memory_order_relaxed));   // only this thread stores read_
}

inline std::size_t FrameRing::write(AudioView<const float> source) NOVASR_RT {
  assert(source.channels() == channels_);
  const auto w = write_.load(std::memory_order_relaxed);  // only this thread stores write_
  auto fit = room(w);
  if (fit < source.frames()) fit = writable();
  const auto count = std::min(source.frames(), fit);
  if (count == 0) return 0;
  const auto head = std::min(count, capacity_ - slot(w));
  for (std::size_t c = 0; c < channels_; ++c) {
    std::copy_n(source[c].data(), head, channel(c) + slot(w));
    std::copy_n(source[c].data() + head, count - head, channel(c));
  }
  write_.store(w + count, std::memory_order_release);  // pairs with the acquire in readable(): publishes the frames
  return count;
}

inline std::size_t FrameRing::read(AudioView<float> target) NOVASR_RT {
  assert(target.channels() == channels_);
  const auto r = read_.load(std::memory_order_relaxed);  // only this thread stores read_
  auto found = stock(r);
  if (found < target.frames()) found = readable();
  const auto count = std::min(target.frames(), found);
  if (count == 0) return 0;
  const auto head = std::min(count, capacity_ - slot(r));
  for (std::size_t c = 0; c < channels_; ++c) {
    std::copy_n(channel(c) + slot(r), head, target[c].data());
    std::copy_n(channel(c), count - head, target[c].data() + head);
  }
  return discard(count);
}

inline std::size_t FrameRing::write(std::span<const float> source) NOVASR_RT {
  const float* const channel = source.data();
  return write(AudioView<const float>(&channel, 1, source.size()));
}

inline std::size_t FrameRing::read(std::span<float> target) NOVASR_RT {
  float* const channel = target.data();
  return read(AudioView<float>(&channel, 1, target.size()));
}

inline std::size_t FrameRing::discard(std::size_t count) NOVASR_RT {
  const auto r = read_.load(std::memory_order_relaxed);  // only this thread stores read_
  auto found = stock(r);
  if (found < count) found = readable();
  const auto taken = std::min(count, found);
  read_.store(r + taken, std::memory_order_release);  // pairs with the acquire in writable(): the copies are done
  return taken;
}

}  // namespace novasr

#pragma once
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "novasr/realtime.hpp"

namespace novasr {

/// Samples from exactly one producer thread to exactly one consumer thread, in order, without locks.
///
/// Both counters only grow (64 bit: they never wrap in practice) and are masked on use. Each thread stores one counter
/// and remembers the last value it saw of the other one, so that a shared cache line is touched only when that memory
/// says "full" or "empty".
class SpscRing {
 public:
  SpscRing() = default;
  explicit SpscRing(std::size_t min_capacity) { resize(min_capacity); }

  /// Makes room for at least `min_capacity` samples, rounded up to a power of two, and empties the ring.
  /// Thread: control, while neither side uses the ring.  Allocates.
  void resize(std::size_t min_capacity);

  /// Takes as many samples of `source` as fit and returns how many.
  /// Thread: producer only.  Precondition: none.  Progress: wait-free.  Memory: none.
  std::size_t write(std::span<const float> source) NOVASR_RT;

  /// Fills as much of `target` as there are samples and returns how many.
  /// Thread: consumer only.  Precondition: none.  Progress: wait-free.  Memory: none.
  std::size_t read(std::span<float> target) NOVASR_RT;

  /// Throws away up to `count` of the oldest samples and returns how many.
  /// Thread: consumer only.  Precondition: none.  Progress: wait-free, constant time.  Memory: none.
  std::size_t discard(std::size_t count) NOVASR_RT;

  /// Samples that write() is certain to take; more may fit by then.
  /// Thread: producer only.  Progress: wait-free.
  [[nodiscard]] std::size_t writable() NOVASR_RT;

  /// Samples that read() is certain to find; more may have come by then.
  /// Thread: consumer only.  Progress: wait-free.
  [[nodiscard]] std::size_t readable() NOVASR_RT;

  /// Samples written since resize().  Thread: producer only.
  [[nodiscard]] std::uint64_t written() const NOVASR_RT { return write_.load(std::memory_order_relaxed); }

  /// Samples read or discarded since resize().  Thread: consumer only.
  [[nodiscard]] std::uint64_t consumed() const NOVASR_RT { return read_.load(std::memory_order_relaxed); }

  /// Thread: any, between two resize() calls.
  [[nodiscard]] std::size_t capacity() const NOVASR_RT { return slots_.size(); }

 private:
  /// Two 64-byte lines: Apple's cores have lines of 128 bytes and Intel's prefetch lines in pairs.
  static constexpr std::size_t kOwnLine = 128;

  [[nodiscard]] std::size_t room(std::uint64_t w) const NOVASR_RT {
    return slots_.size() - static_cast<std::size_t>(w - read_seen_);
  }
  [[nodiscard]] std::size_t stock(std::uint64_t r) const NOVASR_RT { return static_cast<std::size_t>(write_seen_ - r); }
  [[nodiscard]] std::size_t slot(std::uint64_t counter) const NOVASR_RT {
    return static_cast<std::size_t>(counter) & (slots_.size() - 1);
  }

  std::vector<float> slots_;
  alignas(kOwnLine) std::atomic<std::uint64_t> write_{0};  // stored by the producer
  std::uint64_t read_seen_ = 0;                            // producer's memory of read_
  alignas(kOwnLine) std::atomic<std::uint64_t> read_{0};   // stored by the consumer
  std::uint64_t write_seen_ = 0;                           // consumer's memory of write_
};

// ---- implementation --------------------------------------------------------------------------------------------

inline void SpscRing::resize(std::size_t min_capacity) {
  slots_.assign(std::bit_ceil(min_capacity), 0.0f);
  write_.store(0, std::memory_order_relaxed);
  read_.store(0, std::memory_order_relaxed);
  read_seen_ = write_seen_ = 0;
}

inline std::size_t SpscRing::writable() NOVASR_RT {
  read_seen_ = read_.load(std::memory_order_acquire);   // pairs with the release in discard(): those slots are free
  return room(write_.load(std::memory_order_relaxed));  // only this thread stores write_
}

inline std::size_t SpscRing::readable() NOVASR_RT {
  write_seen_ = write_.load(std::memory_order_acquire);  // pairs with the release in write(): those slots are filled
  return stock(read_.load(std::memory_order_relaxed));   // only this thread stores read_
}

inline std::size_t SpscRing::write(std::span<const float> source) NOVASR_RT {
  const auto w = write_.load(std::memory_order_relaxed);  // only this thread stores write_
  auto fit = room(w);
  if (fit < source.size()) fit = writable();
  const auto count = std::min(source.size(), fit);
  if (count == 0) return 0;
  const auto head = std::min(count, slots_.size() - slot(w));
  std::copy_n(source.begin(), head, slots_.begin() + static_cast<std::ptrdiff_t>(slot(w)));
  std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(head), count - head, slots_.begin());
  write_.store(w + count, std::memory_order_release);  // pairs with the acquire in readable(): publishes the samples
  return count;
}

inline std::size_t SpscRing::read(std::span<float> target) NOVASR_RT {
  const auto r = read_.load(std::memory_order_relaxed);  // only this thread stores read_
  auto found = stock(r);
  if (found < target.size()) found = readable();
  const auto count = std::min(target.size(), found);
  if (count == 0) return 0;
  const auto head = std::min(count, slots_.size() - slot(r));
  std::copy_n(slots_.begin() + static_cast<std::ptrdiff_t>(slot(r)), head, target.begin());
  std::copy_n(slots_.begin(), count - head, target.begin() + static_cast<std::ptrdiff_t>(head));
  return discard(count);
}

inline std::size_t SpscRing::discard(std::size_t count) NOVASR_RT {
  const auto r = read_.load(std::memory_order_relaxed);  // only this thread stores read_
  auto found = stock(r);
  if (found < count) found = readable();
  const auto taken = std::min(count, found);
  read_.store(r + taken, std::memory_order_release);  // pairs with the acquire in writable(): the copies are done
  return taken;
}

}  // namespace novasr

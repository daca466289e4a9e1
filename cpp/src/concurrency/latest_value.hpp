#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "novasr/realtime.hpp"

namespace novasr {

/// Passes values from one writer thread to one reader thread; the newest value wins.
/// Three slots: the writer's, the reader's, and one in between that either side swaps for its own.
/// Progress: wait-free on both sides.  Memory: none after construction, if assigning a T takes none.
template <typename T>
class LatestValue {
 public:
  /// [writer] The slot to fill before publish(); contains an older value.
  [[nodiscard]] T& draft() NOVASR_RT { return slots_[write_]; }

  /// [writer] Publishes the draft.
  void publish() NOVASR_RT {
    // Release: the reader sees the draft's content. Acquire: the reader is done with the slot that comes back.
    write_ = between_.exchange(static_cast<std::uint8_t>(write_ | kFresh), std::memory_order_acq_rel) & kIndex;
  }

  /// [reader] Fetches the newest value; false if there is none since the last call.
  bool refresh() NOVASR_RT {
    if ((between_.load(std::memory_order_relaxed) & kFresh) == 0) return false;
    read_ = between_.exchange(read_, std::memory_order_acq_rel) & kIndex;  // pairs with the exchange in publish()
    return true;
  }

  /// [reader]
  [[nodiscard]] const T& current() const NOVASR_RT { return slots_[read_]; }

  /// [neither thread running] Visits all slots, to size them.
  template <typename Visitor>
  void for_each_slot(Visitor visit) {
    for (T& slot : slots_) visit(slot);
  }

 private:
  static constexpr std::uint8_t kFresh = 4;  // the middle slot is newer than the reader's
  static constexpr std::uint8_t kIndex = 3;

  std::array<T, 3> slots_{};
  std::uint8_t write_ = 0;
  std::uint8_t read_ = 1;
  std::atomic<std::uint8_t> between_{2};
};

}  // namespace novasr

#pragma once
#include <atomic>

#include "novasr/realtime.hpp"

namespace novasr {

/// [audio] A maximum that one thread raises and another resets; a reset in between costs one block's value at most.
inline void raise_to(std::atomic<float>& largest, float value) NOVASR_RT {
  if (value > largest.load(std::memory_order_relaxed)) largest.store(value, std::memory_order_relaxed);
}

}  // namespace novasr

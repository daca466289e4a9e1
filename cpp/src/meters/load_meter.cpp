#include "novasr/load_meter.hpp"

#include <algorithm>
#include <chrono>

#include "meters/raise_to.hpp"

namespace novasr {
namespace {

double now() NOVASR_RT {
  // Reads a page that the kernel shares with the process: no system call on common clock sources.
  NOVASR_RT_UNCHECKED(const auto time = std::chrono::steady_clock::now();)
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

void LoadMeter::begin() NOVASR_RT {
  begin_seconds_ = now();
}

float LoadMeter::end(double given_seconds) NOVASR_RT {
  return update(now() - begin_seconds_, given_seconds);
}

float LoadMeter::update(double taken_seconds, double given_seconds) NOVASR_RT {
  if (given_seconds <= 0.0) return 0.0f;
  const auto load = static_cast<float>(taken_seconds / given_seconds);
  const auto weight = static_cast<float>(std::min(1.0, given_seconds / kSmoothingSeconds));
  const float old = load_.load(std::memory_order_relaxed);
  load_.store(old + weight * (load - old), std::memory_order_relaxed);
  raise_to(largest_, load);
  return load;
}

}  // namespace novasr

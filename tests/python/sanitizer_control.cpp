// What the sanitizers must find in memory that Python's packages allocated.
#include <cstddef>
#include <thread>

extern "C" {

__attribute__((visibility("default"))) void read_beyond(volatile float* samples, std::size_t count) {
  samples[0] = samples[count];
}

__attribute__((visibility("default"))) void write_from_two_threads(volatile float* samples, std::size_t) {
  std::thread other([&] { samples[0] = 1.0f; });
  samples[0] = 2.0f;
  other.join();
}
}

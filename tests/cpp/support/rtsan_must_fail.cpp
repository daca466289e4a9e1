// Allocates where an audio thread must not: proves that the realtime sanitizer is there and ends the program.
#include <memory>

#include "realtime_scope.hpp"

int main() {
  const novasr::test::RealtimeScope realtime;
  const auto memory = std::make_unique<volatile int>(1);
  return *memory - 1;
}

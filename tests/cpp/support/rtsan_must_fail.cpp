// Allocates in a real-time context: proves that RealtimeSanitizer is active and terminates the program.
#include <memory>

#include "realtime_scope.hpp"

int main() {
  const novasr::test::RealtimeScope realtime;
  const auto memory = std::make_unique<volatile int>(1);
  return *memory - 1;
}

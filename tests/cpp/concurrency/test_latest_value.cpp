#include <catch2/catch.hpp>
#include <thread>

#include "concurrency/latest_value.hpp"

TEST_CASE("LatestValue: the reader never sees a torn value, nor an older one after a newer one", "[latest_value]") {
  struct Pair {
    int a = 0;
    int b = 0;
  };
  novasr::LatestValue<Pair> box;
  REQUIRE_FALSE(box.refresh());
  constexpr int kLast = 20'000;
  std::thread writer([&] {
    for (int i = 1; i <= kLast; ++i) {
      box.draft() = {i, -i};
      box.publish();
    }
  });
  int last = 0;
  while (last < kLast) {
    if (!box.refresh()) continue;
    const Pair pair = box.current();
    const bool whole_and_newer = pair.a == -pair.b && pair.a > last;
    if (!whole_and_newer) FAIL("read " << pair.a << ", " << pair.b << " after " << last);
    last = pair.a;
  }
  writer.join();
}

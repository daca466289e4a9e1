#include <catch2/catch.hpp>
#include <numeric>
#include <random>

#include "dsp/history.hpp"
#include "realtime_scope.hpp"

using novasr::History;

namespace {

void append_counting(History& history, std::size_t first, std::size_t count) {
  const novasr::test::RealtimeScope realtime;
  const auto room = history.append(count);
  std::iota(room.begin(), room.end(), static_cast<float>(first));
}

}  // namespace

TEST_CASE("History: every tap is the input at its delay, for any block size", "[dsp]") {
  constexpr std::size_t kKeep = 50, kMaxAppend = 300;
  History history;
  history.prepare(kKeep, kMaxAppend);
  std::mt19937 random(1);
  std::size_t total = 0;
  for (int round = 0; round < 500; ++round) {
    const std::size_t count = random() % (kMaxAppend + 1);
    append_counting(history, total, count);
    total += count;
    if (total < kKeep + kMaxAppend) continue;
    const std::size_t delay = random() % (kKeep + 1);
    const std::size_t length = kKeep - delay + random() % (count + 1);
    const auto tap = history.tap(delay, length);
    for (std::size_t i = 0; i < length; ++i) REQUIRE(tap[i] == static_cast<float>(total - delay - length + i));
  }
}

TEST_CASE("History: after a reset the whole past has the requested level", "[dsp]") {
  History history;
  history.prepare(20, 10);
  append_counting(history, 1, 10);
  history.reset(0.25f);
  for (const float sample : history.tap(0, 20)) CHECK(sample == 0.25f);
  history.reset();
  append_counting(history, 1, 3);
  CHECK(history.tap(3, 20)[19] == 0.0f);
  CHECK(history.tap(0, 3)[0] == 1.0f);
}

TEST_CASE("History: kReadAhead samples beyond the end may be read in any state", "[dsp]") {
  History history;
  history.prepare(5, 7);
  for (std::size_t round = 0; round < 40; ++round) {
    append_counting(history, 1, round % 8);
    float sum = 0.0f;
    for (std::size_t i = 0; i < History::kReadAhead; ++i) sum += 0.0f * history.end()[i];  // AddressSanitizer checks
    CHECK(sum == 0.0f);
  }
}

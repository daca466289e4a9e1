#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <thread>
#include <vector>

#include "novasr/frame_ring.hpp"

using novasr::FrameRing;

namespace {

std::vector<float> counting_from(std::size_t first, std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), static_cast<float>(first));
  return values;
}

}  // namespace

TEST_CASE("FrameRing: the capacity is rounded up to a power of two and fully usable", "[ring]") {
  FrameRing ring(5);
  REQUIRE(ring.capacity() == 8);
  REQUIRE(ring.writable() == 8);
  REQUIRE(ring.write(counting_from(0, 8)) == 8);
  REQUIRE(ring.readable() == 8);
}

TEST_CASE("FrameRing: a ring without capacity accepts and returns nothing", "[ring]") {
  FrameRing ring;
  std::vector<float> one(1);
  REQUIRE(ring.write(one) == 0);
  REQUIRE(ring.read(one) == 0);
  REQUIRE(ring.discard(1) == 0);
}

TEST_CASE("FrameRing: an empty ring returns nothing and leaves the target unchanged", "[ring]") {
  FrameRing ring(4);
  std::vector<float> target{7.0f};
  REQUIRE(ring.readable() == 0);
  REQUIRE(ring.read(target) == 0);
  REQUIRE(ring.discard(3) == 0);
  REQUIRE(target[0] == 7.0f);
}

TEST_CASE("FrameRing: a full ring accepts nothing and returns zero", "[ring]") {
  FrameRing ring(4);
  REQUIRE(ring.write(counting_from(0, 6)) == 4);
  REQUIRE(ring.writable() == 0);
  REQUIRE(ring.write(counting_from(9, 1)) == 0);
  std::vector<float> target(6);
  REQUIRE(ring.read(target) == 4);
  target.resize(4);
  REQUIRE(target == counting_from(0, 4));
}

TEST_CASE("FrameRing: order survives any number of wraps, for all sizes of write and read", "[ring]") {
  const auto write_size = GENERATE(1u, 3u, 5u, 8u);
  const auto read_size = GENERATE(1u, 2u, 7u, 8u);
  FrameRing ring(8);
  std::size_t sent = 0;
  std::size_t received = 0;
  std::vector<float> target(read_size);
  for (int round = 0; round < 200; ++round) {
    sent += ring.write(counting_from(sent, write_size));
    const auto got = ring.read(target);
    const auto expected = counting_from(received, got);
    REQUIRE(std::equal(expected.begin(), expected.end(), target.begin()));
    received += got;
    REQUIRE(ring.written() == sent);
    REQUIRE(ring.consumed() == received);
    REQUIRE(ring.readable() == sent - received);
    REQUIRE(ring.writable() == 8 - (sent - received));
  }
  REQUIRE(received > 100);
}

TEST_CASE("FrameRing: discard drops the oldest samples and no more than there are", "[ring]") {
  FrameRing ring(8);
  ring.write(counting_from(0, 6));
  REQUIRE(ring.discard(4) == 4);
  std::vector<float> target(1);
  REQUIRE(ring.read(target) == 1);
  REQUIRE(target[0] == 4.0f);
  REQUIRE(ring.discard(9) == 1);
  REQUIRE(ring.writable() == 8);
}

TEST_CASE("FrameRing: resize empties the ring", "[ring]") {
  FrameRing ring(4);
  ring.write(counting_from(0, 4));
  ring.resize(2);
  REQUIRE(ring.capacity() == 2);
  REQUIRE(ring.readable() == 0);
  REQUIRE(ring.writable() == 2);
}

TEST_CASE("FrameRing: between two threads nothing is lost, repeated or reordered", "[ring][threads]") {
  constexpr std::size_t kTotal = 2'000'000;  // below 2^24: every count is exact as a float
  FrameRing ring(64);
  std::thread producer([&] {
    std::vector<float> block(37);
    std::size_t sent = 0;
    for (std::size_t size = 1; sent < kTotal; size = size % 37 + 1) {
      const auto count = std::min(size, kTotal - sent);
      std::iota(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count), static_cast<float>(sent));
      const auto took = ring.write(std::span(block).first(count));
      if (took == 0) std::this_thread::yield();
      sent += took;
    }
  });
  std::size_t received = 0;
  std::size_t discarded = 0;
  std::size_t wrong = 0;
  double checksum = 0.0;
  std::vector<float> block(53);
  for (std::size_t size = 1; received + discarded < kTotal; size = size % 53 + 1) {
    if (size == 11) discarded += ring.discard(3);
    const auto got = ring.read(std::span(block).first(size));
    if (got == 0) std::this_thread::yield();
    for (std::size_t i = 0; i < got; ++i) {
      wrong += block[i] != static_cast<float>(received + discarded + i);
      checksum += block[i];
    }
    received += got;
  }
  producer.join();
  REQUIRE(wrong == 0);
  REQUIRE(received + discarded == kTotal);
  REQUIRE(discarded > 0);
  REQUIRE(checksum > 0.0);
  REQUIRE(ring.readable() == 0);
}

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <thread>

#include "allocation_counter.hpp"
#include "novasr/errors.hpp"
#include "novasr/worker_engine.hpp"
#include "stream_player.hpp"
#include "test_engines.hpp"

using namespace novasr;
using namespace novasr::test;

namespace {

std::unique_ptr<StreamingEngine> inverter(std::size_t latency_frames = 36) {
  return std::make_unique<InvertingInterpolator>(latency_frames);
}

WorkerOptions offline_options(std::size_t hop, std::size_t headroom) {
  static const std::atomic<bool> offline{true};
  return {.hop_frames = hop, .headroom_frames = headroom, .offline = &offline};
}

}  // namespace

TEST_CASE("WorkerEngine: the latency is the inner engine's, plus hop - 1, plus headroom", "[worker]") {
  WorkerEngine engine(inverter(36), {.hop_frames = 100, .headroom_frames = 50});
  engine.prepare({});
  REQUIRE(engine.latency_frames() == 36 + 3 * 99 + 3 * 50);
}

TEST_CASE("WorkerEngine: offline, the output equals the inner engine's for any block size", "[worker]") {
  const auto block = GENERATE(1u, 7u, 42u, 43u, 128u, 160u, 333u, 5000u);
  const auto channels = GENERATE(1u, 3u);
  WorkerEngine engine(inverter(), offline_options(160, 160));
  engine.prepare({.channels = channels, .max_block_frames = 5000});
  StreamPlayer player(engine, channels);
  player.play_in_blocks(block == 5000 ? 20'000 : 2'500, block);
  player.flush();
  REQUIRE(player.not_wet(0, player.position()) == 0);
  REQUIRE(engine.stats().underrun_frames == 0);
  REQUIRE(engine.stats().dropped_frames == 0);
}

TEST_CASE("WorkerEngine: offline, random blocks give the same output for every hop and headroom", "[worker]") {
  const auto hop = GENERATE(1u, 37u, 160u, 1024u);
  const auto headroom = GENERATE(1u, 160u);
  WorkerEngine engine(inverter(), offline_options(hop, headroom));
  engine.prepare({.channels = 2, .max_block_frames = 700});
  StreamPlayer player(engine, 2);
  std::mt19937 random(1);
  for (int i = 0; i < 20; ++i) player.play(random() % 701);
  player.flush();
  REQUIRE(player.not_wet(0, player.position()) == 0);
  REQUIRE(player.position() == 3 * player.frames_in() + engine.latency_frames());
}

TEST_CASE("WorkerEngine: an empty stream flushes to silence", "[worker]") {
  WorkerEngine engine(inverter(), {});
  engine.prepare({});
  StreamPlayer player(engine, 1);
  player.play(0);
  player.flush();
  REQUIRE(player.position() == engine.latency_frames());
  REQUIRE(player.not_wet(0, player.position()) == 0);
}

TEST_CASE("WorkerEngine: after a reset the next block is the first of a fresh stream", "[worker]") {
  const bool flush_before = GENERATE(false, true);
  WorkerEngine engine(inverter(), offline_options(160, 160));
  engine.prepare({.channels = 2});
  StreamPlayer player(engine, 2);
  for (int stream = 0; stream < 5; ++stream) {
    player.play_in_blocks(1'000, 43);
    if (flush_before) player.flush();
    player.reset();
  }
  player.play_in_blocks(1'000, 43);
  player.flush();
  REQUIRE(player.not_wet(0, player.position()) == 0);
}

TEST_CASE("WorkerEngine: a reset at any moment lets no stale output through", "[worker]") {
  constexpr std::size_t kHop = 4;
  constexpr std::size_t kSilentFrames = kHop - 1 + 16;  // start of the stream: output without the worker
  std::atomic<bool> offline{false};
  WorkerEngine engine(inverter(), {.hop_frames = kHop, .headroom_frames = 16, .offline = &offline});
  engine.prepare({});
  StreamPlayer player(engine, 1);
  for (std::size_t stream = 0; stream < 3'000; ++stream) {
    offline = false;
    player.play_in_blocks(stream % (kSilentFrames + 1), 1 + stream % 5, true);
    if (stream % 3 == 0) {  // played to its end; the others are abandoned
      offline = true;
      player.play_in_blocks(2 * kSilentFrames, 7);
      player.flush();
    }
    REQUIRE(player.not_wet(0, player.position()) == 0);
    REQUIRE(engine.stats().underrun_frames == 0);
    player.reset();
  }
}

TEST_CASE("WorkerEngine: prepare may change the channel count and starts a fresh stream", "[worker]") {
  WorkerEngine engine(inverter(), offline_options(160, 160));
  for (const std::size_t channels : {2u, 1u, 4u}) {
    engine.prepare({.channels = channels});
    StreamPlayer player(engine, channels);
    player.play_in_blocks(700, 100);
    REQUIRE(player.not_wet(0, player.position()) == 0);
  }
}

TEST_CASE("WorkerEngine: invalid settings are rejected, with the value in the message", "[worker]") {
  REQUIRE_THROWS_AS(WorkerEngine(nullptr, {}), ConfigError);
  REQUIRE_THROWS_WITH(WorkerEngine(inverter(), {.hop_frames = 0}), Catch::Contains("hop_frames is 0"));
  REQUIRE_THROWS_WITH(WorkerEngine(inverter(), {.headroom_frames = 0}), Catch::Contains("headroom_frames is 0"));
  REQUIRE_THROWS_WITH(WorkerEngine(inverter(), {.hop_frames = 65'537}), Catch::Contains("65537"));
  WorkerEngine engine(inverter(), {});
  REQUIRE_THROWS_WITH(engine.prepare({.channels = 0}), Catch::Contains("channels is 0"));
  REQUIRE_THROWS_WITH(engine.prepare({.max_block_frames = 0}), Catch::Contains("max_block_frames is 0"));
}

TEST_CASE("WorkerEngine: on_thread_start runs on the worker thread", "[worker]") {
  std::atomic<std::thread::id> seen{};
  const std::atomic<bool> offline{true};
  WorkerEngine engine(inverter(), {.offline = &offline, .on_thread_start = [&] { seen = std::this_thread::get_id(); }});
  engine.prepare({});
  StreamPlayer player(engine, 1);
  player.play(1'000);
  REQUIRE(seen.load() != std::thread::id{});
  REQUIRE(seen.load() != std::this_thread::get_id());
}

TEST_CASE("WorkerEngine: failures of the inner engine are counted since the last reset", "[worker]") {
  struct Failing final : InvertingInterpolator {
    void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override {
      InvertingInterpolator::process(in, out);
      failed.fetch_add(1);
    }
    void reset() NOVASR_RT override {
      InvertingInterpolator::reset();
      failed = 0;
    }
    [[nodiscard]] EngineStats stats() const NOVASR_RT override { return {.failed_blocks = failed.load()}; }
    std::atomic<std::uint64_t> failed{0};
  };
  WorkerEngine engine(std::make_unique<Failing>(), offline_options(160, 160));
  engine.prepare({});
  StreamPlayer player(engine, 1);
  player.play(800);
  player.flush();
  REQUIRE(engine.stats().failed_blocks == 5);
  player.reset();
  REQUIRE(engine.stats().failed_blocks == 0);
  player.play(320);
  player.flush();
  REQUIRE(engine.stats().failed_blocks == 2);
}

TEST_CASE("WorkerEngine: process and reset never allocate", "[worker]") {
  void* volatile escaped = nullptr;
  REQUIRE(allocations_in([&] { escaped = ::operator new(8); }) == 1);  // control: the counter counts
  ::operator delete(escaped);
  if (counts_malloc()) {
    REQUIRE(allocations_in([&] { escaped = std::malloc(8); }) == 1);
    std::free(escaped);
  }

  Gate gate;  // the worker allocates, and stalls: both paths are taken
  WorkerEngine engine(std::make_unique<GatedInterpolator>(gate), {});
  engine.prepare({.channels = 2});
  auto in = Audio::noise(2, 43);
  Audio out(2, 129);
  const auto in_view = in.view();
  const auto out_view = out.view();
  std::uint64_t allocations = 0;
  for (int i = 0; i < 2'000; ++i) {
    if (i == 50) gate.allow(gate.entered());
    allocations += allocations_in([&] {
      const RealtimeScope scope;
      engine.process(in_view, out_view);
      if (i % 1'990 == 1'989) engine.reset();
    });
  }
  gate.allow(Gate::kAlways);
  REQUIRE(allocations == 0);
}

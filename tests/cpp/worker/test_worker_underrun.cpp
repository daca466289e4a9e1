#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <memory>
#include <random>
#include <thread>

#include "novasr/worker_engine.hpp"
#include "stream_player.hpp"
#include "test_engines.hpp"
#include "worker/dry_fallback.hpp"

using namespace novasr;
using namespace novasr::test;

namespace {

constexpr std::size_t kHop = 160;
constexpr std::size_t kPrimed = 3 * (kHop - 1 + 160);
constexpr std::size_t kLatency = kPrimed + 36;
constexpr std::size_t kFade = 48'000 / DryFallback::kFadesPerSecond;

/// A WorkerEngine whose worker the test stalls and releases through a gate.
struct Stage {
  explicit Stage(std::size_t channel_count = 1) : channels(channel_count), player(engine, channel_count) {
    engine.prepare({.channels = channels});
  }
  ~Stage() { gate.allow(Gate::kAlways); }

  /// Plays `hops` hops offline, then stalls the worker: all hops but the last are computed, kHop - 1 frames are ready.
  void play_then_stall(std::size_t hops) {
    gate.allow(gate.entered() + hops - 1);
    const auto stalled_at = gate.entered() + hops;
    offline = true;
    player.play_in_blocks(hops * kHop, 43);
    offline = false;
    gate.wait_until_entered(stalled_at);
  }

  void recover() {
    gate.allow(Gate::kAlways);
    offline = true;
  }

  /// No frame is lost or repeated between `from` and the end of the flush.
  void require_wet_from(std::uint64_t from) {
    player.flush();
    REQUIRE(player.position() == 3 * player.frames_in() + kLatency);
    REQUIRE(player.not_wet(from, player.position()) == 0);
    REQUIRE(engine.stats().dropped_frames == engine.stats().underrun_frames);
  }

  Gate gate;
  std::size_t channels;
  std::atomic<bool> offline{false};
  WorkerEngine engine{std::make_unique<GatedInterpolator>(gate), {.offline = &offline}};
  StreamPlayer player;
};

}  // namespace

TEST_CASE("WorkerEngine: a stall outputs aligned dry audio, counts it, and recovers in alignment",
          "[worker][underrun]") {
  Stage stage(2);
  auto& player = stage.player;
  stage.play_then_stall(11);
  const auto dry_from = player.position() + 3 * (kHop - 1);  // the frames that were ready
  player.play_in_blocks(20 * 43, 43, true);
  const auto stats = stage.engine.stats();
  REQUIRE(stats.underrun_frames == player.position() - dry_from);
  REQUIRE(stats.underrun_blocks == 17);  // 159 frames are ready: blocks 1 to 3 are whole, block 4 lacks 13
  REQUIRE(stats.dropped_frames == 0);
  REQUIRE(player.not_wet(0, dry_from) == 0);
  REQUIRE(player.not_dry(dry_from + kFade, player.position()) == 0);

  const auto wet_from = player.position();
  stage.recover();
  player.play_in_blocks(3 * kHop, 43);
  REQUIRE(stage.engine.stats().underrun_frames == stats.underrun_frames);
  REQUIRE(stage.engine.stats().underrun_blocks == stats.underrun_blocks);
  REQUIRE(stage.engine.stats().dropped_frames == stats.underrun_frames);
  stage.require_wet_from(wet_from + kFade);
}

TEST_CASE("WorkerEngine: dry audio starts without a step, and wet audio fades back in", "[worker][underrun]") {
  Stage stage;
  auto& player = stage.player;
  stage.play_then_stall(11);
  const auto dry_from = player.position() + 3 * (kHop - 1);
  player.play_in_blocks(400, 43, true);
  const auto wet_from = player.position();
  stage.recover();
  player.play(200);

  const auto& heard = player.heard(0);
  const auto step = heard[dry_from - 1] - player.dry_at(dry_from - 1, 0);
  REQUIRE(std::abs(step) > 0.01f);
  for (std::size_t i = 0; i < kFade; ++i) {
    const auto faded = static_cast<float>(i + 1) / static_cast<float>(kFade);
    REQUIRE(heard[dry_from + i] == Approx(player.dry_at(dry_from + i, 0) + step * (1.0f - faded)).margin(1e-6));
    const auto dry = player.dry_at(wet_from + i, 0);
    REQUIRE(heard[wet_from + i] == Approx((1.0f - faded) * dry - faded * dry).margin(1e-6));
  }
}

TEST_CASE("WorkerEngine: random stalls match a frame-by-frame model", "[worker][underrun]") {
  Stage stage;
  auto& player = stage.player;
  stage.play_then_stall(11);
  auto computed = stage.gate.entered() - 1;
  std::mt19937 random(GENERATE(1u, 2u, 3u));
  std::uint64_t blocks = 0;
  std::uint64_t dry_frames = 0;
  std::uint64_t dropped = 0;
  std::vector<bool> was_dry(player.position(), false);
  for (int step = 0; step < 400; ++step) {
    const auto whole = player.frames_in() / kHop;
    if (whole > computed + 1 && random() % 4 == 0) {  // the hop that waits at the gate must exist
      computed += 1 + random() % (whole - computed - 1);
      stage.gate.allow(computed);
      stage.gate.wait_until_entered(computed + 1);
    }
    const auto available = kPrimed + 3 * kHop * computed;  // wet frames since the stream began
    const auto from = player.position();
    player.play(1 + random() % 80, true);
    std::uint64_t dry_now = 0;
    for (auto at = from; at < player.position(); ++at) {
      was_dry.push_back(at >= available);
      dry_now += at >= available;
    }
    blocks += dry_now > 0;
    dry_frames += dry_now;
    dropped = static_cast<std::uint64_t>(
        std::count(was_dry.begin(),
                   was_dry.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(available, from)), true));
    REQUIRE(stage.engine.stats().underrun_blocks == blocks);
    REQUIRE(stage.engine.stats().underrun_frames == dry_frames);
    REQUIRE(stage.engine.stats().dropped_frames == dropped);
  }
  std::size_t since_change = kFade;
  std::size_t wrong = 0;
  std::size_t checked = 0;
  for (std::uint64_t at = 1; at < player.position(); ++at) {
    since_change = was_dry[at] == was_dry[at - 1] ? since_change + 1 : 0;
    if (since_change < kFade) continue;
    wrong += was_dry[at] ? player.not_dry(at, at + 1) : player.not_wet(at, at + 1);
    ++checked;
  }
  REQUIRE(wrong == 0);
  REQUIRE(checked > 5'000);
  stage.recover();
  const auto recovered_from = player.position();
  player.play_in_blocks(500, 43);
  stage.require_wet_from(recovered_from + kFade);
}

TEST_CASE("WorkerEngine: a stall longer than the input ring keeps the alignment", "[worker][underrun]") {
  Stage stage(2);
  auto& player = stage.player;
  for (std::uint64_t stall = 0; stall < 2; ++stall) {
    const auto underrun_before = stage.engine.stats().underrun_frames;
    stage.play_then_stall(12);
    const auto dry_from = player.position() + 3 * (kHop - 1);
    player.play_in_blocks(6 * 16'000, 43, true);
    REQUIRE(stage.engine.stats().underrun_frames == underrun_before + player.position() - dry_from);
    REQUIRE(player.not_dry(dry_from + kFade, player.position()) == 0);

    const auto rejoined = player.position();
    stage.recover();
    player.play_in_blocks(12 * kHop, 43);
    stage.gate.wait_until_entered(24 * (stall + 1));  // 12 before the stall, and 12 from the rejoining block on
    const auto wet_from = rejoined + kLatency;        // the inner engine restarted
    REQUIRE(player.not_dry(rejoined, wet_from) == 0);
    REQUIRE(player.not_wet(wet_from + kFade, player.position()) == 0);
    REQUIRE(stage.engine.stats().underrun_frames == underrun_before + wet_from - dry_from);
    REQUIRE(stage.engine.stats().dropped_frames == stage.engine.stats().underrun_frames);
  }
  stage.require_wet_from(player.position());
}

TEST_CASE("WorkerEngine: going offline with a long backlog of input waits for the worker", "[worker][underrun]") {
  Stage stage;
  stage.play_then_stall(11);
  stage.player.play_in_blocks(64'000, 4'000, true);  // leaves no room for the next block
  const auto wet_from = stage.player.position();
  stage.recover();
  stage.player.play_in_blocks(20'000, 4'096);
  stage.require_wet_from(wet_from + kFade);
}

TEST_CASE("WorkerEngine: a reset during a stall starts a fresh stream immediately", "[worker][underrun]") {
  const auto stalled_frames = GENERATE(0u, 700u, 50'000u, 90'000u);  // the last overflows the input ring
  Stage stage(2);
  auto& player = stage.player;
  stage.play_then_stall(11);
  player.play_in_blocks(stalled_frames, 43, true);
  player.reset();
  REQUIRE(stage.engine.stats().underrun_frames == 0);

  player.play_in_blocks(1'000, 43, true);     // the worker is still stalled
  REQUIRE(player.not_wet(0, kLatency) == 0);  // silence, no stale output
  REQUIRE(player.not_dry(kLatency + kFade, player.position()) == 0);
  const auto rejoined = player.position();
  stage.recover();
  player.play_in_blocks(1'000, 43);
  stage.require_wet_from(rejoined + kLatency + kFade);
}

TEST_CASE("WorkerEngine: after resets during a stall, stale input may even overflow the ring", "[worker][underrun]") {
  Stage stage;
  auto& player = stage.player;
  stage.play_then_stall(11);
  for (int stream = 0; stream < 4; ++stream) {
    player.play_in_blocks(30'000, 1'000, true);
    player.reset();
  }
  player.play_in_blocks(3'000, 100, true);
  REQUIRE(player.not_dry(kLatency + kFade, player.position()) == 0);
  const auto rejoined = player.position();
  stage.recover();
  player.play_in_blocks(2'000, 43);
  stage.require_wet_from(rejoined + kLatency + kFade);
}

TEST_CASE("WorkerEngine: flush waits for a stalled worker and ends in alignment", "[worker][underrun]") {
  Stage stage;
  auto& player = stage.player;
  stage.play_then_stall(11);
  player.play_in_blocks(777, 43, true);
  const auto wet_from = player.position();
  std::thread opener([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stage.gate.allow(Gate::kAlways);
  });
  stage.require_wet_from(wet_from + kFade);
  opener.join();
}

TEST_CASE("WorkerEngine: flush after lost input is dry and does not wait", "[worker][underrun]") {
  Stage stage;
  auto& player = stage.player;
  stage.play_then_stall(11);
  player.play_in_blocks(90'000, 43, true);
  const auto from = player.position();
  player.flush();
  REQUIRE(player.position() == 3 * player.frames_in() + kLatency);
  REQUIRE(player.not_dry(from, player.position()) == 0);
}

TEST_CASE("WorkerEngine: blocks longer than the headroom underrun but stay aligned", "[worker][underrun]") {
  Stage stage;
  auto& player = stage.player;
  stage.play_then_stall(11);
  stage.gate.allow(Gate::kAlways);
  player.play(10'000, true);
  REQUIRE(stage.engine.stats().underrun_blocks == 1);
  stage.recover();
  const auto wet_from = player.position();
  player.play(1'000);
  stage.require_wet_from(wet_from + kFade);
}

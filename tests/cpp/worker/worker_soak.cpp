// Runs a WorkerEngine at the pace of a real audio callback on a loaded machine, with a worker that stalls at random,
// and checks every counter and every frame outside a fade. Usage: worker_soak [seconds]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "novasr/worker_engine.hpp"
#include "signals.hpp"
#include "test_engines.hpp"
#include "worker/dry_fallback.hpp"

using namespace novasr;
using namespace novasr::test;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kFade = 48'000 / DryFallback::kFadesPerSecond;

constexpr std::size_t kChannels = 2;

/// Stalls about every 2 s: usually for up to 60 ms, occasionally for up to 6 s, which can overflow the ring.
class StallingInterpolator final : public InvertingInterpolator {
 public:
  StallingInterpolator(std::atomic<bool>& stalls_allowed, std::atomic<std::uint64_t>& stalls)
      : stalls_allowed_(stalls_allowed), stalls_(stalls) {}
  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override {
    if (stalls_allowed_.load(std::memory_order_relaxed) && random_() % 200 == 0) {
      stalls_.fetch_add(1, std::memory_order_relaxed);
      const auto longest_ms = random_() % 50 == 0 ? 6'000u : 60u;
      // It may block: it stands in for an engine that needs a worker.
      NOVASR_RT_UNCHECKED(std::this_thread::sleep_for(std::chrono::milliseconds(random_() % longest_ms));)
    }
    InvertingInterpolator::process(in, out);
  }

 private:
  std::atomic<bool>& stalls_allowed_;
  std::atomic<std::uint64_t>& stalls_;
  std::mt19937 random_{7};
};

/// Compares the output with what is expected. A call is all wet, all dry or mixed; where a mixed one switches is not
/// reported, so all of it counts as a fade.
struct Account {
  std::uint64_t frames_in = 0;
  std::uint64_t position = 0;
  std::uint64_t wet_settled = 0;  // wet frames are exact from here on
  std::uint64_t dry_settled = 0;  // dry frames are exact from here on
  std::uint64_t wet = 0, dry = 0, fading = 0, wrong = 0;

  void check(const Audio& out, std::size_t late, std::size_t latency) {
    const bool all_wet = late == 0;
    const bool all_dry = late == out.frames();
    for (std::size_t i = 0; i < out.frames(); ++i, ++position) {
      if ((!all_wet && !all_dry) || position < (all_wet ? wet_settled : dry_settled)) {
        ++fading;
      } else if (!is_exact(out, i, all_wet ? -1.0f : 1.0f, latency)) {
        ++wrong;
      } else {
        ++(all_wet ? wet : dry);
      }
    }
    if (!all_wet) wet_settled = position + kFade;
    if (!all_dry) dry_settled = position + kFade;
  }

  [[nodiscard]] bool is_exact(const Audio& out, std::size_t i, float sign, std::size_t latency) const {
    for (std::size_t c = 0; c < kChannels; ++c) {
      const auto frame = [&](std::uint64_t n) { return noise_at(n, c); };
      const auto dry_sample = position < latency ? 0.0f : interpolate(frame, frames_in, position - latency);
      if (out[c][i] != sign * dry_sample) return false;
    }
    return true;
  }
};

void burn(const std::atomic<bool>& stop) {
  volatile double x = 1.0;
  while (!stop.load(std::memory_order_relaxed)) x = x * 1.0000001 + 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  const auto seconds = argc > 1 ? std::stoi(argv[1]) : 10;
  std::atomic<bool> stalls_allowed{true};
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> stalls{0};
  std::atomic<bool> offline{false};
  WorkerEngine engine(std::make_unique<StallingInterpolator>(stalls_allowed, stalls), {.offline = &offline});
  engine.prepare({.channels = kChannels, .max_block_frames = 43});
  std::vector<std::thread> burners;
  for (unsigned i = 0; i < std::max(2u, std::thread::hardware_concurrency()); ++i)
    burners.emplace_back(burn, std::cref(stop));

  Account account;
  std::uint64_t calls = 0;
  std::uint64_t late_blocks = 0;
  EngineStats before;
  const auto start = Clock::now();
  const auto blocks = static_cast<std::uint64_t>(seconds) * 375;  // of 128 frames at 48 kHz
  const auto play = [&](std::size_t frames) {
    auto in = Audio::noise(kChannels, frames, account.frames_in);
    Audio out(kChannels, 3 * frames);
    engine.process(in.view(), out.view());
    account.frames_in += frames;
    const auto now = engine.stats();
    const auto late = static_cast<std::size_t>(now.underrun_frames - before.underrun_frames);
    late_blocks += late > 0;
    account.check(out, late, engine.latency_frames());
    before = now;
    ++calls;
  };
  for (std::uint64_t block = 0; block < blocks; ++block) {
    play(static_cast<std::size_t>((block + 1) * 128 / 3 - block * 128 / 3));
    std::this_thread::sleep_until(start + std::chrono::nanoseconds((block + 1) * 128 * 1'000'000'000 / 48'000));
  }
  stalls_allowed = false;
  offline = true;  // no underruns from here on
  for (int i = 0; i < 100; ++i) play(43);
  stop = true;
  for (auto& burner : burners) burner.join();

  const auto stats = engine.stats();
  const bool counted = stats.underrun_frames == stats.dropped_frames && stats.underrun_blocks == late_blocks;
  const bool ok = account.wrong == 0 && counted && account.wet > 0;
  std::printf(
      "worker_soak: %s: %d s, %llu blocks, %llu stalls; frames: %llu wet, %llu dry, %llu in or near a fade, %llu "
      "wrong; "
      "underruns: %llu blocks, %llu frames, %llu dropped\n",
      ok ? "ok" : "FAILED", seconds, static_cast<unsigned long long>(calls), static_cast<unsigned long long>(stalls),
      static_cast<unsigned long long>(account.wet), static_cast<unsigned long long>(account.dry),
      static_cast<unsigned long long>(account.fading), static_cast<unsigned long long>(account.wrong),
      static_cast<unsigned long long>(stats.underrun_blocks), static_cast<unsigned long long>(stats.underrun_frames),
      static_cast<unsigned long long>(stats.dropped_frames));
  return ok ? 0 : 1;
}

// Speed of NativeEngine: whole files and streaming blocks, for each instruction set.
//
//   native_bench [--json] [--isa NAME] [--seconds S]    S: time per figure, default 1
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "families/novasr/native_engine.hpp"
#include "families/novasr/weights.hpp"
#include "machine.hpp"
#include "novasr/model.hpp"

using namespace novasr;
using namespace novasr::bench;

namespace {

constexpr std::size_t kSignalFrames = 16'000;  ///< one second, repeated
constexpr std::size_t kFileBlock = 4096;
constexpr std::size_t kBlocks[] = {8, 16, 32, 64, 160, 320};  ///< 0.5, 1, 2, 4, 10, 20 ms
constexpr std::size_t kEvictedBytes = 64u << 20;              ///< more than any cache

/// Multiply-adds per 48 kHz sample: conv_pre 75, activations 768 and 832, output filter 544, residual 11, and 1024 per
/// product and sample in the convolution: 72 products for 39 samples offline, 27 for 9 streaming.
constexpr double kMultiplyAdds[] = {2230 + 1024.0 * 27 / 9, 2230 + 1024.0 * 72 / 39};

enum class Condition { warm, cold, paced };
constexpr const char* kConditionNames[] = {"warm", "cold", "paced"};

struct FileResult {
  Isa isa;
  Tile tile;
  double real_time, cycles_per_sample, peak_share;
};

struct BlockResult {
  Isa isa;
  Condition condition;
  std::size_t frames, n;       ///< block size; number of blocks
  double p50, p99, p999, max;  ///< microseconds
};

struct Options {
  bool json = false;
  double seconds = 1.0;
  std::optional<std::string> isa;
};

constexpr std::uint32_t kInputHz = 16'000, kOutputHz = 48'000;

double milliseconds(std::size_t frames) {
  return static_cast<double>(frames) * 1e3 / kInputHz;
}

std::shared_ptr<const ModelWeights> default_weights() {
  static const auto weights =
      std::make_shared<const ModelWeights>(ModelWeights::from_values(default_model()->values()));
  return weights;
}

std::vector<float> make_signal() {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal(0.0f, 0.1f);
  std::vector<float> signal(kSignalFrames);
  std::ranges::generate(signal, [&] { return normal(generator); });
  return signal;
}

/// Runs process() on successive blocks of a repeating signal.
class Player {
 public:
  Player(const std::vector<float>& signal, Tile tile, Isa isa, std::size_t frames)
      : signal_(signal), engine_(default_weights(), tile, isa), frames_(frames), output_(3 * frames) {
    engine_.prepare({.channels = 1, .max_block_frames = frames});
  }
  void play() {
    if (position_ + frames_ > signal_.size()) position_ = 0;
    const float* in[] = {signal_.data() + position_};
    float* out[] = {output_.data()};
    engine_.process(AudioView<const float>(in, 1, frames_), AudioView<float>(out, 1, 3 * frames_));
    position_ += frames_;
  }
  [[nodiscard]] double timed_play() {
    const auto start = Clock::now();
    play();
    return seconds_since(start);
  }

 private:
  const std::vector<float>& signal_;
  NativeEngine engine_;
  std::size_t frames_, position_ = 0;
  std::vector<float> output_;
};

FileResult measure_file(const std::vector<float>& signal, Isa isa, Tile tile, const Options& options) {
  Player player(signal, tile, isa, kFileBlock);
  std::vector<double> seconds;
  const double hz = clock_hz(), peak = peak_multiply_adds(isa);
  for (const auto start = Clock::now(); seconds_since(start) < options.seconds;) seconds.push_back(player.timed_play());
  std::ranges::sort(seconds);
  const double sample = seconds[seconds.size() / 2] / (3.0 * kFileBlock);
  const double wanted = kMultiplyAdds[tile == Tile::offline ? 1 : 0];
  return {isa, tile, 1.0 / (kOutputHz * sample), sample * hz, peak > 0.0 ? wanted / sample / peak : 0.0};
}

BlockResult measure_blocks(const std::vector<float>& signal, Isa isa, Condition condition, std::size_t frames,
                           const Options& options) {
  Player player(signal, Tile::streaming, isa, frames);
  std::vector<char> evicted(condition == Condition::cold ? kEvictedBytes : 0);
  std::vector<double> us;
  us.reserve(1 << 20);
  const auto start = Clock::now();
  auto due = start;
  while (seconds_since(start) < options.seconds && us.size() < us.capacity()) {
    for (std::size_t i = 0; i < evicted.size(); i += 64) ++evicted[i];
    if (condition == Condition::paced) {
      due += std::chrono::nanoseconds(1'000'000'000 / kInputHz * frames);
      std::this_thread::sleep_until(due);
    }
    us.push_back(1e6 * player.timed_play());
  }
  std::ranges::sort(us);
  const auto quantile = [&](double q) { return us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))]; };
  return {isa, condition, frames, us.size(), quantile(0.5), quantile(0.99), quantile(0.999), us.back()};
}

void print_table(const std::vector<FileResult>& files, const std::vector<BlockResult>& blocks) {
  std::printf("%s, %s\n\n%-9s %-10s %12s %14s %12s\n", cpu_name().c_str(), compiler_name().c_str(), "isa", "tile",
              "x real time", "cycles/sample", "% of peak");
  for (const auto& r : files) {
    std::printf("%-9s %-10s %12.1f %14.1f %12.1f\n", std::string(isa_name(r.isa)).c_str(),
                r.tile == Tile::offline ? "offline" : "streaming", r.real_time, r.cycles_per_sample,
                100.0 * r.peak_share);
  }
  std::printf("\n%-9s %-6s %9s %8s %9s %9s %9s %9s\n", "isa", "state", "block ms", "n", "p50 us", "p99", "p99.9",
              "max");
  for (const auto& r : blocks) {
    std::printf("%-9s %-6s %9.1f %8zu %9.2f %9.2f %9.2f %9.2f\n", std::string(isa_name(r.isa)).c_str(),
                kConditionNames[static_cast<int>(r.condition)], milliseconds(r.frames), r.n, r.p50, r.p99, r.p999,
                r.max);
  }
}

void print_json(const std::vector<FileResult>& files, const std::vector<BlockResult>& blocks) {
  std::printf("{\"cpu\": \"%s\", \"compiler\": \"%s\",\n \"files\": [", cpu_name().c_str(), compiler_name().c_str());
  const char* separator = "";
  for (const auto& r : files) {
    std::printf(
        "%s\n  {\"isa\": \"%s\", \"tile\": \"%s\", \"real_time\": %.2f, \"cycles_per_sample\": %.2f, "
        "\"peak_share\": %.4f}",
        separator, std::string(isa_name(r.isa)).c_str(), r.tile == Tile::offline ? "offline" : "streaming", r.real_time,
        r.cycles_per_sample, r.peak_share);
    separator = ",";
  }
  std::printf("],\n \"blocks\": [");
  separator = "";
  for (const auto& r : blocks) {
    std::printf(
        "%s\n  {\"isa\": \"%s\", \"state\": \"%s\", \"block_ms\": %.1f, \"n\": %zu, \"p50_us\": %.3f, \"p99_us\": "
        "%.3f, "
        "\"p999_us\": %.3f, \"max_us\": %.3f}",
        separator, std::string(isa_name(r.isa)).c_str(), kConditionNames[static_cast<int>(r.condition)],
        milliseconds(r.frames), r.n, r.p50, r.p99, r.p999, r.max);
    separator = ",";
  }
  std::printf("]}\n");
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      options.json = true;
    } else if (i + 1 < argc && std::strcmp(argv[i], "--isa") == 0) {
      options.isa = argv[++i];
    } else if (i + 1 < argc && std::strcmp(argv[i], "--seconds") == 0) {
      options.seconds = std::stod(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: native_bench [--json] [--isa NAME] [--seconds S]\n");
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const auto signal = make_signal();
  std::vector<FileResult> files;
  std::vector<BlockResult> blocks;
  for (const Isa isa : available_isas()) {
    if (options.isa && isa_name(isa) != *options.isa) continue;
    for (const Tile tile : {Tile::offline, Tile::streaming}) files.push_back(measure_file(signal, isa, tile, options));
    for (const Condition condition : {Condition::warm, Condition::cold, Condition::paced}) {
      // The cost of caches and scheduler depends on the machine: measured only with its best instruction set.
      if (condition != Condition::warm && isa != available_isas().back()) continue;
      for (const std::size_t frames : kBlocks) {
        blocks.push_back(measure_blocks(signal, isa, condition, frames, options));
      }
    }
  }
  options.json ? print_json(files, blocks) : print_table(files, blocks);
}

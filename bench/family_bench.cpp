// Speed of every family's engine as a stream, for each instruction set, and the cost relative to the default family in
// the same run.
//
//   family_bench [--seconds S]    S: time per figure, default 1
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "machine.hpp"
#include "novasr/model.hpp"

using namespace novasr;
using namespace novasr::bench;

namespace {

constexpr std::size_t kChannels[] = {1, 2};
constexpr double kBlockSeconds[] = {0.001, 256.0 / 48'000.0, 4096.0 / 48'000.0};
constexpr float kCutoffHz = 8'000.0f;  ///< for families that would find the noise to have a full band

std::shared_ptr<const Model> model_of(const ModelFamily& family) {
  if (!family.built_in.empty()) return read_model(std::as_bytes(family.built_in));
  std::mt19937 generator(1);
  std::normal_distribution<float> normal(0.0f, 0.05f);
  std::vector<float> values(family.value_count());
  std::ranges::generate(values, [&] { return normal(generator); });
  return family.make(std::move(values));
}

/// Seconds of computation for a second of noise at -20 dB: the median of parts of a tenth of a second, because an
/// engine may compute nothing in most of its blocks.
double cost(StreamingEngine& engine, std::size_t channels, double block_seconds, double seconds) {
  const std::uint32_t rate_hz = engine.format().input_hz;
  const auto frames = static_cast<std::size_t>(block_seconds * rate_hz);
  engine.prepare({.channels = channels, .max_block_frames = frames});
  std::mt19937 generator(1);
  std::normal_distribution<float> normal(0.0f, 0.1f);
  std::vector<std::vector<float>> inputs(channels, std::vector<float>(rate_hz)), outputs(channels);
  for (auto& input : inputs) std::ranges::generate(input, [&] { return normal(generator); });
  std::vector<const float*> in(channels);
  std::vector<float*> out(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    outputs[c].resize(frames * engine.format().ratio());
    out[c] = outputs[c].data();
  }
  std::vector<double> costs;
  std::size_t first = 0;
  for (const auto start = Clock::now(); seconds_since(start) < seconds;) {
    std::size_t played = 0;
    const auto before = Clock::now();
    for (; played < rate_hz / 10; played += frames, first += frames) {
      if (first + frames > rate_hz) first = 0;
      for (std::size_t c = 0; c < channels; ++c) in[c] = inputs[c].data() + first;
      engine.process(AudioView<const float>(in.data(), channels, frames),
                     AudioView<float>(out.data(), channels, outputs[0].size()));
    }
    costs.push_back(seconds_since(before) / static_cast<double>(played) * rate_hz);
  }
  std::ranges::sort(costs);
  return costs[costs.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc == 3 && std::strcmp(argv[1], "--seconds") == 0 ? std::stod(argv[2]) : 1.0;
  std::printf("%s, %s\n\n%-10s %-9s %8s %9s %12s %11s %8s\n", cpu_name().c_str(), compiler_name().c_str(), "family",
              "isa", "channels", "block ms", "x real time", "us/block", "cost");
  std::vector<std::shared_ptr<const Model>> models;
  for (const ModelFamily* family : model_families()) models.push_back(model_of(*family));
  for (const Isa isa : available_isas()) {
    for (const std::size_t channels : kChannels) {
      for (const double block : kBlockSeconds) {
        double first = 0.0;
        for (const auto& model : models) {
          const auto engine = model->make_engine({.isa = isa, .cutoff_hz = kCutoffHz});
          const double spent = cost(*engine, channels, block, seconds);
          if (first == 0.0) first = spent;
          std::printf("%-10s %-9s %8zu %9.2f %12.1f %11.1f %8.2f\n", std::string(model->family().name).c_str(),
                      std::string(isa_name(isa)).c_str(), channels, 1e3 * block, 1.0 / spent, 1e6 * spent * block,
                      spent / first);
        }
      }
    }
  }
}

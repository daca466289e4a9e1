// Speed of every family's engine as a stream, for each instruction set, and the cost relative to the default family in
// the same run; then whole processors at 48 kHz in blocks of 1 ms, each when it is due, as in a sound card's callback.
//
//   family_bench [--seconds S]    S: time per figure, default 1
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "machine.hpp"
#include "novasr/model.hpp"
#include "novasr/processor.hpp"

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

/// A processor at 48 kHz that plays blocks of 1 ms on time. Its input is noise up to 8 kHz.
class PacedProcessor {
 public:
  PacedProcessor(const Model& model, std::size_t channels)
      : processor_(model.make_engine({.cutoff_hz = kCutoffHz})), input_(2 * kRate), output_(channels) {
    processor_.prepare({.sample_rate_hz = kRate, .channels = channels, .max_block_frames = kBlock});
    std::mt19937 generator(1);
    std::normal_distribution<float> normal(0.0f, 0.1f);
    std::ranges::generate(input_, [&] { return normal(generator); });
    for (auto& channel : output_) {
      channel.resize(processor_.max_output_frames(kBlock));
      out_.push_back(channel.data());
    }
    in_.resize(channels);
  }
  void play(double seconds) {
    const auto start = Clock::now();
    auto due = start;
    while (seconds_since(start) < seconds) {
      due += std::chrono::milliseconds(1);
      std::this_thread::sleep_until(due);
      const auto before = Clock::now();
      process_block();
      us_.push_back(1e6 * seconds_since(before));
    }
  }
  [[nodiscard]] std::vector<double>& microseconds() { return us_; }

 private:
  static constexpr std::uint32_t kRate = 48'000;
  static constexpr std::size_t kBlock = kRate / 1000;
  static constexpr std::size_t kChannelOffset = 1'000;  ///< channels that are alike would be computed once

  void process_block() {
    for (std::size_t c = 0; c < in_.size(); ++c) in_[c] = input_.data() + position_ + c * kChannelOffset;
    processor_.process(AudioView<const float>(in_.data(), in_.size(), kBlock),
                       AudioView<float>(out_.data(), out_.size(), output_[0].size()));
    position_ = (position_ + kBlock) % kRate;
  }

  Processor processor_;
  std::vector<float> input_;
  std::vector<std::vector<float>> output_;
  std::vector<const float*> in_;
  std::vector<float*> out_;
  std::vector<double> us_;
  std::size_t position_ = 0;
};

void print_paced(const std::vector<std::shared_ptr<const Model>>& models, double seconds) {
  std::printf("\nprocessors at 48 kHz, blocks of 1 ms, paced\n%-10s %8s %8s %9s %9s %9s %9s %9s %7s\n", "family",
              "channels", "n", "mean us", "p50", "p99", "p99.9", "max", "cost");
  for (const std::size_t channels : kChannels) {
    std::vector<PacedProcessor> players;
    players.reserve(models.size());
    for (const auto& model : models) players.emplace_back(*model, channels);
    for (int turn = 0; turn < 5; ++turn) {  // in turn, so that all meet the same disturbances
      for (auto& player : players) player.play(seconds);
    }
    double first = 0.0;
    for (std::size_t i = 0; i < players.size(); ++i) {
      auto& us = players[i].microseconds();
      std::ranges::sort(us);
      const auto quantile = [&](double q) {
        return us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))];
      };
      const double mean = std::accumulate(us.begin(), us.end(), 0.0) / static_cast<double>(us.size());
      if (i == 0) first = mean;
      std::printf("%-10s %8zu %8zu %9.1f %9.1f %9.1f %9.1f %9.1f %7.2f\n",
                  std::string(models[i]->family().name).c_str(), channels, us.size(), mean, quantile(0.5),
                  quantile(0.99), quantile(0.999), us.back(), mean / first);
    }
  }
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
  print_paced(models, seconds);
}

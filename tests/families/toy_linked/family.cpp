// A model family that tests the interface: 48 kHz in and out, with latency, memory and linked channels: their common
// gain falls with the mean magnitude of the last frames of all channels.
#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "dsp/history.hpp"
#include "families/registry.hpp"

namespace novasr {
namespace {

constexpr std::size_t kLatency = 100;
constexpr std::size_t kMemory = 240;

constexpr std::size_t kStrengthShape[] = {1};
constexpr TensorSpec kTensors[] = {{"strength", kStrengthShape}};

constexpr EngineFormat kFormat{.input_hz = 48'000,
                               .output_hz = 48'000,
                               .memory_frames = kMemory + kLatency,
                               .edge_frames = kMemory,
                               .band_hz = 8'000.0,
                               .linked_channels = true};

class ToyEngine final : public StreamingEngine {
 public:
  explicit ToyEngine(float strength) : strength_(strength) {}

  [[nodiscard]] const EngineFormat& format() const NOVASR_RT override { return kFormat; }
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT override { return kLatency; }

  void prepare(const EngineSpec& spec) override {
    past_.resize(spec.channels);
    for (History& past : past_) past.prepare(kMemory + kLatency, std::max(spec.max_block_frames, kLatency));
    reset();
  }

  void reset() NOVASR_RT override {
    for (History& past : past_) past.reset();
    taken_ = 0;
  }

  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override {
    for (std::size_t c = 0; c < past_.size(); ++c) std::ranges::copy(in[c], past_[c].append(in.frames()).begin());
    render(out);
  }

  void flush(AudioView<float> out) noexcept override {
    for (History& past : past_) std::ranges::fill(past.append(kLatency), 0.0f);
    render(out);
  }

 private:
  /// Computes the outputs for the newest frames.
  void render(AudioView<float> out) NOVASR_RT {
    for (std::size_t i = 0; i < out.frames(); ++i) {
      const std::size_t behind = out.frames() - 1 - i;
      const float gain = gain_at(behind);
      for (std::size_t c = 0; c < past_.size(); ++c)
        out[c][i] =
            taken_ + i < kLatency ? 0.0f : gain * past_[c].end()[-1 - static_cast<std::ptrdiff_t>(behind + kLatency)];
    }
    taken_ += out.frames();
  }

  /// Summed from scratch for each frame: bit-identical for any block size.
  [[nodiscard]] float gain_at(std::size_t behind) const NOVASR_RT {
    float sum = 0.0f;
    for (const History& past : past_)
      for (const float sample : past.tap(behind + kLatency, kMemory)) sum += std::abs(sample);
    return 1.0f / (1.0f + strength_ * sum / static_cast<float>(kMemory * past_.size()));
  }

  float strength_;
  std::vector<History> past_;
  std::size_t taken_ = 0;
};

class ToyModel final : public Model {
 public:
  explicit ToyModel(std::vector<float> values) : Model(families::toy_linked, std::move(values)) {}
  [[nodiscard]] std::unique_ptr<StreamingEngine> make_engine(const EngineOptions&) const override {
    return std::make_unique<ToyEngine>(values()[0]);
  }
};

}  // namespace

constinit const ModelFamily families::toy_linked{
    .name = "toy_linked",
    .prefix = "",
    .tensors = kTensors,
    .built_in = {},
    .make = [](std::vector<float> values) -> std::shared_ptr<const Model> {
      return std::make_shared<const ToyModel>(std::move(values));
    },
};

}  // namespace novasr

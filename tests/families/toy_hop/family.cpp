// A model family that tests the interface: 8 kHz in, 24 kHz out, in hops of 80 input frames. A FIR filter of five taps,
// followed by linear interpolation.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "families/registry.hpp"

namespace novasr {
namespace {

constexpr std::size_t kTaps = 5;
constexpr std::size_t kHop = 80;
constexpr std::size_t kRatio = 3;
constexpr std::size_t kLine = kRatio;  // interpolation needs the next result
constexpr std::size_t kLatency = kRatio * (kHop - 1) + kLine;

constexpr std::size_t kTapsShape[] = {kTaps};
constexpr TensorSpec kTensors[] = {{"taps", kTapsShape}};

constexpr EngineFormat kFormat{.input_hz = 8'000,
                               .output_hz = 24'000,
                               .hop_frames = kHop,
                               .memory_frames = kTaps,
                               .edge_frames = kRatio * kTaps,
                               .band_hz = 4'000.0};

/// One channel: the input of an incomplete hop, and the pending output.
class Channel {
 public:
  void reset() NOVASR_RT {
    past_.fill(0.0f);
    last_ = 0.0f;
    waiting_ = 0;
    std::fill_n(ready_.begin(), kLatency, 0.0f);
    ready_count_ = kLatency;
    has_last_ = false;
  }

  void process(std::span<const float> taps, std::span<const float> in, std::span<float> out) NOVASR_RT {
    for (std::size_t i = 0; i < in.size(); ++i) {
      hop_[waiting_++] = in[i];
      if (waiting_ == kHop) compute(taps, kHop);
      emit(out.subspan(kRatio * i, kRatio));
    }
  }

  void flush(std::span<const float> taps, std::span<float> out) NOVASR_RT {
    compute(taps, waiting_);
    has_last_ ? append_line(0.0f) : append_zeros(kLine);
    const std::size_t count = std::min(out.size(), ready_count_);
    emit(out.first(count));
    std::ranges::fill(out.subspan(count), 0.0f);
  }

 private:
  void compute(std::span<const float> taps, std::size_t frames) NOVASR_RT {
    for (std::size_t i = 0; i < frames; ++i) {
      std::shift_left(past_.begin(), past_.end(), 1);
      past_.back() = hop_[i];
      float sum = 0.0f;
      for (std::size_t k = 0; k < kTaps; ++k) sum += taps[k] * past_[kTaps - 1 - k];
      if (has_last_) append_line(sum);
      last_ = sum;
      has_last_ = true;
    }
    waiting_ = 0;
  }

  void append_line(float next) NOVASR_RT {
    for (std::size_t k = 0; k < kRatio; ++k)
      ready_[ready_count_++] = last_ + static_cast<float>(k) / static_cast<float>(kRatio) * (next - last_);
  }

  void append_zeros(std::size_t count) NOVASR_RT {
    std::fill_n(ready_.begin() + static_cast<std::ptrdiff_t>(ready_count_), count, 0.0f);
    ready_count_ += count;
  }

  void emit(std::span<float> out) NOVASR_RT {
    std::copy_n(ready_.begin(), out.size(), out.begin());
    std::shift_left(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(ready_count_),
                    static_cast<std::ptrdiff_t>(out.size()));
    ready_count_ -= out.size();
  }

  std::array<float, kTaps> past_{};
  std::array<float, kHop> hop_{};
  std::array<float, kLatency + kRatio*(kHop + 1)> ready_{};
  std::size_t waiting_ = 0, ready_count_ = 0;
  float last_ = 0.0f;
  bool has_last_ = false;
};

class ToyEngine final : public StreamingEngine {
 public:
  explicit ToyEngine(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  [[nodiscard]] const EngineFormat& format() const NOVASR_RT override { return kFormat; }
  [[nodiscard]] std::size_t latency_frames() const NOVASR_RT override { return kLatency; }
  void prepare(const EngineSpec& spec) override {
    channels_.assign(spec.channels, {});
    reset();
  }
  void reset() NOVASR_RT override {
    for (Channel& channel : channels_) channel.reset();
  }
  void process(AudioView<const float> in, AudioView<float> out) NOVASR_RT override {
    for (std::size_t c = 0; c < channels_.size(); ++c) channels_[c].process(model_->values(), in[c], out[c]);
  }
  void flush(AudioView<float> out) noexcept override {
    for (std::size_t c = 0; c < channels_.size(); ++c) channels_[c].flush(model_->values(), out[c]);
  }

 private:
  std::shared_ptr<const Model> model_;
  std::vector<Channel> channels_;
};

class ToyModel final : public Model {
 public:
  explicit ToyModel(std::vector<float> values) : Model(families::toy_hop, std::move(values)) {}
  [[nodiscard]] std::unique_ptr<StreamingEngine> make_engine(const EngineOptions&) const override {
    return std::make_unique<ToyEngine>(shared_from_this());
  }
};

}  // namespace

constinit const ModelFamily families::toy_hop{
    .name = "toy_hop",
    .prefix = "",
    .tensors = kTensors,
    .built_in = {},
    .make = [](std::vector<float> values) -> std::shared_ptr<const Model> {
      return std::make_shared<const ToyModel>(std::move(values));
    },
};

}  // namespace novasr

#include "families/wide/layers.hpp"

#include <cassert>
#include <cmath>
#include <string>
#include <vector>

#include "families/wide/tensors.hpp"
#include "novasr/errors.hpp"

namespace novasr::wide {
namespace {

/// Gives the values tensor by tensor, in the order of kTensors.
class TensorReader {
 public:
  explicit TensorReader(std::span<const float> values) : rest_(values) {
    std::size_t wanted = 0;
    for (const TensorSpec& spec : kTensors) wanted += spec.size();
    if (values.size() != wanted)
      throw ModelError("there are " + std::to_string(values.size()) + " values; the network has " +
                       std::to_string(wanted));
  }

  std::span<const float> next() {
    const TensorSpec& spec = *next_++;
    const auto tensor = rest_.first(spec.size());
    rest_ = rest_.subspan(spec.size());
    for (std::size_t i = 0; i < tensor.size(); ++i)
      if (!std::isfinite(tensor[i]))
        throw ModelError(std::string(spec.name) + "[" + std::to_string(i) + "] is " + std::to_string(tensor[i]) +
                         "; every weight must be finite");
    return tensor;
  }

  /// The tensor that next() gave last.
  [[nodiscard]] std::string_view name() const { return next_[-1].name; }

 private:
  std::span<const float> rest_;
  const TensorSpec* next_ = kTensors.data();
};

/// Weight and bias of a norm, which follow each other.
struct Affine {
  std::vector<float> scale, shift;

  Affine(std::size_t size, float scale_of_all) : scale(size, scale_of_all), shift(size) {}
  explicit Affine(TensorReader& reader) {
    const auto weight = reader.next(), bias = reader.next();
    scale.assign(weight.begin(), weight.end());
    shift.assign(bias.begin(), bias.end());
  }
};

float folded(double value, std::string_view tensor) {
  const auto rounded = static_cast<float>(value);
  if (!std::isfinite(rounded))
    throw ModelError(std::string(tensor) + " times the scales beside it exceeds the range of float");
  return rounded;
}

/// layer(x) = output_scale (weight (input.scale x + input.shift) + bias)
template <std::size_t Inputs, std::size_t Outputs>
void pack(kernels::Dense<Inputs, Outputs>& layer, TensorReader& reader, const Affine& input,
          std::span<const float> output_scale) {
  const auto weight = reader.next();
  const std::string_view name = reader.name();
  const auto bias = reader.next();
  for (std::size_t o = 0; o < Outputs; ++o) {
    double constant = bias[o];
    for (std::size_t i = 0; i < Inputs; ++i) {
      const double w = weight[o * Inputs + i];
      layer.weight[o / kernels::kPanel][i][o % kernels::kPanel] = folded(w * input.scale[i] * output_scale[o], name);
      constant += w * input.shift[i];
    }
    layer.bias[o] = folded(constant * output_scale[o], name);
  }
}

void pack(kernels::Depthwise& layer, TensorReader& reader) {
  const auto weight = reader.next(), bias = reader.next();
  for (std::size_t c = 0; c < kChannels; ++c) {
    for (std::size_t k = 0; k < kTaps; ++k) layer.tap[k][c] = weight[c * kTaps + k];
    layer.bias[c] = bias[c];
  }
}

std::vector<float> ones(std::size_t count) {
  return std::vector<float>(count, 1.0f);
}

}  // namespace

std::unique_ptr<const Layers> Layers::from_values(std::span<const float> values) {
  TensorReader reader(values);
  auto layers = std::make_unique<Layers>();
  pack(layers->enter, reader, Affine(kFeatures, 1.0f), ones(kChannels));
  for (Block& block : layers->blocks) {
    const auto scale = reader.next();
    pack(block.depthwise, reader);
    const Affine norm(reader);
    pack(block.widen, reader, norm, ones(kHidden));
    pack(block.narrow, reader, Affine(kHidden, 1.0f), scale);
  }
  const Affine norm(reader);
  pack(layers->leave, reader, norm, ones(kGains));
  return layers;
}

void run_layers(const Layers& layers, const kernels::KernelTable& kernels, std::span<const LayerRow> rows,
                LayerRows& memory) NOVASR_RT {
  const std::size_t count = rows.size();
  assert(count <= kMaxRows);
  kernels.dense(layers.enter.view(), memory.features[0], kFeatureRow, count, memory.main[0], kChannelRow);
  for (std::size_t b = 0; b < kBlocks; ++b) {
    const Layers::Block& block = layers.blocks[b];
    for (std::size_t r = 0; r < count; ++r)
      kernels.depthwise(block.depthwise, rows[r].history->ring[b][0], rows[r].hop % kTaps, memory.main[r],
                        memory.normed[r]);
    kernels.dense(block.widen.view(), memory.normed[0], kChannelRow, count, memory.hidden[0], kHiddenRow);
    kernels.gelu(memory.hidden[0], count * kHiddenRow);
    kernels.dense_onto(block.narrow.view(), memory.hidden[0], kHiddenRow, count, memory.main[0], kChannelRow);
  }
  for (std::size_t r = 0; r < count; ++r) kernels.normalise(memory.main[r], memory.normed[r]);
  kernels.dense(layers.leave.view(), memory.normed[0], kChannelRow, count, memory.gains[0], kGainRow);
}

}  // namespace novasr::wide

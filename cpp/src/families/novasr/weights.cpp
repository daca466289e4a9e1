#include "families/novasr/weights.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "families/novasr/tensors.hpp"
#include "novasr/errors.hpp"

namespace novasr {
namespace {

/// Reads the values tensor by tensor, in the order of kTensors.
class TensorReader {
 public:
  explicit TensorReader(std::span<const float> values) : rest_(values) {}

  template <std::size_t Size>
  void read(std::array<float, Size>& tensor) {
    const std::string name(next_++->name);
    if (rest_.size() < Size) {
      throw ModelError("weights end within " + name + ": " + std::to_string(rest_.size()) + " of " +
                       std::to_string(Size) + " values left");
    }
    std::copy_n(rest_.begin(), Size, tensor.begin());
    rest_ = rest_.subspan(Size);
    const auto bad = std::find_if_not(tensor.begin(), tensor.end(), [](float x) { return std::isfinite(x); });
    if (bad != tensor.end()) {
      throw ModelError(name + "[" + std::to_string(bad - tensor.begin()) + "] is " + std::to_string(*bad) +
                       "; every weight must be finite");
    }
  }

  /// A filter that the kernels assume to be symmetric, up to rounding.
  void read_symmetric(std::array<float, network::kFilterTaps>& filter) {
    const std::string name(next_->name);
    read(filter);
    float peak = 0.0f;
    for (const float tap : filter) peak = std::max(peak, std::abs(tap));
    for (std::size_t k = 0; k < filter.size() / 2; ++k) {
      const float mirrored = filter[filter.size() - 1 - k];
      if (std::abs(filter[k] - mirrored) > 1e-6f * peak) {
        throw ModelError(name + " is not symmetric at tap " + std::to_string(k) + ": " + std::to_string(filter[k]) +
                         " and " + std::to_string(mirrored) + "; NovaSR's anti-aliasing filters are");
      }
    }
  }

  void expect_end() const {
    if (!rest_.empty()) {
      throw ModelError(std::to_string(rest_.size()) + " values too many after " + std::string(next_[-1].name));
    }
  }

 private:
  std::span<const float> rest_;
  const TensorSpec* next_ = std::begin(kTensors);
};

}  // namespace

ModelWeights ModelWeights::from_values(std::span<const float> values) {
  ModelWeights w{};
  TensorReader reader(values);
  reader.read(w.conv_pre_weight);
  reader.read(w.conv_pre_bias);
  reader.read(w.conv1_weight);
  reader.read(w.conv1_bias);
  reader.read(w.conv2_weight);
  reader.read(w.conv2_bias);
  for (Activation& activation : w.activations) {
    reader.read(activation.alpha);
    reader.read(activation.beta);
    reader.read_symmetric(activation.upsample_filter);
    reader.read_symmetric(activation.downsample_filter);
  }
  reader.read(w.conv_post_weight);
  reader.expect_end();
  return w;
}

}  // namespace novasr

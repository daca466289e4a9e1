#include "novasr/model_weights.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "novasr/errors.hpp"

namespace novasr {
namespace {

constexpr float kDefaultValues[] = {
#include "default_weights.inc"
};

static_assert(ModelWeights::kValueCount == 23'248);
static_assert(std::size(kDefaultValues) == ModelWeights::kValueCount);

/// Hands out the values tensor by tensor.
class TensorReader {
 public:
  explicit TensorReader(std::span<const float> values) : rest_(values) {}

  template <std::size_t Size>
  void read(const std::string& name, std::array<float, Size>& tensor) {
    if (rest_.size() < Size) {
      throw ModelError("weights end within " + name + ": " + std::to_string(rest_.size()) + " of " +
                       std::to_string(Size) + " values left; a checkpoint has " +
                       std::to_string(ModelWeights::kValueCount) + " in all");
    }
    std::copy_n(rest_.begin(), Size, tensor.begin());
    rest_ = rest_.subspan(Size);
    const auto bad = std::find_if_not(tensor.begin(), tensor.end(), [](float x) { return std::isfinite(x); });
    if (bad != tensor.end()) {
      throw ModelError(name + "[" + std::to_string(bad - tensor.begin()) + "] is " + std::to_string(*bad) +
                       "; every weight must be finite");
    }
  }

  /// A tensor that the kernels take to be its own mirror image, up to rounding.
  void read_symmetric(const std::string& name, std::array<float, 12>& filter) {
    read(name, filter);
    float peak = 0.0f;
    for (const float tap : filter) peak = std::max(peak, std::abs(tap));
    for (std::size_t k = 0; k < 6; ++k) {
      if (std::abs(filter[k] - filter[11 - k]) > 1e-6f * peak) {
        throw ModelError(name + " is not symmetric at tap " + std::to_string(k) + ": " + std::to_string(filter[k]) +
                         " and " + std::to_string(filter[11 - k]) + "; NovaSR's anti-aliasing filters are");
      }
    }
  }

  void expect_end() const {
    if (!rest_.empty()) {
      throw ModelError(std::to_string(rest_.size()) + " values too many after conv_post.weight; a checkpoint has " +
                       std::to_string(ModelWeights::kValueCount));
    }
  }

 private:
  std::span<const float> rest_;
};

}  // namespace

ModelWeights ModelWeights::from_values(std::span<const float> values) {
  ModelWeights w{};
  TensorReader reader(values);
  reader.read("conv_pre.weight", w.conv_pre_weight);
  reader.read("conv_pre.bias", w.conv_pre_bias);
  reader.read("convs1.weight", w.conv1_weight);
  reader.read("convs1.bias", w.conv1_bias);
  reader.read("convs2.weight", w.conv2_weight);
  reader.read("convs2.bias", w.conv2_bias);
  for (std::size_t i = 0; i < w.activations.size(); ++i) {
    const std::string name = "act" + std::to_string(i);
    reader.read(name + ".alpha", w.activations[i].alpha);
    reader.read(name + ".beta", w.activations[i].beta);
    reader.read_symmetric(name + ".upsample.filter", w.activations[i].upsample_filter);
    reader.read_symmetric(name + ".downsample.lowpass.filter", w.activations[i].downsample_filter);
  }
  reader.read("conv_post.weight", w.conv_post_weight);
  reader.expect_end();
  return w;
}

std::shared_ptr<const ModelWeights> default_weights() {
  static const auto weights = std::make_shared<const ModelWeights>(ModelWeights::from_values(kDefaultValues));
  return weights;
}

}  // namespace novasr

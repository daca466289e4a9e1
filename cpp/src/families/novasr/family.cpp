// The NovaSR network as a model family: https://huggingface.co/YatharthS/NovaSR.
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "families/novasr/native_engine.hpp"
#include "families/novasr/tensors.hpp"
#include "families/novasr/weights.hpp"
#include "families/registry.hpp"

namespace novasr {
namespace {

constexpr unsigned char kBuiltIn[] = {
#include "novasr_weights.inc"
};

class NovaSRModel final : public Model {
 public:
  explicit NovaSRModel(std::vector<float> values)
      : Model(families::novasr, std::move(values)), weights_(ModelWeights::from_values(this->values())) {}

  [[nodiscard]] std::unique_ptr<StreamingEngine> make_engine(const EngineOptions& options) const override {
    const std::shared_ptr<const ModelWeights> weights(shared_from_this(), &weights_);
    const Tile tile = options.offline ? Tile::offline : Tile::streaming;
    if (options.isa) return std::make_unique<NativeEngine>(weights, tile, *options.isa);
    return std::make_unique<NativeEngine>(weights, tile);
  }

 private:
  ModelWeights weights_;
};

std::shared_ptr<const Model> make(std::vector<float> values) {
  return std::make_shared<const NovaSRModel>(std::move(values));
}

}  // namespace

/// Upstream stores the network as the decoder of a larger model.
constinit const ModelFamily families::novasr{
    .name = "novasr",
    .prefix = "dec.",
    .tensors = kTensors,
    .built_in = kBuiltIn,
    .make = make,
};

}  // namespace novasr

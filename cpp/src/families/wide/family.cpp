// Band extension at 48 kHz as a model family.
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "families/registry.hpp"
#include "families/wide/kernels/table.hpp"
#include "families/wide/layers.hpp"
#include "families/wide/tensors.hpp"
#include "families/wide/wide_engine.hpp"
#include "simd/dispatch.hpp"

namespace novasr {
namespace {

#ifdef NOVASR_NO_WIDE_WEIGHTS
constexpr std::span<const unsigned char> kBuiltIn;
#else
constexpr unsigned char kBuiltIn[] = {
#  include "wide_weights.inc"
};
#endif

class WideModel final : public Model {
 public:
  explicit WideModel(std::vector<float> values)
      : Model(families::wide, std::move(values)), layers_(wide::Layers::from_values(this->values())) {}

  [[nodiscard]] std::unique_ptr<StreamingEngine> make_engine(const EngineOptions& options) const override {
    const auto& kernels = wide::kernels::table_for(options.isa.value_or(best_isa()));
    return std::make_unique<wide::WideEngine>(layers_, kernels, options.cutoff_hz);
  }

 private:
  std::shared_ptr<const wide::Layers> layers_;
};

std::shared_ptr<const Model> make(std::vector<float> values) {
  return std::make_shared<const WideModel>(std::move(values));
}

}  // namespace

constinit const ModelFamily families::wide{
    .name = "wide",
    .prefix = "",
    .tensors = wide::kTensors,
    .built_in = kBuiltIn,
    .make = make,
};

}  // namespace novasr

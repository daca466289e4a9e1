#pragma once
#include <memory>

#include "families/novasr/weights.hpp"
#include "novasr/model.hpp"

namespace novasr {

/// The weights of the default model; the same object at every call.
inline std::shared_ptr<const ModelWeights> default_weights() {
  static const auto weights =
      std::make_shared<const ModelWeights>(ModelWeights::from_values(default_model()->values()));
  return weights;
}

}  // namespace novasr

#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "novasr/engine.hpp"
#include "novasr/isa.hpp"

namespace novasr {

class Model;

/// A tensor of a model family, under its name in weights files.
struct TensorSpec {
  std::string_view name;
  std::span<const std::size_t> shape;

  /// Number of values.
  [[nodiscard]] std::size_t size() const noexcept;
};

/// One network architecture, as seen by the rest of the program.
struct ModelFamily {
  std::string_view name;                    ///< in the metadata of weights files and in plugin states
  std::string_view prefix;                  ///< optional prefix of tensor names in weights files
  std::span<const TensorSpec> tensors;      ///< in the order of Model::values()
  std::span<const unsigned char> built_in;  ///< weights built into the library, as a .safetensors file; may be empty

  /// [control] Makes a model from value_count() values. Throws ModelError, naming the tensor, if a value is invalid.
  std::shared_ptr<const Model> (*make)(std::vector<float> values);

  /// Total number of values of all tensors.
  [[nodiscard]] std::size_t value_count() const noexcept;
};

struct EngineOptions {
  bool offline = false;                 ///< higher latency but faster on large blocks, if the family has such a variant
  std::optional<Isa> isa = {};          ///< instruction set; by default the best available
  std::optional<float> cutoff_hz = {};  ///< upper band edge of the input; families that estimate it do so by default
};

/// Weights of one family. Immutable; engines of the same object share the folded weights.
class Model : public std::enable_shared_from_this<Model> {
 public:
  virtual ~Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  [[nodiscard]] const ModelFamily& family() const noexcept { return family_; }

  /// The weights, tensor by tensor.
  [[nodiscard]] std::span<const float> values() const noexcept { return values_; }

  /// [control] Makes an engine that runs inline on the audio thread. Throws ModelError if the folded weights exceed the
  /// range of float, ConfigError if the instruction set is not available.
  [[nodiscard]] virtual std::unique_ptr<StreamingEngine> make_engine(const EngineOptions& options = {}) const = 0;

 protected:
  Model(const ModelFamily& family, std::vector<float> values) : family_(family), values_(std::move(values)) {}

 private:
  const ModelFamily& family_;
  std::vector<float> values_;
};

/// [any] All families of this build, the default first.
[[nodiscard]] std::span<const ModelFamily* const> model_families() noexcept;

/// [control] The family with this name. Throws ModelError, listing the available names, if there is none.
[[nodiscard]] const ModelFamily& model_family(std::string_view name);

/// [control] Reads a weights file (https://github.com/huggingface/safetensors, "Format") with tensors of type F32, F16
/// or BF16. Its metadata may name the `family`; otherwise the first family whose tensors are all present is used.
/// Throws ModelError; its message describes the problem and is meant to follow the file name.
[[nodiscard]] std::shared_ptr<const Model> read_model(std::span<const std::byte> safetensors);

/// [control] The built-in model of a family; every call returns the same object, or null if the family has none.
[[nodiscard]] std::shared_ptr<const Model> built_in_model(const ModelFamily& family);

/// [control] The built-in model of the default family.
[[nodiscard]] std::shared_ptr<const Model> default_model();

}  // namespace novasr

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

/// A tensor of a model family, as its weights files name it.
struct TensorSpec {
  std::string_view name;
  std::span<const std::size_t> shape;

  /// Number of values.
  [[nodiscard]] std::size_t size() const noexcept;
};

/// One network architecture: all that the rest of the program has to know of it.
struct ModelFamily {
  std::string_view name;                ///< in the metadata of weights files and in plugin states
  std::string_view prefix;              ///< that some weights files put before each tensor's name
  std::span<const TensorSpec> tensors;  ///< in the order of Model::values()
  std::span<const unsigned char>
      built_in;  ///< weights that come with the library, as a .safetensors file; may be empty

  /// [control] Makes a model of value_count() values. Throws ModelError, naming the tensor, if one cannot be used.
  std::shared_ptr<const Model> (*make)(std::vector<float> values);

  /// Number of values of all tensors together.
  [[nodiscard]] std::size_t value_count() const noexcept;
};

struct EngineOptions {
  bool offline = false;         ///< longer latency for more speed on large blocks, where the family has such a form
  std::optional<Isa> isa = {};  ///< instruction set; by default the best available
};

/// Weights of one family. Immutable; engines of the same object share what they fold from it.
class Model : public std::enable_shared_from_this<Model> {
 public:
  virtual ~Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  [[nodiscard]] const ModelFamily& family() const noexcept { return family_; }

  /// The weights, tensor by tensor.
  [[nodiscard]] std::span<const float> values() const noexcept { return values_; }

  /// [control] An engine that runs inline on the audio thread. Throws ModelError if the weights leave the range of
  /// float once folded, ConfigError if the instruction set is not available.
  [[nodiscard]] virtual std::unique_ptr<StreamingEngine> make_engine(const EngineOptions& options = {}) const = 0;

 protected:
  Model(const ModelFamily& family, std::vector<float> values) : family_(family), values_(std::move(values)) {}

 private:
  const ModelFamily& family_;
  std::vector<float> values_;
};

/// [any] Every family of this build, the default one first.
[[nodiscard]] std::span<const ModelFamily* const> model_families() noexcept;

/// [control] The family of that name. Throws ModelError, naming those there are.
[[nodiscard]] const ModelFamily& model_family(std::string_view name);

/// [control] Reads a weights file (https://github.com/huggingface/safetensors, "Format") with tensors of type F32, F16
/// or BF16. Its metadata may name the `family`; without it the first family whose tensors are all there is taken.
/// Throws ModelError; its message says what is wrong with the file, and continues its name.
[[nodiscard]] std::shared_ptr<const Model> read_model(std::span<const std::byte> safetensors);

/// [control] The model that the library was built with; the same object at every call.
[[nodiscard]] std::shared_ptr<const Model> default_model();

}  // namespace novasr

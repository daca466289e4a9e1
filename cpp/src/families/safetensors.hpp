#pragma once
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace novasr {

/// A tensor in a file, which must outlive it.
struct Tensor {
  std::string type;  ///< F32, F16, BF16, ...
  std::vector<std::size_t> shape;
  std::span<const std::byte> data;
};

struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  std::map<std::string, Tensor> tensors;
};

/// [control] Reads a .safetensors file in memory (https://github.com/huggingface/safetensors, "Format").
/// Throws ModelError; its message says what is wrong with the file, and continues its name.
[[nodiscard]] SafetensorsFile parse_safetensors(std::span<const std::byte> file);

/// [control] The values of a tensor of type F32, F16 or BF16. Throws ModelError for other types.
[[nodiscard]] std::vector<float> to_floats(const Tensor& tensor);

}  // namespace novasr

#pragma once
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace novasr {

/// A tensor in a file; the file's memory must outlive it.
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
/// Throws ModelError; its message describes the problem and is meant to follow the file name.
[[nodiscard]] SafetensorsFile parse_safetensors(std::span<const std::byte> file);

/// [control] Converts a tensor of type F32, F16 or BF16. Throws ModelError for other types.
[[nodiscard]] std::vector<float> to_floats(const Tensor& tensor);

}  // namespace novasr

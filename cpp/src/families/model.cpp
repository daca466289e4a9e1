#include "novasr/model.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <utility>

#include "concurrency/mutex.hpp"
#include "families/registry.hpp"
#include "families/safetensors.hpp"
#include "novasr/errors.hpp"

namespace novasr {
namespace {

constexpr const ModelFamily* kFamilies[] = {
#define NOVASR_FAMILY(name) &families::name,
#include "families.inc"
#undef NOVASR_FAMILY
};

const Tensor* find_tensor(const SafetensorsFile& file, const ModelFamily& family, std::string_view name) {
  for (const std::string_view prefix : {std::string_view(), family.prefix}) {
    const auto found = file.tensors.find(std::string(prefix).append(name));
    if (found != file.tensors.end()) return &found->second;
  }
  return nullptr;
}

const TensorSpec* find_missing(const SafetensorsFile& file, const ModelFamily& family) {
  for (const TensorSpec& spec : family.tensors)
    if (find_tensor(file, family, spec.name) == nullptr) return &spec;
  return nullptr;
}

const ModelFamily& family_of(const SafetensorsFile& file) {
  if (const auto named = file.metadata.find("family"); named != file.metadata.end()) return model_family(named->second);
  for (const ModelFamily* family : kFamilies)
    if (find_missing(file, *family) == nullptr) return *family;
  return *kFamilies[0];
}

std::string no_checkpoint_of(const ModelFamily& family) {
  return "is not a checkpoint of the model family '" + std::string(family.name) + "': ";
}

std::string text(std::span<const std::size_t> shape) {
  std::string result;
  for (const std::size_t size : shape) result += (result.empty() ? "" : " x ") + std::to_string(size);
  return result;
}

}  // namespace

std::size_t TensorSpec::size() const noexcept {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

std::size_t ModelFamily::value_count() const noexcept {
  std::size_t count = 0;
  for (const TensorSpec& spec : tensors) count += spec.size();
  return count;
}

std::span<const ModelFamily* const> model_families() noexcept {
  return kFamilies;
}

const ModelFamily& model_family(std::string_view name) {
  std::string known;
  for (const ModelFamily* family : kFamilies) {
    if (family->name == name) return *family;
    known += (known.empty() ? "" : ", ") + std::string(family->name);
  }
  throw ModelError("needs the model family '" + std::string(name) + "', which this version does not have; it has " +
                   known);
}

std::shared_ptr<const Model> read_model(std::span<const std::byte> safetensors) {
  const SafetensorsFile file = parse_safetensors(safetensors);
  const ModelFamily& family = family_of(file);
  if (const TensorSpec* missing = find_missing(file, family))
    throw ModelError(no_checkpoint_of(family) + "it lacks " + std::string(missing->name));
  std::vector<float> values;
  values.reserve(family.value_count());
  for (const TensorSpec& spec : family.tensors) {
    const Tensor& tensor = *find_tensor(file, family, spec.name);
    if (!std::ranges::equal(tensor.shape, spec.shape))
      throw ModelError(no_checkpoint_of(family) + std::string(spec.name) + " has shape " + text(tensor.shape) +
                       " instead of " + text(spec.shape));
    const std::vector<float> floats = to_floats(tensor);
    values.insert(values.end(), floats.begin(), floats.end());
  }
  return family.make(std::move(values));
}

std::shared_ptr<const Model> built_in_model(const ModelFamily& family) {
  static Mutex mutex;
  static std::map<const ModelFamily*, std::shared_ptr<const Model>> models;
  if (family.built_in.empty()) return nullptr;
  const std::lock_guard lock(mutex);
  auto& model = models[&family];
  if (!model) model = read_model(std::as_bytes(family.built_in));
  return model;
}

std::shared_ptr<const Model> default_model() {
  return built_in_model(*kFamilies[0]);
}

}  // namespace novasr

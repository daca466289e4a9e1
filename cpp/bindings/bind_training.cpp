#include <pybind11/numpy.h>

#include <array>

#include "bindings.hpp"
#include "network_gradient.hpp"
#include "novasr/errors.hpp"

namespace py = pybind11;
using namespace novasr::training;

namespace {

using Array = py::array_t<float, py::array::c_style>;

// Sizes of the arrays that Python passes for Parameters, in order; kFilters arrays follow for Filters.
constexpr std::array<std::size_t, 11> kSizes = {
    kPreTaps * kChannels,
    kChannels,
    kChannels,
    kChannels,
    kChannels,
    kChannels,
    kBlockTaps* kChannels* kChannels,
    kChannels,
    kMergedTaps* kChannels,
    kPostTaps* kChannels,
    1,
};
constexpr std::size_t kFilters = 4;

template <typename Value, typename Data>
Parameters<Value> parameters_of(std::span<Array> arrays, Data data) {
  const auto at = [&](std::size_t i) { return std::span<Value>(data(arrays[i]), kSizes[i]); };
  return {at(0), at(1), {at(2), at(4)}, {at(3), at(5)}, at(6), at(7), at(8), at(9), at(10)};
}

struct Network {
  std::vector<Array> arrays;
  Parameters<const float> parameters;
  Filters filters;

  explicit Network(const py::list& values) {
    if (values.size() != kSizes.size() + kFilters) throw novasr::ConfigError("not the network's list of values");
    for (std::size_t i = 0; i < values.size(); ++i) {
      arrays.push_back(values[i].cast<Array>());
      const std::size_t size = i < kSizes.size() ? kSizes[i] : kFilterTaps;
      if (static_cast<std::size_t>(arrays.back().size()) != size)
        throw novasr::ConfigError("a value of the wrong size");
    }
    parameters = parameters_of<const float>(arrays, [](const Array& array) { return array.data(); });
    const auto filter = [&](std::size_t i) { return std::span(arrays[kSizes.size() + i].data(), kFilterTaps); };
    filters = {{filter(0), filter(2)}, {filter(1), filter(3)}};
  }
};

std::span<const float> checked(const Array& audio, std::size_t threads) {
  if (audio.ndim() != 2 || audio.shape(1) < 2 || threads == 0)
    throw novasr::ConfigError("audio must be (clips, 2 frames or more), threads at least 1");
  return {audio.data(), static_cast<std::size_t>(audio.size())};
}

Array forward(const py::list& values, const Array& audio, std::size_t threads) {
  const Network network(values);
  const std::span<const float> in = checked(audio, threads);
  const auto frames = static_cast<std::size_t>(audio.shape(1));
  Array output({audio.shape(0), 3 * audio.shape(1) - static_cast<py::ssize_t>(kTrim)});
  const std::span<float> to(output.mutable_data(), static_cast<std::size_t>(output.size()));
  const py::gil_scoped_release nogil;
  network_forward(network.parameters, network.filters, in, frames, to, threads);
  return output;
}

py::list backward(const py::list& values, const Array& audio, const Array& output_gradient, std::size_t threads) {
  const Network network(values);
  const std::span<const float> in = checked(audio, threads);
  const auto frames = static_cast<std::size_t>(audio.shape(1));
  if (output_gradient.size() != audio.shape(0) * (3 * audio.shape(1) - static_cast<py::ssize_t>(kTrim)))
    throw novasr::ConfigError("the gradient's shape is not that of the output");
  const std::span<const float> from(output_gradient.data(), static_cast<std::size_t>(output_gradient.size()));
  std::vector<Array> found;
  for (const std::size_t size : kSizes) {
    found.emplace_back(static_cast<py::ssize_t>(size));
    std::fill_n(found.back().mutable_data(), size, 0.0f);
  }
  const auto gradients = parameters_of<float>(found, [](Array& array) { return array.mutable_data(); });
  {
    const py::gil_scoped_release nogil;
    network_backward(network.parameters, network.filters, in, frames, from, gradients, threads);
  }
  py::list result;
  for (Array& array : found) result.append(array);
  return result;
}

}  // namespace

void bind_training(py::module_& module) {
  module.def("network_forward", &forward, py::arg("values"), py::arg("audio").noconvert(), py::kw_only(),
             py::arg("threads"));
  module.def("network_backward", &backward, py::arg("values"), py::arg("audio").noconvert(),
             py::arg("output_gradient").noconvert(), py::kw_only(), py::arg("threads"));
}

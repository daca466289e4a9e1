#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bindings.hpp"
#include "engine_handle.hpp"
#include "novasr/native_engine.hpp"
#include "novasr/torch_engine.hpp"
#include "novasr/worker_engine.hpp"

namespace py = pybind11;

namespace {

novasr::Isa isa_of(std::string_view name) {
  for (const novasr::Isa isa : novasr::available_isas())
    if (novasr::isa_name(isa) == name) return isa;
  throw novasr::ConfigError("isa '" + std::string(name) + "' is not available here");
}

}  // namespace

void bind_engines(py::module_& module) {
  py::class_<EngineHandle>(module, "Engine");  // NOLINT(bugprone-unused-raii): registers the type

  module.def(
      "native_engine",
      [](const py::array_t<float, py::array::c_style>& values, bool offline, const std::optional<std::string>& isa) {
        const std::span<const float> flat(values.data(), static_cast<std::size_t>(values.size()));
        const auto tile = offline ? novasr::Tile::offline : novasr::Tile::streaming;
        const py::gil_scoped_release nogil;
        if (!isa) novasr::check_isa_choice();
        auto weights = std::make_shared<const novasr::ModelWeights>(novasr::ModelWeights::from_values(flat));
        return EngineHandle(isa ? std::make_unique<novasr::NativeEngine>(std::move(weights), tile, isa_of(*isa))
                                : std::make_unique<novasr::NativeEngine>(std::move(weights), tile));
      },
      py::arg("values").noconvert(), py::kw_only(), py::arg("offline"), py::arg("isa") = py::none());

  module.def("available_isas", [] {
    novasr::check_isa_choice();
    std::vector<std::string> names;
    for (const novasr::Isa isa : novasr::available_isas()) names.emplace_back(novasr::isa_name(isa));
    return names;
  });

  module.def(
      "torch_engine",
      [](const py::bytes& torchscript, int threads) {
        const std::string_view script = torchscript;
        const py::gil_scoped_release nogil;
        return EngineHandle(novasr::make_torch_engine({script.data(), script.size()}, {.threads = threads}));
      },
      py::arg("torchscript"), py::kw_only(), py::arg("threads"));

  module.def(
      "worker_engine",
      [](EngineHandle& inner, std::size_t hop_frames, std::size_t slack_frames) {
        const novasr::WorkerOptions options{.hop_frames = hop_frames, .slack_frames = slack_frames};
        return EngineHandle(std::make_unique<novasr::WorkerEngine>(inner.take(), options));
      },
      py::arg("inner"), py::kw_only(), py::arg("hop_frames"), py::arg("slack_frames"));
}

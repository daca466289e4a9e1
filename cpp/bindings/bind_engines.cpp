#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bindings.hpp"
#include "engine_handle.hpp"
#include "novasr/model.hpp"
#include "novasr/torch_engine.hpp"
#include "novasr/worker_engine.hpp"

namespace py = pybind11;

namespace {

novasr::Isa isa_of(std::string_view name) {
  for (const novasr::Isa isa : novasr::available_isas())
    if (novasr::isa_name(isa) == name) return isa;
  throw novasr::ConfigError("isa '" + std::string(name) + "' is not available here");
}

py::dict description_of(const novasr::ModelFamily& family) {
  py::dict tensors;
  for (const novasr::TensorSpec& spec : family.tensors) {
    const py::tuple shape = py::cast(std::vector<std::size_t>(spec.shape.begin(), spec.shape.end()));
    tensors[py::str(std::string(spec.name))] = shape;
  }
  py::dict description;
  description["name"] = std::string(family.name);
  description["prefix"] = std::string(family.prefix);
  description["tensors"] = tensors;
  return description;
}

/// Weights from which any number of engines are made, which share what is derived from them.
struct NativeModel {
  std::shared_ptr<const novasr::Model> model;
};

}  // namespace

void bind_engines(py::module_& module) {
  py::class_<EngineHandle>(module, "Engine")
      .def_property_readonly("input_rate", [](const EngineHandle& engine) { return engine.format().input_hz; })
      .def_property_readonly("output_rate", [](const EngineHandle& engine) { return engine.format().output_hz; })
      .def_property_readonly("hop_frames", [](const EngineHandle& engine) { return engine.format().hop_frames; })
      .def_property_readonly("memory_frames", [](const EngineHandle& engine) { return engine.format().memory_frames; })
      .def_property_readonly("band_hz", [](const EngineHandle& engine) { return engine.format().band_hz; })
      .def_property_readonly("linked_channels",
                             [](const EngineHandle& engine) { return engine.format().linked_channels; })
      .def_property_readonly("forgets", [](const EngineHandle& engine) { return engine.format().forgets; })
      .def_property_readonly("adds_to_input", [](const EngineHandle& engine) { return engine.format().adds_to_input; });

  module.def("families", [] {
    py::list all;
    for (const novasr::ModelFamily* family : novasr::model_families()) all.append(description_of(*family));
    return all;
  });

  py::class_<NativeModel>(module, "NativeModel")
      .def(py::init([](const py::array_t<float, py::array::c_style>& values, const std::string& family) {
             std::vector<float> flat(values.data(), values.data() + values.size());
             const py::gil_scoped_release nogil;
             return NativeModel{novasr::model_family(family).make(std::move(flat))};
           }),
           py::arg("values").noconvert(), py::kw_only(), py::arg("family"))
      .def(
          "engine",
          [](const NativeModel& self, bool offline, const std::optional<std::string>& isa,
             std::optional<float> cutoff_hz) {
            const py::gil_scoped_release nogil;
            novasr::EngineOptions options{.offline = offline, .cutoff_hz = cutoff_hz};
            if (isa)
              options.isa = isa_of(*isa);
            else
              novasr::check_isa_choice();
            return EngineHandle(self.model->make_engine(options));
          },
          py::kw_only(), py::arg("offline"), py::arg("isa") = py::none(), py::arg("cutoff_hz") = py::none());

  module.def("available_isas", [] {
    novasr::check_isa_choice();
    std::vector<std::string> names;
    for (const novasr::Isa isa : novasr::available_isas()) names.emplace_back(novasr::isa_name(isa));
    return names;
  });

  module.def(
      "torch_engine",
      [](const py::bytes& torchscript, int threads, const std::string& library) {
        const std::string_view script = torchscript;
        const py::gil_scoped_release nogil;
        const novasr::TorchOptions options{.threads = threads, .library = library};
        return EngineHandle(novasr::make_torch_engine({script.data(), script.size()}, options));
      },
      py::arg("torchscript"), py::kw_only(), py::arg("threads"), py::arg("library"));

  module.def(
      "worker_engine",
      [](EngineHandle& inner, std::size_t hop_frames, std::size_t headroom_frames) {
        const novasr::WorkerOptions options{.hop_frames = hop_frames, .headroom_frames = headroom_frames};
        return EngineHandle(std::make_unique<novasr::WorkerEngine>(inner.take(), options));
      },
      py::arg("inner"), py::kw_only(), py::arg("hop_frames"), py::arg("headroom_frames"));
}

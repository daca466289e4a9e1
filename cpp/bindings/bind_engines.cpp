#include "bindings.hpp"
#include "engine_handle.hpp"
#include "novasr/torch_engine.hpp"

namespace py = pybind11;

void bind_engines(py::module_& module) {
  py::class_<EngineHandle>(module, "Engine");

  module.def(
      "torch_engine",
      [](const py::bytes& torchscript, int threads) {
        const std::string_view script = torchscript;
        const py::gil_scoped_release nogil;
        return EngineHandle(novasr::make_torch_engine({script.data(), script.size()}, {.threads = threads}));
      },
      py::arg("torchscript"), py::kw_only(), py::arg("threads"));
}

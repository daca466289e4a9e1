#include "bindings.hpp"

PYBIND11_MODULE(_native, module) {
  module.doc() = "The C++ core of novasr; use the Python face in `novasr` instead.";
  module.attr("__version__") = NOVASR_VERSION;
  bind_band(module);
  bind_cutoff(module);
  bind_engines(module);
  bind_live(module);
  bind_stream(module);
  bind_training(module);
}

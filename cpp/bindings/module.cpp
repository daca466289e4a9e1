#include "bindings.hpp"

PYBIND11_MODULE(_native, module) {
  module.doc() = "The C++ core of novasr; use the Python face in `novasr` instead.";
#ifdef NOVASR_TORCH_VERSION
  module.attr("torch_version") = NOVASR_TORCH_VERSION;
#else
  module.attr("torch_version") = pybind11::none();
#endif
  bind_band(module);
  bind_cutoff(module);
  bind_engines(module);
  bind_live(module);
  bind_stream(module);
  bind_training(module);
}

#include <pybind11/numpy.h>

#include <utility>

#include "bindings.hpp"
#include "novasr/band_verdict.hpp"

namespace py = pybind11;
using novasr::BandVerdict;

namespace {

const char* name_of(BandVerdict::Kind kind) {
  switch (kind) {
    case BandVerdict::Kind::extend:
      return "extend";
    case BandVerdict::Kind::leave:
      return "leave";
    case BandVerdict::Kind::narrow:
      return "narrow";
    case BandVerdict::Kind::silent:
      break;
  }
  return "silent";
}

}  // namespace

void bind_band(py::module_& module) {
  module.def(
      "band_end_hz",
      [](const py::array_t<double, py::array::c_style>& power, double hz_per_line) {
        return novasr::band_end_hz({power.data(), static_cast<std::size_t>(power.size())}, hz_per_line);
      },
      py::arg("power").noconvert(), py::arg("hz_per_line"));
  module.def(
      "judge_band",
      [](double bandwidth_hz, double sample_rate_hz, bool any_band) {
        const BandVerdict verdict = novasr::judge_band(bandwidth_hz, sample_rate_hz, any_band);
        return std::pair(name_of(verdict.kind), verdict.text);
      },
      py::arg("bandwidth_hz"), py::arg("sample_rate_hz"), py::arg("any_band") = false);
  module.def("may_be_full_band", &novasr::may_be_full_band, py::arg("sample_rate_hz"), py::arg("any_band") = false);
}

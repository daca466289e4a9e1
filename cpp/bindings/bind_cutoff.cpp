#include <pybind11/numpy.h>

#include <array>
#include <memory>
#include <span>
#include <string>

#include "bindings.hpp"
#include "dsp/cutoff_estimator.hpp"
#include "novasr/errors.hpp"

namespace py = pybind11;
using novasr::CutoffEstimator;

namespace {

using Spectra = py::array_t<float, py::array::c_style>;

/// Cut-off and confidence after each frame, shape (frames, 2).
Spectra push(CutoffEstimator& estimator, const Spectra& power) {
  if (power.ndim() != 2 || static_cast<std::size_t>(power.shape(1)) != CutoffEstimator::kBins)
    throw novasr::ConfigError("expected an array of shape (frames, " + std::to_string(CutoffEstimator::kBins) + ")");
  const auto frames = static_cast<std::size_t>(power.shape(0));
  Spectra published(std::array<std::size_t, 2>{frames, 2});
  const std::span<const float> in(power.data(), frames * CutoffEstimator::kBins);
  const std::span<float> out(published.mutable_data(), frames * 2);
  const py::gil_scoped_release nogil;
  for (std::size_t i = 0; i < frames; ++i) {
    estimator.push(in.subspan(i * CutoffEstimator::kBins).first<CutoffEstimator::kBins>());
    out[2 * i] = estimator.cutoff_hz();
    out[2 * i + 1] = estimator.confidence();
  }
  return published;
}

std::unique_ptr<CutoffEstimator> make(float prior_hz) {
  if (!(prior_hz > 0.0f && prior_hz <= CutoffEstimator::kFullBandHz))
    throw novasr::ConfigError("prior_hz must be above 0 and at most " +
                              std::to_string(static_cast<int>(CutoffEstimator::kFullBandHz)) + " Hz");
  return std::make_unique<CutoffEstimator>(prior_hz);
}

}  // namespace

void bind_cutoff(py::module_& module) {
  py::class_<CutoffEstimator>(module, "CutoffEstimator")
      .def(py::init(&make), py::kw_only(), py::arg("prior_hz") = CutoffEstimator::kFullBandHz)
      .def("push", &push, py::arg("power").noconvert())
      .def("reset", [](CutoffEstimator& estimator) { estimator.reset(); })
      .def_property_readonly("cutoff_hz", [](const CutoffEstimator& estimator) { return estimator.cutoff_hz(); })
      .def_property_readonly("confidence", [](const CutoffEstimator& estimator) { return estimator.confidence(); })
      .def_property_readonly_static("sample_rate", [](const py::object&) { return CutoffEstimator::kSampleRateHz; })
      .def_property_readonly_static("frame_length", [](const py::object&) { return CutoffEstimator::kFrameLength; })
      .def_property_readonly_static("hop", [](const py::object&) { return CutoffEstimator::kHop; });
}

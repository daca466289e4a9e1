#include <algorithm>
#include <chrono>
#include <cstdint>

#include "bindings.hpp"
#include "engine_handle.hpp"
#include "novasr/interleave.hpp"
#include "novasr/live_bridge.hpp"
#include "novasr/planar_buffer.hpp"
#include "numpy_view.hpp"

namespace py = pybind11;
using novasr::LiveBridge;
using novasr::LiveSpec;

namespace {

/// PaStreamCallbackTimeInfo and PaStreamCallbackFlags of portaudio.h 19, whose layout is fixed.
struct TimeInfo {
  double input_adc;
  double current;
  double output_dac;
};
constexpr unsigned long kInputUnderflow = 1, kInputOverflow = 2, kOutputUnderflow = 4;
constexpr int kContinue = 0;
constexpr double kLongestDelaySeconds = 10.0;  // some drivers report garbage

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

LiveBridge::Report report_of(const TimeInfo* time, unsigned long flags) {
  const double seconds = time == nullptr ? 0.0 : time->output_dac - time->input_adc;
  const bool sane = seconds > 0.0 && seconds < kLongestDelaySeconds && time->input_adc > 0.0;
  return {.device_seconds = sane ? seconds : 0.0,
          .input_xrun = (flags & (kInputUnderflow | kInputOverflow)) != 0,
          .output_xrun = (flags & kOutputUnderflow) != 0};
}

extern "C" {
int novasr_duplex(const void* in, void* out, unsigned long frames, const TimeInfo* time, unsigned long flags,
                  void* bridge) {
  static_cast<LiveBridge*>(bridge)->duplex(static_cast<const float*>(in), static_cast<float*>(out), frames,
                                           report_of(time, flags));
  return kContinue;
}
int novasr_capture(const void* in, void*, unsigned long frames, const TimeInfo* time, unsigned long flags,
                   void* bridge) {
  static_cast<LiveBridge*>(bridge)->capture(static_cast<const float*>(in), frames, now(), report_of(time, flags));
  return kContinue;
}
int novasr_play(const void*, void* out, unsigned long frames, const TimeInfo* time, unsigned long flags, void* bridge) {
  static_cast<LiveBridge*>(bridge)->play(static_cast<float*>(out), frames, now(), report_of(time, flags));
  return kContinue;
}
}

py::dict stats_of(LiveBridge& bridge) {
  const auto s = bridge.stats();
  py::dict result;
  result["input_blocks"] = s.input_blocks;
  result["output_blocks"] = s.output_blocks;
  result["input_frames"] = s.input_frames;
  result["output_frames"] = s.output_frames;
  result["input_xruns"] = s.input_xruns;
  result["output_xruns"] = s.output_xruns;
  result["late_blocks"] = s.late_blocks;
  result["underruns"] = s.underruns;
  result["overruns"] = s.overruns;
  result["resyncs"] = s.resyncs;
  result["record_lost"] = s.record_lost;
  result["input_peak"] = s.input_peak;
  result["output_peak"] = s.output_peak;
  result["load"] = s.load;
  result["largest_load"] = s.largest_load;
  result["device_seconds"] = s.device_seconds;
  result["buffered_frames"] = s.buffered_frames;
  result["target_frames"] = s.target_frames;
  result["drift_ppm"] = s.drift_ppm;
  result["passthrough"] = s.processor.passthrough;
  result["nonfinite_samples"] = s.processor.nonfinite_samples;
  result["failed_blocks"] = s.processor.engine.failed_blocks;
  result["engine_underruns"] = s.processor.engine.underrun_blocks;
  return result;
}

/// Up to `limit` frames of a meter's waveform: shape (frames,).
py::array_t<float> read_tap(novasr::SignalTap& tap, std::size_t limit) {
  const std::size_t count = std::min(limit, tap.readable());
  py::array_t<float> samples(static_cast<py::ssize_t>(count));
  tap.read({samples.mutable_data(), count});
  return samples;
}

/// The next `frames` frames of a recording: shape (frames, channels).
InterleavedArray read_frames(novasr::FrameRing& ring, std::size_t frames) {
  InterleavedArray array({frames, ring.channels()});
  novasr::PlanarBuffer planar;
  planar.prepare(ring.channels(), frames);
  const auto audio = planar.view(frames);
  ring.read(audio);
  novasr::interleave(audio, array.mutable_data(), ring.channels());
  return array;
}

py::tuple read_recording(LiveBridge& bridge) {
  // The ring that is written last has the fewer frames.
  const std::size_t frames = bridge.recorded_after().readable();
  return py::make_tuple(read_frames(bridge.recorded_before(), frames), read_frames(bridge.recorded_after(), frames));
}

std::uintptr_t address(auto* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

}  // namespace

void bind_live(py::module_& module) {
  module.attr("duplex_callback") = address(&novasr_duplex);
  module.attr("capture_callback") = address(&novasr_capture);
  module.attr("play_callback") = address(&novasr_play);

  py::class_<LiveBridge>(module, "LiveBridge")
      .def(py::init([](EngineHandle& engine, std::uint32_t input_rate, std::uint32_t output_rate,
                       std::size_t input_channels, std::size_t output_channels, std::size_t block_frames,
                       bool two_clocks, bool low_latency, bool record) {
             const LiveSpec spec{.input_rate_hz = input_rate,
                                 .output_rate_hz = output_rate,
                                 .input_channels = input_channels,
                                 .output_channels = output_channels,
                                 .block_frames = block_frames,
                                 .two_clocks = two_clocks,
                                 .low_latency = low_latency,
                                 .record = record};
             const py::gil_scoped_release nogil;
             return std::make_unique<LiveBridge>(engine.take(), spec);
           }),
           py::arg("engine"), py::kw_only(), py::arg("input_rate"), py::arg("output_rate"), py::arg("input_channels"),
           py::arg("output_channels"), py::arg("block_frames"), py::arg("two_clocks"), py::arg("low_latency"),
           py::arg("record"))
      .def_property_readonly("address", [](LiveBridge& bridge) { return address(&bridge); })
      .def(
          "set_parameters",
          [](LiveBridge& bridge, const novasr::Parameters& parameters) { bridge.set_parameters(parameters); },
          py::arg("parameters"), py::call_guard<py::gil_scoped_release>())
      .def("stats", &stats_of)
      .def_property_readonly("latency_frames", &LiveBridge::latency_frames)
      .def_property_readonly("chain_latency_frames", &LiveBridge::chain_latency_frames)
      .def_property_readonly("processed_rate", &LiveBridge::processed_rate_hz)
      .def_property_readonly("processed_channels", &LiveBridge::processed_channels)
      .def(
          "read_before", [](LiveBridge& bridge, std::size_t limit) { return read_tap(bridge.before(), limit); },
          py::arg("limit"))
      .def(
          "read_after", [](LiveBridge& bridge, std::size_t limit) { return read_tap(bridge.after(), limit); },
          py::arg("limit"))
      .def("read_recording", &read_recording);
}

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
using novasr::EngineStats;
using novasr::LiveBridge;
using novasr::LiveSpec;
using novasr::LiveStats;
using novasr::ProcessorStats;

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

/// The value that a path of members leads to.
template <auto... Members>
py::object value_of(const LiveStats& stats) {
  return py::cast((stats.*....*Members));
}

/// The statistics as Python sees them: LiveStats, flat.
struct Field {
  const char* name;
  py::object (*value)(const LiveStats&);
};
constexpr Field kFields[] = {
    {"input_blocks", value_of<&LiveStats::input_blocks>},
    {"output_blocks", value_of<&LiveStats::output_blocks>},
    {"input_frames", value_of<&LiveStats::input_frames>},
    {"output_frames", value_of<&LiveStats::output_frames>},
    {"input_xruns", value_of<&LiveStats::input_xruns>},
    {"output_xruns", value_of<&LiveStats::output_xruns>},
    {"late_blocks", value_of<&LiveStats::late_blocks>},
    {"underruns", value_of<&LiveStats::underruns>},
    {"overruns", value_of<&LiveStats::overruns>},
    {"resyncs", value_of<&LiveStats::resyncs>},
    {"record_lost", value_of<&LiveStats::record_lost>},
    {"input_peak", value_of<&LiveStats::input_peak>},
    {"output_peak", value_of<&LiveStats::output_peak>},
    {"load", value_of<&LiveStats::load>},
    {"largest_load", value_of<&LiveStats::largest_load>},
    {"device_seconds", value_of<&LiveStats::device_seconds>},
    {"buffered_frames", value_of<&LiveStats::buffered_frames>},
    {"target_frames", value_of<&LiveStats::target_frames>},
    {"drift_ppm", value_of<&LiveStats::drift_ppm>},
    {"passthrough", value_of<&LiveStats::processor, &ProcessorStats::passthrough>},
    {"nonfinite_samples", value_of<&LiveStats::processor, &ProcessorStats::nonfinite_samples>},
    {"failed_blocks", value_of<&LiveStats::processor, &ProcessorStats::engine, &EngineStats::failed_blocks>},
    {"cutoff_hz", value_of<&LiveStats::processor, &ProcessorStats::engine, &EngineStats::cutoff_hz>},
    {"engine_underruns", value_of<&LiveStats::processor, &ProcessorStats::engine, &EngineStats::underrun_blocks>},
};

py::dict stats_of(LiveBridge& bridge) {
  const LiveStats stats = bridge.stats();
  py::dict result;
  for (const Field& field : kFields) result[field.name] = field.value(stats);
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
  const std::size_t frames = std::min(bridge.recorded_before().readable(), bridge.recorded_after().readable());
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
      .def(
          "change_engine", [](LiveBridge& bridge, EngineHandle& engine) { bridge.change_engine(engine.take()); },
          py::arg("engine"), py::call_guard<py::gil_scoped_release>())
      .def("stats", &stats_of)
      .def_property_readonly("latency_frames", &LiveBridge::latency_frames)
      .def_property_readonly("recording_latency_frames", &LiveBridge::recording_latency_frames)
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

#include <algorithm>
#include <mutex>
#include <string>

#include "bindings.hpp"
#include "engine_handle.hpp"
#include "novasr/interleave.hpp"
#include "novasr/parameters.hpp"
#include "novasr/planar_buffer.hpp"
#include "novasr/processor.hpp"
#include "numpy_view.hpp"

namespace py = pybind11;
using novasr::FrontEnd;
using novasr::Mode;
using novasr::Parameters;
using novasr::ProcessSpec;

namespace {

constexpr std::size_t kBlockFrames = 8192;  // longer input is processed in blocks: constant memory

/// A Processor fed with interleaved arrays. Calls from several threads take turns.
class Stream {
 public:
  Stream(EngineHandle& engine, const ProcessSpec& spec) : spec_(spec), processor_(engine.take()) {
    processor_.prepare(spec_);
    input_.prepare(spec.channels, spec.max_block_frames);
    output_.prepare(spec.channels, std::max(processor_.max_output_frames(spec.max_block_frames), flush_capacity()));
  }

  /// Processes `frames` of input into `destination`; returns the number of output frames.
  std::size_t process(const float* source, std::size_t frames, float* destination) {
    const std::scoped_lock turn(mutex_);
    refuse_after_end();
    std::size_t written = 0;
    for (std::size_t start = 0; start < frames; start += spec_.max_block_frames) {
      const auto block = std::min(spec_.max_block_frames, frames - start);
      const auto input = input_.view(block);
      novasr::deinterleave(source + start * spec_.channels, spec_.channels, input);
      const auto now = processor_.process(input, output_.view(processor_.max_output_frames(block)));
      novasr::interleave(output_.view(now), destination + written * spec_.channels, spec_.channels);
      written += now;
    }
    return written;
  }

  std::size_t flush(float* destination) {
    const std::scoped_lock turn(mutex_);
    refuse_after_end();
    ended_ = true;
    const auto written = processor_.flush(output_.view(flush_capacity()));
    novasr::interleave(output_.view(written), destination, spec_.channels);
    return written;
  }

  void reset() {
    const std::scoped_lock turn(mutex_);
    processor_.reset();
    ended_ = false;
  }

  [[nodiscard]] std::size_t max_output_frames(std::size_t frames) const {
    const auto whole = frames / spec_.max_block_frames;
    return whole * processor_.max_output_frames(spec_.max_block_frames) +
           processor_.max_output_frames(frames % spec_.max_block_frames);
  }
  [[nodiscard]] std::size_t flush_capacity() const { return processor_.latency_frames() + 1; }
  [[nodiscard]] std::size_t channels() const { return spec_.channels; }
  [[nodiscard]] novasr::Processor& processor() { return processor_; }

 private:
  void refuse_after_end() const {
    if (ended_) throw novasr::ConfigError("the stream has ended with flush(): call reset() to begin another");
  }

  ProcessSpec spec_;
  novasr::Processor processor_;
  novasr::PlanarBuffer input_;
  novasr::PlanarBuffer output_;
  std::mutex mutex_;
  bool ended_ = false;
};

/// A new array of as many frames as `fill` returns, at most `capacity`.
template <typename Fill>
InterleavedArray make_array(std::size_t capacity, std::size_t channels, Fill fill) {
  InterleavedArray array({capacity, channels});
  std::size_t written = 0;
  {
    float* data = array.mutable_data();
    const py::gil_scoped_release nogil;
    written = fill(data);
  }
  if (written != capacity) array.resize({written, channels});
  return array;
}

py::dict stats_of(Stream& stream) {
  const auto stats = stream.processor().stats();
  py::dict result;
  result["input_frames"] = stats.input_frames;
  result["output_frames"] = stats.output_frames;
  result["nonfinite_samples"] = stats.nonfinite_samples;
  result["passthrough"] = stats.passthrough;
  result["underrun_blocks"] = stats.engine.underrun_blocks;
  result["underrun_frames"] = stats.engine.underrun_frames;
  result["dropped_frames"] = stats.engine.dropped_frames;
  result["failed_blocks"] = stats.engine.failed_blocks;
  result["cutoff_hz"] = stats.engine.cutoff_hz;
  return result;
}

}  // namespace

void bind_stream(py::module_& module) {
  py::enum_<Mode>(module, "Mode").value("extend", Mode::extend).value("full", Mode::full);
  py::enum_<FrontEnd>(module, "FrontEnd").value("clean", FrontEnd::clean).value("reference", FrontEnd::reference);

  py::class_<Parameters>(module, "Parameters")
      .def(py::init<>())
      .def("__copy__", [](const Parameters& parameters) { return Parameters(parameters); })
      .def_readwrite("mode", &Parameters::mode)
      .def_readwrite("front_end", &Parameters::front_end)
      .def_readwrite("crossover_hz", &Parameters::crossover_hz)
      .def_readwrite("mix", &Parameters::mix)
      .def_readwrite("high_band_gain_db", &Parameters::high_band_gain_db)
      .def_readwrite("output_gain_db", &Parameters::output_gain_db)
      .def_readwrite("bypass", &Parameters::bypass);
  module.def("parameter_infos", [] {
    py::list all;
    for (const novasr::ParameterInfo* info : novasr::kParameters) {
      py::list choices;
      for (const char* choice : info->choices)
        if (choice != nullptr) choices.append(choice);
      all.append(py::make_tuple(info->id, info->name, info->unit, info->low, info->high, info->initial, choices));
    }
    return all;
  });
  module.def("check_parameters", &novasr::check_parameters, py::arg("parameters"), py::kw_only(),
             py::arg("low_latency"));

  py::class_<Stream>(module, "Stream")
      .def(py::init([](EngineHandle& engine, std::uint32_t sample_rate, std::uint32_t output_rate, std::size_t channels,
                       bool low_latency, double source_band_hz) {
             const ProcessSpec spec{.sample_rate_hz = sample_rate,
                                    .output_rate_hz = output_rate,
                                    .channels = channels,
                                    .max_block_frames = kBlockFrames,
                                    .low_latency = low_latency,
                                    .source_band_hz = source_band_hz};
             const py::gil_scoped_release nogil;
             return std::make_unique<Stream>(engine, spec);
           }),
           py::arg("engine"), py::kw_only(), py::arg("sample_rate"), py::arg("output_rate"), py::arg("channels"),
           py::arg("low_latency"), py::arg("source_band_hz") = 0.0)
      .def(
          "process",
          [](Stream& stream, const InterleavedArray& audio) {
            if (audio.ndim() != 2 || static_cast<std::size_t>(audio.shape(1)) != stream.channels())
              throw novasr::ConfigError("expected an array of shape (frames, " + std::to_string(stream.channels()) +
                                        ")");
            const auto frames = static_cast<std::size_t>(audio.shape(0));
            const float* source = audio.data();
            return make_array(stream.max_output_frames(frames), stream.channels(),
                              [&](float* data) { return stream.process(source, frames, data); });
          },
          py::arg("audio").noconvert())
      .def("flush",
           [](Stream& stream) {
             return make_array(stream.flush_capacity(), stream.channels(),
                               [&](float* data) { return stream.flush(data); });
           })
      .def("reset", &Stream::reset, py::call_guard<py::gil_scoped_release>())
      .def(
          "set_parameters",
          [](Stream& stream, const Parameters& parameters) { stream.processor().set_parameters(parameters); },
          py::arg("parameters"), py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("latency", [](Stream& stream) { return stream.processor().latency_frames(); })
      .def_property_readonly("stats", &stats_of);

  py::register_exception<novasr::NovasrError>(module, "CoreError", PyExc_RuntimeError);
  py::register_exception<novasr::ConfigError>(module, "ConfigError", PyExc_ValueError);
  py::register_exception<novasr::ModelError>(module, "ModelError", PyExc_RuntimeError);
}

#pragma once
#include <cmath>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "families/wide/kernels/table.hpp"
#include "families/wide/layers.hpp"
#include "families/wide/tensors.hpp"
#include "families/wide/wide_engine.hpp"
#include "signals.hpp"
#include "simd/dispatch.hpp"
#include "streaming.hpp"

namespace novasr::wide::kernels {
extern const KernelTable kWide16Table;  // the body of AVX-512, lowered to AVX2 on x86-64
}

namespace novasr::test {

struct NamedWideKernels {
  std::string name;
  const wide::kernels::KernelTable& table;
};

/// The kernels of every instruction set of this CPU, and the body of AVX-512 even if the CPU lacks it.
inline std::vector<NamedWideKernels> all_wide_kernels() {
  std::vector<NamedWideKernels> all;
  for (const Isa isa : available_isas()) all.push_back({std::string(isa_name(isa)), wide::kernels::table_for(isa)});
#ifdef NOVASR_X86
  if (!is_available(Isa::avx2)) return all;
#endif
  all.push_back({"16 wide", wide::kernels::kWide16Table});
  return all;
}

/// Values in [-1, 1) that tests/families/wide/make.py draws as well: a linear congruential generator.
class Uniform {
 public:
  double operator()() {
    state_ = 1'664'525 * state_ + 1'013'904'223;
    return state_ / 2147483648.0 - 1.0;
  }

 private:
  std::uint32_t state_ = 1;
};

/// Weights with which every layer matters.
inline std::vector<float> lively_values(Uniform& uniform) {
  std::vector<float> values;
  for (const TensorSpec& spec : wide::kTensors) {
    double scale = 0.1, offset = 0.0;
    if (spec.shape.size() > 1) {
      scale = std::sqrt(3.0 * static_cast<double>(spec.shape[0]) / static_cast<double>(spec.size()));
    } else if (spec.name.ends_with("norm.weight")) {
      scale = 0.2, offset = 1.0;
    } else if (spec.name.ends_with("scale")) {
      scale = 0.2, offset = 0.5;
    } else if (spec.name == "leave.bias") {
      offset = -3.0;
    }
    for (std::size_t i = 0; i < spec.size(); ++i) values.push_back(static_cast<float>(offset + scale * uniform()));
  }
  return values;
}

inline std::shared_ptr<const wide::Layers> lively_layers() {
  static const std::shared_ptr<const wide::Layers> layers = [] {
    Uniform uniform;
    return wide::Layers::from_values(lively_values(uniform));
  }();
  return layers;
}

inline std::unique_ptr<wide::WideEngine> wide_engine(
    std::size_t channels, std::optional<float> cutoff_hz,
    const wide::kernels::KernelTable& kernels = wide::kernels::table_for(best_isa()), double source_band_hz = 0.0) {
  auto engine = std::make_unique<wide::WideEngine>(lively_layers(), kernels, cutoff_hz);
  engine->prepare({.channels = channels, .max_block_frames = 1 << 16, .source_band_hz = source_band_hz});
  return engine;
}

/// The whole life of a stream: reset, process in blocks, flush; N + latency frames.
inline Audio run_wide(StreamingEngine& engine, const Audio& input, const Cutter& next_block) {
  const std::size_t frames = input.frames();
  Audio output(input.size(), std::vector<float>(frames + engine.latency_frames(), -77.0f));
  engine.reset();
  for (std::size_t first = 0; first < frames;) {
    const std::size_t count = std::min(next_block(), frames - first);
    const auto in = pointers(input, first);
    engine.process({in.data(), in.size(), count}, output.view(first, count));
    first += count;
  }
  engine.flush(output.view(frames, engine.latency_frames()));
  return output;
}

}  // namespace novasr::test

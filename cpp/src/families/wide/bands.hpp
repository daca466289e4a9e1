#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "families/wide/kernels/kernels.hpp"
#include "novasr/realtime.hpp"

namespace novasr::wide {

/// Interpolates from gain bands to lines: the few bands that overlap each line.
class GainCurve {
 public:
  /// [control]
  GainCurve();

  /// [audio] curve[k] = gains of the bands at line k, for the lines from first_line on; 0 where there are none.
  void interpolate(std::span<const float, kGainBands> gains, std::size_t first_line,
                   std::span<float, kLineRow> curve) const NOVASR_RT;

 private:
  struct Entry {
    std::uint32_t band;
    float weight;
  };
  std::array<std::uint32_t, kLines + 1> first_{};  ///< of the entries of each line
  std::vector<Entry> entries_;
};

/// What depends on the bands; immutable.
struct Bands {
  kernels::LineMeans input{};                   ///< mean power of the lines of each input band
  std::array<float, kInputBands> centres_hz{};  ///< of the input bands
  GainCurve gains;
};

/// [control] Computed once.
[[nodiscard]] const Bands& bands();

}  // namespace novasr::wide

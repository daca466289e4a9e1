#include "novasr/symmetric_fir.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "novasr/history.hpp"

namespace novasr {

void symmetric_fir(std::span<const float> half, const float* end, std::span<float> out) NOVASR_RT {
  constexpr std::size_t kGroup = History::kReadAhead;
  const std::size_t reach = half.size() - 1;
  const float* const centre = end - out.size() - reach;
  for (std::size_t first = 0; first < out.size(); first += kGroup) {
    const float* const x = centre + first;
    std::array<float, kGroup> sum;
    for (std::size_t i = 0; i < kGroup; ++i) sum[i] = half[0] * x[i];
    for (std::size_t k = 1; k <= reach; ++k)
      for (std::size_t i = 0; i < kGroup; ++i) sum[i] += half[k] * ((x - k)[i] + (x + k)[i]);
    std::copy_n(sum.begin(), std::min(kGroup, out.size() - first), out.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

}  // namespace novasr

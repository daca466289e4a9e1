#pragma once
#include <array>
#include <cstddef>
#include <vector>

#include "families/novasr/kernels/kernels.hpp"

namespace novasr {

/// The spectral factors of a tile's products, for one pair of channels.
///
/// A tile of N points computes y_t = sum_k h_k x_{t+k}, t = 0 .. N - 10, 11 taps, from the N + 1 rows x_0 .. x_N. It
/// uses a cyclic correlation over x_N, x_1 .. x_{N-1}, which is wrong only in y_0, by h_0 (x_0 - x_N): the last product
/// corrects this. In order, the 3 N / 2 products are: frequency 0; frequency N / 2; for each frequency in between, the
/// three products of Gauss' complex multiplication; the correction. With X = a + ib and conj(H) = c + is the three are
///   p1 = c (a + b),  p2 = (s - c) a,  p3 = (c + s) b;   the product is (p1 - p3) + i (p1 + p2).
/// The factors 1 / N and 2 / N of the inverse transform are included.
[[nodiscard]] std::vector<double> tile_factors(const std::array<double, kernels::kConvTaps>& taps, std::size_t points);

}  // namespace novasr

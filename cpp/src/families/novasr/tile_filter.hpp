#pragma once
#include <array>
#include <cstddef>
#include <vector>

#include "families/novasr/kernels/kernels.hpp"

namespace novasr {

/// The spectra by which a tile's products multiply, for one pair of channels.
///
/// A tile of N points takes the N + 1 rows x_0 .. x_N and gives y_t = sum_k h_k x_{t+k}, t = 0 .. N - 10, 11 taps.
/// It is a cyclic correlation over x_N, x_1 .. x_{N-1}: that one is wrong in y_0 only, by h_0 (x_0 - x_N), which is the
/// last product. In order, the 3 N / 2 products are: frequency 0; frequency N / 2; for each frequency between, the
/// three of a complex product in Gauss' way; the correction. With X = a + ib and conj(H) = c + is they are
///   p1 = c (a + b),  p2 = (s - c) a,  p3 = (c + s) b;   the product is (p1 - p3) + i (p1 + p2).
/// The factors 1 / N and 2 / N of the inverse transform are included.
[[nodiscard]] std::vector<double> tile_factors(const std::array<double, kernels::kConvTaps>& taps, std::size_t points);

}  // namespace novasr

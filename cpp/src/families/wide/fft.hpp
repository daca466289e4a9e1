#pragma once
#include "families/wide/kernels/kernels.hpp"

namespace novasr::wide {

/// [control] Window and factors of the Fourier transform; computed once.
[[nodiscard]] const kernels::Fft& fft_tables();

}  // namespace novasr::wide

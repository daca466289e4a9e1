// One instruction set's kernels: the including file sets NOVASR_WIDTH (4, 8 or 16 floats) and NOVASR_TABLE.
// No standard header with inline code may be included here, see kernels.hpp.
#include "families/novasr/kernels/kernels.hpp"
#include "simd/intrinsics.hpp"

namespace novasr::kernels {
namespace {
// vectors.inl declares what the others use, and the transforms are the convolution's.
// clang-format off
#include "simd/vectors.inl"
#include "simd/functions.inl"
#include "activation.inl"
#include "dft_18.inc"
#include "dft_48.inc"
#include "convolution.inl"
#include "output.inl"
// clang-format on
}  // namespace

extern const KernelTable NOVASR_TABLE;  // const alone would mean internal linkage
const KernelTable NOVASR_TABLE = {conv_pre, up_from_16k, up_from_48k, snake_rows,  low_pass,
                                  convolve, residual,    output,      tanh_of_sums};

}  // namespace novasr::kernels

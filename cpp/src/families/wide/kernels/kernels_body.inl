// One instruction set's kernels: the including file sets NOVASR_WIDTH (4, 8 or 16 floats) and NOVASR_TABLE.
// No standard header with inline code may be included here, see kernels.hpp.
#include "families/wide/kernels/kernels.hpp"
#include "simd/intrinsics.hpp"

namespace novasr::wide::kernels {
namespace {
// vectors.inl declares what the others use.
// clang-format off
#include "simd/vectors.inl"
#include "simd/functions.inl"
#include "fourier.inl"
#include "spectrum.inl"
#include "layers.inl"
// clang-format on
}  // namespace

extern const KernelTable NOVASR_TABLE;  // const alone would mean internal linkage
const KernelTable NOVASR_TABLE = {analyse,    synthesise, power,      whitening, levels,    logistic_in_place,
                                  upper_band, dense,      dense_onto, depthwise, normalise, gelu};

}  // namespace novasr::wide::kernels

#pragma once
// The dimensions of the published network. The kernels of all instruction sets include this, so it includes no standard
// header with inline code.
#include <stddef.h>

namespace novasr::network {

inline constexpr size_t kChannels = 32;                ///< of the hidden layers
inline constexpr size_t kRatio = 3;                    ///< output frames for each input frame
inline constexpr size_t kPreTaps = 7;                  ///< conv_pre, on the input
inline constexpr size_t kConvTaps = 11;                ///< conv1 and conv2, each
inline constexpr size_t kPostTaps = 7;                 ///< conv_post
inline constexpr size_t kFilterTaps = 12;              ///< up-sampler and low-pass of an activation, each
inline constexpr size_t kPhaseTaps = kFilterTaps / 2;  ///< of each of the up-sampler's two phases
inline constexpr size_t kTrim = 2;                     ///< frames by which an activation shortens the signal

}  // namespace novasr::network

#pragma once
#include <cassert>
#include <cstddef>

#include "novasr/audio_view.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// [audio] The first out.channels() of the `in_channels` channels of `in`, one sample of each per frame.
inline void deinterleave(const float* in, std::size_t in_channels, AudioView<float> out) NOVASR_RT {
  assert(out.channels() <= in_channels);
  for (std::size_t c = 0; c < out.channels(); ++c)
    for (std::size_t i = 0; i < out.frames(); ++i) out[c][i] = in[i * in_channels + c];
}

/// [audio] The other way round; channels of `out` beyond those of `in` become silent.
inline void interleave(AudioView<const float> in, float* out, std::size_t out_channels) NOVASR_RT {
  assert(in.channels() <= out_channels);
  for (std::size_t c = 0; c < out_channels; ++c)
    for (std::size_t i = 0; i < in.frames(); ++i) out[i * out_channels + c] = c < in.channels() ? in[c][i] : 0.0f;
}

}  // namespace novasr

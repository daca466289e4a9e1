#pragma once
#include <cstddef>

#include "families/novasr/architecture.hpp"
#include "novasr/model.hpp"

namespace novasr {

inline constexpr std::size_t kPreWeightShape[] = {network::kChannels, 1, network::kPreTaps};
inline constexpr std::size_t kBlockWeightShape[] = {network::kChannels, network::kChannels, network::kConvTaps};
inline constexpr std::size_t kChannelsShape[] = {network::kChannels};
inline constexpr std::size_t kFilterShape[] = {1, 1, network::kFilterTaps};
inline constexpr std::size_t kPostWeightShape[] = {1, network::kChannels, network::kPostTaps};

/// All tensors of the network as published, in the order of ModelWeights.
inline constexpr TensorSpec kTensors[] = {
    {"conv_pre.weight", kPreWeightShape},
    {"conv_pre.bias", kChannelsShape},
    {"resblocks.0.convs1.0.weight", kBlockWeightShape},
    {"resblocks.0.convs1.0.bias", kChannelsShape},
    {"resblocks.0.convs2.0.weight", kBlockWeightShape},
    {"resblocks.0.convs2.0.bias", kChannelsShape},
    {"resblocks.0.activations.0.act.alpha", kChannelsShape},
    {"resblocks.0.activations.0.act.beta", kChannelsShape},
    {"resblocks.0.activations.0.upsample.filter", kFilterShape},
    {"resblocks.0.activations.0.downsample.lowpass.filter", kFilterShape},
    {"resblocks.0.activations.1.act.alpha", kChannelsShape},
    {"resblocks.0.activations.1.act.beta", kChannelsShape},
    {"resblocks.0.activations.1.upsample.filter", kFilterShape},
    {"resblocks.0.activations.1.downsample.lowpass.filter", kFilterShape},
    {"conv_post.weight", kPostWeightShape},
};

}  // namespace novasr

#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "families/wide/kernels/kernels.hpp"
#include "novasr/realtime.hpp"

namespace novasr::wide {

/// The weights as the kernels read them: norms and scales are folded into the layers beside them. Immutable.
struct Layers {
  struct Block {
    kernels::Depthwise depthwise;
    kernels::Dense<kChannels, kHidden> widen;
    kernels::Dense<kHidden, kChannels> narrow;
  };
  kernels::Dense<kFeatures, kChannels> enter;
  std::array<Block, kBlocks> blocks;
  kernels::Dense<kChannels, kGains> leave;

  /// [control] Reads the values tensor by tensor, in the order of kTensors. Throws ModelError, naming the tensor, if
  /// the count is wrong, a value is not finite, or one that is folded exceeds the range of float.
  [[nodiscard]] static std::unique_ptr<const Layers> from_values(std::span<const float> values);
};

/// Most rows of one call: hops of all channels that are computed together.
inline constexpr std::size_t kMaxRows = 8;

/// The past inputs of a channel's convolutions, a ring of hops.
struct LayerHistory {
  alignas(64) float ring[kBlocks][kTaps][kChannelRow] = {};
};

/// A hop of a channel.
struct LayerRow {
  LayerHistory* history;
  std::uint64_t hop;  ///< its number in the stream
};

/// Scratch memory of one call.
struct LayerRows {
  alignas(64) float features[kMaxRows][kFeatureRow];
  alignas(64) float gains[kMaxRows][kGainRow];  ///< natural logarithms, without the level
  alignas(64) float main[kMaxRows][kChannelRow];
  alignas(64) float normed[kMaxRows][kChannelRow];
  alignas(64) float hidden[kMaxRows][kHiddenRow];
};

/// [audio] Computes the gains of up to kMaxRows rows from their features. The hops of a channel are in order.
void run_layers(const Layers& layers, const kernels::KernelTable& kernels, std::span<const LayerRow> rows,
                LayerRows& memory) NOVASR_RT;

}  // namespace novasr::wide

#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include "families/wide/architecture.hpp"
#include "novasr/model.hpp"

namespace novasr::wide {

inline constexpr std::size_t kEnterShape[] = {kChannels, kFeatures, 1};
inline constexpr std::size_t kChannelsShape[] = {kChannels};
inline constexpr std::size_t kDepthwiseShape[] = {kChannels, 1, kTaps};
inline constexpr std::size_t kWidenShape[] = {kHidden, kChannels};
inline constexpr std::size_t kHiddenShape[] = {kHidden};
inline constexpr std::size_t kNarrowShape[] = {kChannels, kHidden};
inline constexpr std::size_t kLeaveShape[] = {kGains, kChannels};
inline constexpr std::size_t kGainsShape[] = {kGains};

/// The tensors of a block, without its prefix.
inline constexpr TensorSpec kBlockTensors[] = {
    {"scale", kChannelsShape},       {"depthwise.weight", kDepthwiseShape}, {"depthwise.bias", kChannelsShape},
    {"norm.weight", kChannelsShape}, {"norm.bias", kChannelsShape},         {"widen.weight", kWidenShape},
    {"widen.bias", kHiddenShape},    {"narrow.weight", kNarrowShape},       {"narrow.bias", kChannelsShape},
};

/// Full names of the tensors of all blocks: "blocks.0.scale" and so on.
struct BlockNames {
  static constexpr std::size_t kLongest = 32;
  std::array<std::array<std::array<char, kLongest>, std::size(kBlockTensors)>, kBlocks> text{};

  constexpr BlockNames() {
    static_assert(kBlocks <= 10, "the number of a block is one digit");
    for (std::size_t block = 0; block < kBlocks; ++block) {
      for (std::size_t i = 0; i < std::size(kBlockTensors); ++i) {
        std::size_t length = 0;
        for (const char c : std::string_view("blocks.")) text[block][i][length++] = c;
        text[block][i][length++] = static_cast<char>('0' + block);
        text[block][i][length++] = '.';
        for (const char c : kBlockTensors[i].name) text[block][i][length++] = c;
      }
    }
  }
};
inline constexpr BlockNames kBlockNames;

/// All tensors, in the order of the state dict in PyTorch.
inline constexpr auto kTensors = [] {
  std::array<TensorSpec, kBlocks * std::size(kBlockTensors) + 6> all{};
  std::size_t count = 0;
  all[count++] = {"enter.weight", kEnterShape};
  all[count++] = {"enter.bias", kChannelsShape};
  for (std::size_t block = 0; block < kBlocks; ++block)
    for (std::size_t i = 0; i < std::size(kBlockTensors); ++i)
      all[count++] = {kBlockNames.text[block][i].data(), kBlockTensors[i].shape};
  all[count++] = {"norm.weight", kChannelsShape};
  all[count++] = {"norm.bias", kChannelsShape};
  all[count++] = {"leave.weight", kLeaveShape};
  all[count++] = {"leave.bias", kGainsShape};
  return all;
}();

}  // namespace novasr::wide

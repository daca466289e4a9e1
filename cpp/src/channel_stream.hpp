#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/kernels.hpp"
#include "network.hpp"

namespace novasr {

/// Frames by which the raw output of a channel lags: output t is determined by input floor((t + 37) / 3).
inline constexpr std::size_t kRawLagFrames = 37;

/// Scratch memory that channels may share: none of it outlives a call.
struct StreamScratch {
  explicit StreamScratch(std::size_t points);
  AlignedFloats spectra;
  AlignedFloats residual;
};

/// One channel of the network as a stream: the rows of each layer that later tiles still need, and the signal's edges.
///
/// Every layer zero-pads its own input, so rows before frame 0 and after the end are set to 0 layer by layer. With T
/// inputs taken and a whole number of tiles done, the layers stand at: conv_pre row T - 4, first activation group T - 5
/// (rows up to 3 T - 18), convolution 3 T - 23, second activation 3 T - 30, output 3 T - 38.
class ChannelStream {
 public:
  ChannelStream(std::shared_ptr<const PreparedNetwork> network, const kernels::KernelTable& kernels);

  /// [audio] Starts a fresh stream.
  void reset() noexcept;

  /// [audio] Takes the next tiles * tile_inputs frames and writes three times as many, kRawLagFrames late, then up to
  /// kMaxWidth frames of garbage. `total_inputs` is the length of the signal, or kUnknownLength; frames from there on
  /// must be 0. Precondition: 1 <= tiles <= kMaxTiles.
  void process_tiles(const float* input, std::size_t tiles, std::int64_t total_inputs, StreamScratch& scratch,
                     float* out) noexcept;

  static constexpr std::int64_t kUnknownLength = std::int64_t{1} << 60;

 private:
  /// A layer's rows: first those kept from the past, then room for the next.
  struct Rows {
    float* first;         ///< oldest kept row
    std::size_t history;  ///< rows kept
    [[nodiscard]] float* next() const noexcept { return first + history * kernels::kChannels; }
    void keep_last(std::size_t new_rows) const noexcept;
  };

  void first_activation(std::size_t inputs) noexcept;
  void second_activation(std::size_t frames) noexcept;
  void edge_group(std::int64_t group, const float* conv_pre_row, float* window) noexcept;
  void edge_outputs(std::size_t frames, float* out) const noexcept;
  [[nodiscard]] float edge_output(std::int64_t t) const noexcept;
  void mute_outside(const Rows& rows, std::int64_t first_time, std::size_t count, std::int64_t length) const noexcept;

  std::shared_ptr<const PreparedNetwork> network_;
  const kernels::KernelTable& kernels_;
  AlignedFloats memory_;
  float* input_;            ///< kInputHistory frames of the past, then the next
  Rows pre_;                ///< conv_pre
  Rows window1_;            ///< first activation at 96 kHz
  Rows activated1_;         ///< first activation
  Rows convolved_;          ///< conv1
  Rows window2_;            ///< second activation at 96 kHz
  Rows activated2_;         ///< second activation
  std::int64_t taken_ = 0;  ///< inputs before the current call
  std::int64_t total_ = kUnknownLength;
};

}  // namespace novasr

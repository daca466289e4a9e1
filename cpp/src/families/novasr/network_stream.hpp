#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "families/novasr/architecture.hpp"
#include "families/novasr/fold.hpp"
#include "families/novasr/kernels/kernels.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

using network::kRatio;

/// Latency of a channel's raw output: output t is determined by input floor((t + 37) / 3).
inline constexpr std::size_t kRawLatencyFrames = 37;

/// Inputs after which a channel no longer depends on the past, for any tile size.
inline constexpr std::size_t kMemoryFrames = 40;

/// Outputs affected by the zero padding of a layer at the start or end of a stream: 36, plus the other outputs of the
/// same tiles, whose last bits may differ. The bound is the memory of a channel minus its latency.
inline constexpr std::size_t kEdgeFrames = kRatio * kMemoryFrames - kRawLatencyFrames;

/// The arrays used by one call, allocated from scratch memory: for each layer the past rows, then room for the new
/// ones. All engines on an audio thread use the same memory in turn (the stack), so it stays in the cache; the state
/// kept between calls is small.
struct Workspace {
  /// Size in floats for the streaming tile: small enough for any thread's stack.
  static constexpr std::size_t kStackFloats = 21'000;

  /// Size in floats for tiles of `points` points.
  [[nodiscard]] static std::size_t size(std::size_t points) noexcept;

  /// `memory` must be 64-byte aligned; its contents do not matter.
  Workspace(std::size_t points, float* memory) NOVASR_RT;

  struct Rows {
    float* first = nullptr;   ///< oldest row of the past
    std::size_t history = 0;  ///< rows of the past
    [[nodiscard]] float* next() const NOVASR_RT { return first + history * kernels::kChannels; }
  };
  float* input;     ///< kInputHistory frames of the past, then the next
  Rows pre;         ///< conv_pre
  Rows activated1;  ///< first activation
  Rows convolved;   ///< conv1
  float* residual;
  float* spectra;   ///< used between the two activations; shares memory with the following arrays
  Rows window;      ///< either activation at 96 kHz
  Rows activated2;  ///< second activation
};

/// One channel of the network as a stream: keeps the rows of each layer that later tiles need, and handles the edges.
///
/// Every layer zero-pads its own input, so rows before frame 0 and after the end are set to 0 layer by layer. With T
/// inputs taken and a whole number of tiles done, each layer has gone as far as the one before lets it, and continues
/// with (the constants in network_stream.cpp derive it):
///
///   conv_pre             row T - 3            needs 3 inputs after its own
///   first up-sampler     group T - 4          six rows at 96 kHz, need 1 row of conv_pre after the group's own
///   first activation     frame 3 T - 17       the low-pass needs 8 rows at 96 kHz after its own
///   conv1                frame 3 T - 22       needs 5 frames after its own
///   second up-sampler    step 3 T - 25        two rows at 96 kHz, need 3 frames after the step's own
///   second activation    frame 3 T - 29       as the first
///   output               frame 3 T - 37       conv2 and conv_post need 8 frames after their own
class NetworkStream {
 public:
  NetworkStream(std::shared_ptr<const PreparedNetwork> network, const kernels::KernelTable& kernels);

  /// [audio] Starts a fresh stream.
  void reset() NOVASR_RT;

  /// [audio] Continues from the state of `other`, which has the same network.
  void continue_from(const NetworkStream& other) NOVASR_RT;

  /// [audio] Consumes the next tiles * tile_inputs frames and writes three times that number, delayed by
  /// kRawLatencyFrames, then up to kMaxWidth undefined frames. `total_inputs` is the length of the signal, or
  /// kUnknownLength; the input must be 0 from there on. Precondition: 1 <= tiles <= kMaxTiles.
  void process_tiles(const float* input, std::size_t tiles, std::int64_t total_inputs, const Workspace& at,
                     float* out) NOVASR_RT;

  static constexpr std::int64_t kUnknownLength = std::int64_t{1} << 60;

 private:
  /// Each of the two activations takes its share of the end.
  [[nodiscard]] std::int64_t output_length() const NOVASR_RT {
    return static_cast<std::int64_t>(kRatio) * total_ - 2 * static_cast<std::int64_t>(network::kTrim);
  }
  [[nodiscard]] bool skip_silence(const float* input, std::size_t inputs, float* out) NOVASR_RT;
  void first_activation(const Workspace& at, std::size_t inputs) NOVASR_RT;
  void second_activation(const Workspace& at, std::size_t frames) NOVASR_RT;
  [[nodiscard]] bool is_edge_group(std::int64_t group) const NOVASR_RT;
  void edge_group(std::int64_t group, const float* conv_pre_row, float* window) NOVASR_RT;
  void edge_outputs(const Workspace& at, std::size_t frames, float* out) const NOVASR_RT;
  [[nodiscard]] float edge_output(const Workspace& at, std::int64_t t) const NOVASR_RT;

  std::shared_ptr<const PreparedNetwork> network_;
  const kernels::KernelTable& kernels_;
  AlignedFloats past_;      ///< the rows of each layer that later calls need
  std::int64_t taken_ = 0;  ///< inputs before the current call
  std::size_t silent_ = 0;  ///< zeros since the last call with a non-zero input
  std::int64_t total_ = kUnknownLength;
};

}  // namespace novasr

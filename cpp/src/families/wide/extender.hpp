#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "families/wide/features.hpp"
#include "families/wide/fft.hpp"
#include "families/wide/layers.hpp"
#include "families/wide/noise.hpp"
#include "novasr/audio_view.hpp"

namespace novasr::wide {

/// How a hop is to be extended.
struct Extension {
  float cutoff_hz = 0.0f;
  float share = 1.0f;  ///< of what would be added
};

/// Computes what extends the band of all channels of a stream, hop by hop, above cut-offs that the caller gives.
class Extender {
 public:
  /// Scratch memory of a call of analyse() and extend(); small enough for any thread's stack.
  struct Workspace {
    struct Row {
      alignas(64) float re[kLineRow];
      alignas(64) float im[kLineRow];
      alignas(64) float power[kLineRow];
      FrameLevels levels;
      float raised;  ///< factor of the frame
    };
    Row rows[kMaxRows];  ///< of a group of channels: all hops of the first, then those of the next
    std::array<float, kLineRow> power[kMaxRows];  ///< of each hop, all channels added
    float loudest[kMaxRows];                      ///< of each hop, level of the loudest channel
    LayerRows layers;
  };

  Extender(std::shared_ptr<const Layers> layers, const kernels::KernelTable& kernels);

  /// [control] Allocates; ends with a reset().
  void prepare(std::size_t channels);

  /// [audio] The next hop is treated as the first of a fresh stream.
  void reset() NOVASR_RT;

  /// [any] Most hops of a call.
  [[nodiscard]] std::size_t max_hops() const NOVASR_RT { return kMaxRows / group_size(); }

  /// [audio] Computes the spectra of the next hops. `audio` begins with the hop before them and is finite.
  void analyse(AudioView<const float> audio, Workspace& work) const NOVASR_RT;

  /// [audio] Gives what is to be added to the audio, from the hops that were analysed, each in its way.
  /// `out` is one hop shorter than `audio` and begins with it: in a stream's first call, one hop before the stream.
  ///
  /// A frame without power, and one whose cut-off is kFullBandHz or more, adds exactly 0.
  void extend(AudioView<const float> audio, std::span<const Extension> extensions, Workspace& work,
              AudioView<float> out) NOVASR_RT;

 private:
  struct Channel {
    LayerHistory layers;
    LeakyAverages averages;
    std::array<float, kHop> overlap{};  ///< second half of the last frame's change
  };
  using Frame = std::array<float, kFrame>;

  [[nodiscard]] std::size_t group_size() const NOVASR_RT;
  void analyse_group(AudioView<const float> audio, std::size_t first, Workspace& work) const NOVASR_RT;
  void extend_group(AudioView<const float> audio, std::span<const Extension> extensions, std::size_t first,
                    Workspace& work, AudioView<float> out) NOVASR_RT;
  void raise(float loudest, Workspace::Row& row) const NOVASR_RT;
  void change_of(std::span<const float> audio, const Workspace::Row& row, const float* gains,
                 const Extension& extension, std::uint64_t hop, Frame& change) const NOVASR_RT;

  std::shared_ptr<const Layers> layers_;
  const kernels::KernelTable& kernels_;
  const kernels::Fft& fft_;
  const Bands& bands_;
  const Noise& noise_;
  std::vector<Channel> channels_;
  std::uint64_t hop_ = 0;  ///< number of the next one
};

}  // namespace novasr::wide

#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "novasr/audio_view.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Stands in for an engine whose output is late: the 16 kHz input, linearly interpolated to 48 kHz as the model's own
/// first layer does it (output 3 n + 1 lies on input n), and delayed so that it is aligned with the engine's output.
///
/// wet -> dry: late frames cannot be seen coming, and waiting for certainty would cost latency. So dry audio begins at
/// once, and the step against the last frame heard is added to it and decays to zero over kFadeFrames.
/// dry -> wet: both are there, so they are cross-faded over kFadeFrames.
///
/// All functions but prepare() are for one thread, allocate nothing and are wait-free.
class DryFallback {
 public:
  static constexpr std::size_t kFadeFrames = 240;  ///< 5 ms at 48 kHz

  /// [control] Allocates; ends with a reset().
  /// Precondition: latency_frames >= 3, since interpolation looks one input frame ahead.
  void prepare(std::size_t channels, std::size_t latency_frames, std::size_t max_push_frames);

  /// [audio] The next frames are the first of a fresh stream.
  void reset() NOVASR_RT;

  /// [audio] Remembers in[first, first + count).  Precondition: count <= max_push_frames.
  void push(AudioView<const float> in_16k, std::size_t first, std::size_t count) NOVASR_RT;

  /// [audio] Fills the stream's next `count` frames, out[first, first + count), with dry audio.
  /// Precondition: the stream never gets ahead of three times the frames pushed, plus the latency at its end.
  void put_dry(AudioView<float> out_48k, std::size_t first, std::size_t count) NOVASR_RT;

  /// [audio] Accepts the stream's next `count` frames as they are in `out`; blends dry audio in after a put_dry().
  void put_wet(AudioView<float> out_48k, std::size_t first, std::size_t count) NOVASR_RT;

 private:
  struct Channel {
    std::vector<float> history;  // 16 kHz, a power of two long, indexed by input frame
    float last = 0.0f;           // the frame heard last
    float step = 0.0f;           // what it differed from dry when the dry stretch began
  };
  struct State {
    std::uint64_t frames_in = 0;        // 16 kHz frames pushed
    std::uint64_t position = 0;         // 48 kHz frames put out
    std::size_t dry_age = kFadeFrames;  // frames since the last dry stretch began, at most kFadeFrames
    std::size_t wet_age = kFadeFrames;  // frames since wet audio came back, at most kFadeFrames
  };

  [[nodiscard]] float dry_at(const Channel& channel, std::uint64_t position) const NOVASR_RT;
  [[nodiscard]] float faded_dry_at(const Channel& channel, std::size_t ahead) const NOVASR_RT;
  void advance(std::size_t count) NOVASR_RT;

  std::vector<Channel> channels_;
  std::size_t latency_frames_ = 0;
  State state_;
};

}  // namespace novasr

#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "novasr/audio_view.hpp"
#include "novasr/engine.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Stands in for an engine whose output is late: the input, linearly interpolated to the output rate, and delayed so
/// that it is aligned with the engine's output.
///
/// wet -> dry: late frames cannot be seen coming, and waiting for certainty would cost latency. So dry audio begins at
/// once, and the step against the last frame heard is added to it and decays to zero over a fade.
/// dry -> wet: both are there, so they are cross-faded over a fade.
///
/// All functions but prepare() are for one thread, allocate nothing and are wait-free.
class DryFallback {
 public:
  static constexpr std::size_t kFadesPerSecond = 200;  ///< 5 ms each

  /// [control] Allocates; ends with a reset().
  /// Precondition: latency_frames >= format.ratio(), since interpolation looks one input frame ahead.
  void prepare(std::size_t channels, const EngineFormat& format, std::size_t latency_frames,
               std::size_t max_push_frames);

  /// [audio] The next frames are the first of a fresh stream.
  void reset() NOVASR_RT;

  /// [audio] Remembers the stream's next input.  Precondition: in.frames() <= max_push_frames.
  void push(AudioView<const float> in) NOVASR_RT;

  /// [audio] Fills the stream's next frames with dry audio.
  /// Precondition: the stream never gets ahead of what the frames pushed last for, plus the latency at its end.
  void write_dry(AudioView<float> out) NOVASR_RT;

  /// [audio] Accepts the stream's next frames as they are in `out`; blends dry audio in after a write_dry().
  void write_wet(AudioView<float> out) NOVASR_RT;

 private:
  struct Channel {
    std::vector<float> history;  // of the input, a power of two long, indexed by input frame
    float last = 0.0f;           // the frame heard last
    float step = 0.0f;           // what it differed from dry when the dry stretch began
  };
  struct State {
    std::uint64_t frames_in = 0;  // frames pushed
    std::uint64_t position = 0;   // frames output
    std::size_t dry_age = 0;      // frames since the last dry stretch began, at most fade_frames_
    std::size_t wet_age = 0;      // frames since wet audio came back, at most fade_frames_
  };

  [[nodiscard]] float dry_at(const Channel& channel, std::uint64_t position) const NOVASR_RT;
  [[nodiscard]] float faded_dry_at(const Channel& channel, std::size_t ahead) const NOVASR_RT;
  void advance(std::size_t count) NOVASR_RT;

  std::vector<Channel> channels_;
  EngineFormat format_;
  std::size_t latency_frames_ = 0;
  std::size_t fade_frames_ = 0;
  State state_;
};

}  // namespace novasr

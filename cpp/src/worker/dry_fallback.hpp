#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "novasr/audio_view.hpp"
#include "novasr/engine.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// Replaces the late output of an engine by the input, linearly interpolated to the output rate and delayed to align
/// with the engine's output; by silence if the engine only adds to its input.
///
/// wet -> dry: late frames cannot be predicted, and a look-ahead would add latency. So the dry audio starts
/// immediately, with an offset that removes the step from the last output frame and decays to zero over a fade.
/// dry -> wet: both signals are available, so they are crossfaded.
///
/// All functions except prepare() belong to one thread, do not allocate and are wait-free.
class DryFallback {
 public:
  static constexpr std::size_t kFadesPerSecond = 200;  ///< 5 ms each

  /// [control] Allocates; ends with a reset().
  /// Precondition: latency_frames >= format.ratio(), since interpolation looks one input frame ahead.
  void prepare(std::size_t channels, const EngineFormat& format, std::size_t latency_frames,
               std::size_t max_push_frames);

  /// [audio] The next frames are the first of a fresh stream.
  void reset() NOVASR_RT;

  /// [audio] Stores the next input of the stream.  Precondition: in.frames() <= max_push_frames.
  void push(AudioView<const float> in) NOVASR_RT;

  /// [audio] Fills the next frames of the stream with dry audio.
  /// Precondition: the output never exceeds the frames pushed, plus the latency at the end of the stream.
  void write_dry(AudioView<float> out) NOVASR_RT;

  /// [audio] Accepts the next frames of the stream in `out`; crossfades from dry audio after a write_dry().
  void write_wet(AudioView<float> out) NOVASR_RT;

 private:
  struct Channel {
    std::vector<float> history;  // ring of the input, a power of two long, indexed by input frame
    float last = 0.0f;           // the last output frame
    float step = 0.0f;           // its difference from the dry signal at the start of the dry section
  };
  struct State {
    std::uint64_t frames_in = 0;  // frames pushed
    std::uint64_t position = 0;   // frames output
    std::size_t dry_age = 0;      // frames since the start of the last dry section, at most fade_frames_
    std::size_t wet_age = 0;      // frames since the return to wet audio, at most fade_frames_
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

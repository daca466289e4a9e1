#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "concurrency/latest_value.hpp"
#include "live/clock_filter.hpp"
#include "live/drift_control.hpp"
#include "live/variable_resampler.hpp"
#include "novasr/audio_view.hpp"
#include "novasr/frame_ring.hpp"
#include "novasr/planar_buffer.hpp"
#include "novasr/realtime.hpp"

namespace novasr {

/// What a ClockBridge connects.
struct ClockBridgeSpec {
  std::uint32_t input_rate_hz = 48'000;      ///< of the input device
  std::uint32_t processed_rate_hz = 48'000;  ///< of the audio that is written
  std::uint32_t output_rate_hz = 48'000;     ///< of the output device, and of the audio that is read
  std::size_t channels = 1;
  std::size_t block_frames = 128;      ///< of the output device's callbacks, about
  std::size_t max_read_frames = 1024;  ///< per read()
};

/// The jitter buffer between two devices that do not share a clock: the input's thread writes, and the output's thread
/// reads audio resampled so that the delay between the two is constant, however their clocks drift.
class ClockBridge {
 public:
  /// Counters since the start; delays in processed frames.
  struct Stats {
    std::uint64_t underruns = 0;  ///< read() found too little audio
    std::uint64_t overruns = 0;   ///< write() found no room
    std::uint64_t resyncs = 0;    ///< the delay was far off: playback was restarted
    double delay_frames = 0.0;    ///< last measured
    double drift_ppm = 0.0;       ///< input clock against output clock
  };

  /// [control]
  explicit ClockBridge(const ClockBridgeSpec& spec);

  /// [input thread] A callback of `frames` device frames began at `seconds` of a steady clock.
  void begin_capture(double seconds, std::size_t frames) NOVASR_RT;

  /// [input thread] Appends all of `audio`, or drops it if there is no room.
  void write(AudioView<const float> audio) NOVASR_RT;

  /// [input thread] The audio of the callback has been written.
  void end_capture() NOVASR_RT;

  /// [output thread] A callback of `frames` frames began at `seconds` of the same steady clock.
  void begin_playback(double seconds, std::size_t frames) NOVASR_RT;

  /// [output thread] The next frames of the callback; silence until both clocks are known and enough audio is buffered.
  /// Precondition: 1 <= out.frames() <= max_read_frames.
  void read(AudioView<float> out) NOVASR_RT;

  /// [any] The delay to keep, from writing to reading, in processed frames.
  [[nodiscard]] double target_frames() const NOVASR_RT;

  /// [any]
  [[nodiscard]] Stats stats() const NOVASR_RT;

 private:
  struct Capture {
    ClockReading clock;  // in processed frames
    bool settled = false;
  };

  bool synchronise(double begin, std::size_t frames) NOVASR_RT;
  bool await_clocks() NOVASR_RT;
  bool try_start(double delay, double waiting) NOVASR_RT;
  void start_playing(double surplus) NOVASR_RT;
  [[nodiscard]] bool learn_headroom() NOVASR_RT;
  void pull(AudioView<float> audio) NOVASR_RT;
  void smooth_edges(AudioView<float> audio) NOVASR_RT;

  ClockBridgeSpec spec_;
  double nominal_ratio_;  // processed frames per output frame
  FrameRing ring_;

  ClockFilter capture_clock_;  // the input thread's
  std::uint64_t dropped_frames_ = 0;
  LatestValue<Capture> capture_;

  ClockFilter play_clock_;  // from here on the output thread's
  DriftControl control_;
  VariableResampler resampler_;
  PlanarBuffer pulled_;
  std::vector<float> last_in_;   // frame pulled
  std::vector<float> last_out_;  // frame played
  std::vector<float> tail_;      // decaying from the last frame before a stop
  double ratio_;
  bool playing_ = false;
  bool rendering_ = false;  // the current callback began while playing
  std::size_t fade_in_left_ = 0;
  std::uint64_t played_frames_ = 0;        // since playback started
  std::uint64_t watched_frames_ = 0;       // since both clocks settled, before playback started
  double largest_shortfall_frames_ = 0.0;  // due by the input's clock but not yet written; since either start
  bool early_underrun_ = false;            // soon after playback started

  // Each stored by one of the two threads, read by any.
  std::atomic<std::uint64_t> underruns_{0}, overruns_{0}, resyncs_{0};
  std::atomic<double> delay_frames_{0.0}, drift_ppm_{0.0}, headroom_seconds_;
};

}  // namespace novasr

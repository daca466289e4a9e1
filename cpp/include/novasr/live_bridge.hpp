#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "novasr/engine.hpp"
#include "novasr/frame_ring.hpp"
#include "novasr/parameters.hpp"
#include "novasr/processor.hpp"
#include "novasr/realtime.hpp"
#include "novasr/signal_tap.hpp"

namespace novasr {

/// The devices between which a LiveBridge stands.
struct LiveSpec {
  std::uint32_t input_rate_hz = 48'000;
  std::uint32_t output_rate_hz = 48'000;  ///< with one clock the same
  std::size_t input_channels = 1;
  std::size_t output_channels = 1;
  std::size_t block_frames = 128;  ///< of either device's callback, about; sets the delay between two clocks
  bool two_clocks = false;         ///< capture() and play() on threads of their own, instead of duplex()
  bool low_latency = false;
  bool record = false;  ///< fill the recording rings; not below 44.1 kHz
};

/// Counters since the start; levels are those since the last stats().
struct LiveStats {
  std::uint64_t input_blocks = 0;
  std::uint64_t output_blocks = 0;
  std::uint64_t input_frames = 0;
  std::uint64_t output_frames = 0;
  std::uint64_t input_xruns = 0;   ///< the device lost input, says PortAudio
  std::uint64_t output_xruns = 0;  ///< the device ran dry, says PortAudio
  std::uint64_t late_blocks = 0;   ///< took longer than they last: we were too slow
  std::uint64_t underruns = 0;     ///< two clocks: nothing was left to play
  std::uint64_t overruns = 0;      ///< two clocks: captured blocks that found no room
  std::uint64_t resyncs = 0;       ///< two clocks: stalls after which the delay was set anew
  std::uint64_t record_lost = 0;   ///< frames that the recording lost
  float input_peak = 0.0f;
  float output_peak = 0.0f;
  float load = 0.0f;  ///< time taken / time given of the callback that computes, smoothed
  float largest_load = 0.0f;
  double device_seconds = 0.0;   ///< from the microphone's to the loudspeaker's buffer, by the device's clock
  double buffered_frames = 0.0;  ///< two clocks: delay between them, in output frames
  double target_frames = 0.0;    ///< what it should be
  double drift_ppm = 0.0;        ///< two clocks: input against output
  ProcessorStats processor;
};

/// The audio threads' side of live use: input device -> Processor -> output device, called by a device driver. Devices
/// with one clock take duplex(). With two, capture() computes and play() resamples, so that the delay between them
/// stays where it is, however their crystals drift.
///
/// Channels: one on either side is spread or mixed; otherwise the first min(input, output) are played as they are, and
/// further outputs are silent.
class LiveBridge {
 public:
  /// [control] Throws ConfigError or ModelError.
  LiveBridge(std::unique_ptr<StreamingEngine> engine, const LiveSpec& spec);
  ~LiveBridge();
  LiveBridge(const LiveBridge&) = delete;
  LiveBridge& operator=(const LiveBridge&) = delete;

  /// What the driver says of a block.
  struct Report {
    double device_seconds = 0.0;  ///< from input to output buffer; 0 = not known
    bool input_xrun = false;
    bool output_xrun = false;
  };

  /// [audio] Interleaved audio of so many frames; `in` null = silence.
  void duplex(const float* in, float* out, std::size_t frames, const Report& report) NOVASR_RT;

  /// [audio, input thread] `seconds`: of a steady clock, when the callback began.
  void capture(const float* in, std::size_t frames, double seconds, const Report& report) NOVASR_RT;

  /// [audio, output thread]
  void play(float* out, std::size_t frames, double seconds, const Report& report) NOVASR_RT;

  /// [control] Processor::set_parameters().
  void set_parameters(const Parameters& parameters);

  /// [control] Levels begin anew.
  [[nodiscard]] LiveStats stats() noexcept;

  /// [any] Our own delay in output frames, devices apart: the chain's, and that between two clocks.
  [[nodiscard]] double latency_frames() const noexcept;

  /// [any] The chain's part of it, in processed frames: by so much `recorded_after` lags.
  [[nodiscard]] std::size_t chain_latency_frames() const noexcept;

  /// [any] Of what capture() and duplex() put out, and of the recording.
  [[nodiscard]] std::uint32_t processed_rate_hz() const noexcept;
  [[nodiscard]] std::size_t processed_channels() const noexcept;

  /// [one reading thread] For meters: the input at its rate, the output at its own. Their peaks belong to stats().
  [[nodiscard]] SignalTap& before() noexcept;
  [[nodiscard]] SignalTap& after() noexcept;

  /// [one reading thread] With LiveSpec::record: what went in and came out, the same number of frames at the same
  /// time; processed_channels() channels.
  [[nodiscard]] FrameRing& recorded_before() noexcept;
  [[nodiscard]] FrameRing& recorded_after() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace novasr

#pragma once
#include <array>
#include <cstddef>

#include "novasr/processor.hpp"
#include "novasr/realtime.hpp"

namespace novasr::headless {

inline constexpr std::size_t kMaxChannels = 2;

/// The ports of a plugin, in this order; where it has two channels, two audio ports of each kind.
enum class PortKind { enabled, mix, high_band_gain, latency, input, output, mode };

struct Port {
  PortKind kind = PortKind::enabled;
  std::size_t channel = 0;  ///< of an audio port
};

/// All ports of a plugin of this library.
class PortList {
 public:
  constexpr PortList(std::size_t channels, bool has_mode) {
    for (const PortKind kind : {PortKind::enabled, PortKind::mix, PortKind::high_band_gain, PortKind::latency})
      ports_[count_++] = {kind};
    for (const PortKind kind : {PortKind::input, PortKind::output})
      for (std::size_t c = 0; c < channels; ++c) ports_[count_++] = {kind, c};
    if (has_mode) ports_[count_++] = {PortKind::mode};
  }

  [[nodiscard]] constexpr std::size_t size() const { return count_; }
  [[nodiscard]] constexpr const Port& operator[](std::size_t index) const { return ports_[index]; }

  static constexpr std::size_t kMaxSize = 5 + 2 * kMaxChannels;

 private:
  std::array<Port, kMaxSize> ports_{};
  std::size_t count_ = 0;
};

/// An instance of a plugin: the library's model behind ports that the host connects.
class Effect {
 public:
  /// [control] Throws ConfigError for a rate outside of 8 to 192 kHz.
  Effect(const PortList& ports, std::size_t channels, double rate_hz);

  /// [audio] `data` stays the host's. Ports that never were connected have their default; without all audio ports,
  /// run() writes the latency alone.
  void connect(std::size_t port, float* data) NOVASR_RT;

  /// [audio] The next block is the first of a fresh stream.
  void activate() NOVASR_RT;

  /// [audio] Any number of frames; outputs may share the memory of inputs. Control values outside of their range are
  /// limited to it; NaN is the default.
  void run(std::size_t frames) NOVASR_RT;

 private:
  [[nodiscard]] Parameters parameters() const NOVASR_RT;

  PortList ports_;
  std::size_t channels_;
  Processor processor_;
  const float* enabled_ = nullptr;
  const float* mix_ = nullptr;
  const float* high_band_gain_ = nullptr;
  const float* mode_ = nullptr;
  float* latency_ = nullptr;
  std::array<const float*, kMaxChannels> inputs_{};
  std::array<float*, kMaxChannels> outputs_{};
};

}  // namespace novasr::headless

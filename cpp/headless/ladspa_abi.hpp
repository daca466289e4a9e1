#pragma once

/// The binary interface of LADSPA 1.1, as far as a plugin without run_adding() needs it: https://www.ladspa.org.
namespace ladspa {

struct Descriptor;
using Handle = void*;

inline constexpr int kHardRealTime = 0x4;                                        // properties of a plugin
inline constexpr int kInput = 0x1, kOutput = 0x2, kControl = 0x4, kAudio = 0x8;  // of a port
inline constexpr int kBoundedBelow = 0x1, kBoundedAbove = 0x2, kToggled = 0x4, kInteger = 0x20;  // of its range
inline constexpr int kDefault0 = 0x200, kDefault1 = 0x240;

struct PortRangeHint {
  int hints = 0;
  float lower = 0.0f, upper = 0.0f;
};

struct Descriptor {
  unsigned long unique_id = 0;
  const char* label = nullptr;
  int properties = 0;
  const char* name = nullptr;
  const char* maker = nullptr;
  const char* copyright = nullptr;
  unsigned long port_count = 0;
  const int* port_descriptors = nullptr;
  const char* const* port_names = nullptr;
  const PortRangeHint* port_range_hints = nullptr;
  void* implementation_data = nullptr;
  Handle (*instantiate)(const Descriptor*, unsigned long sample_rate) = nullptr;
  void (*connect_port)(Handle, unsigned long port, float* data) = nullptr;
  void (*activate)(Handle) = nullptr;
  void (*run)(Handle, unsigned long frames) = nullptr;
  void (*run_adding)(Handle, unsigned long frames) = nullptr;
  void (*set_run_adding_gain)(Handle, float gain) = nullptr;
  void (*deactivate)(Handle) = nullptr;
  void (*cleanup)(Handle) = nullptr;
};

}  // namespace ladspa

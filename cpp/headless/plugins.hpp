#pragma once
#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>

#include "effect.hpp"

#define NOVASR_HEADLESS_URI "https://novasr.live/plugins/headless/" NOVASR_HEADLESS_MODEL

namespace novasr::headless {

/// A plugin as hosts list it: the library's model with this many channels.
struct Plugin {
  std::size_t channels = 1;
  PortList ports = PortList(1, false);
  const char* uri = "";         ///< of LV2
  unsigned long unique_id = 0;  ///< of LADSPA
  const char* label = "";       ///< of LADSPA
  const char* name = "";
};

inline constexpr bool kHasMode = NOVASR_HEADLESS_HAS_MODE;
inline constexpr std::array kPlugins{
    Plugin{1, PortList(1, kHasMode), NOVASR_HEADLESS_URI "-mono", NOVASR_HEADLESS_FIRST_ID,
           "novasr_" NOVASR_HEADLESS_MODEL "_mono", "NovaSR " NOVASR_HEADLESS_MODEL ", mono"},
    Plugin{2, PortList(2, kHasMode), NOVASR_HEADLESS_URI "-stereo", NOVASR_HEADLESS_FIRST_ID + 1,
           "novasr_" NOVASR_HEADLESS_MODEL "_stereo", "NovaSR " NOVASR_HEADLESS_MODEL ", stereo"},
};

/// [control] An instance, or null where there is none at this rate; the reason goes to stderr.
inline Effect* make_effect(const Plugin& plugin, double rate_hz) noexcept {
  try {
    return new Effect(plugin.ports, plugin.channels, rate_hz);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", plugin.name, error.what());
    return nullptr;
  }
}

}  // namespace novasr::headless

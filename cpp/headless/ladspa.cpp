// The plugins of this library as LADSPA hosts see them.
#include <array>
#include <cstddef>

#include "ladspa_abi.hpp"
#include "plugins.hpp"

namespace novasr::headless {
namespace {

Effect* effect_of(ladspa::Handle handle) NOVASR_RT {
  return static_cast<Effect*>(handle);
}

constexpr int direction_of(PortKind kind) {
  return kind == PortKind::output || kind == PortKind::latency ? ladspa::kOutput : ladspa::kInput;
}

constexpr int type_of(PortKind kind) {
  return kind == PortKind::input || kind == PortKind::output ? ladspa::kAudio : ladspa::kControl;
}

constexpr ladspa::PortRangeHint range(const ParameterInfo& info, int hints) {
  return {ladspa::kBoundedBelow | ladspa::kBoundedAbove | hints, info.low, info.high};
}

constexpr ladspa::PortRangeHint range_of(PortKind kind) {
  switch (kind) {
    case PortKind::enabled:
      return {ladspa::kToggled | ladspa::kDefault1};
    case PortKind::mix:
      return range(kMixInfo, ladspa::kDefault1);
    case PortKind::high_band_gain:
      return range(kHighBandGainInfo, ladspa::kDefault0);
    case PortKind::mode:
      return range(kModeInfo, ladspa::kInteger | ladspa::kDefault0);
    default:
      return {};
  }
}

constexpr const char* name_of(const Port& port, std::size_t channels) {
  constexpr std::array kInputs{"Input L", "Input R"}, kOutputs{"Output L", "Output R"};
  switch (port.kind) {
    case PortKind::enabled:
      return "Enabled";
    case PortKind::mix:
      return "Mix";
    case PortKind::high_band_gain:
      return "High band gain (dB)";
    case PortKind::latency:
      return "latency";  // hosts know it by this name
    case PortKind::input:
      return channels == 1 ? "Input" : kInputs[port.channel];
    case PortKind::output:
      return channels == 1 ? "Output" : kOutputs[port.channel];
    case PortKind::mode:
      return "Mode";
  }
  return "";
}

/// What a descriptor points to.
struct Tables {
  std::array<int, PortList::kMaxSize> descriptors{};
  std::array<const char*, PortList::kMaxSize> names{};
  std::array<ladspa::PortRangeHint, PortList::kMaxSize> ranges{};

  constexpr explicit Tables(const Plugin& plugin) {
    for (std::size_t i = 0; i < plugin.ports.size(); ++i) {
      const Port port = plugin.ports[i];
      descriptors[i] = direction_of(port.kind) | type_of(port.kind);
      names[i] = name_of(port, plugin.channels);
      ranges[i] = range_of(port.kind);
    }
  }
};

constexpr std::array kTables{Tables(kPlugins[0]), Tables(kPlugins[1])};

template <std::size_t index>
ladspa::Handle instantiate(const ladspa::Descriptor* /*descriptor*/, unsigned long rate_hz) noexcept {
  return make_effect(kPlugins[index], static_cast<double>(rate_hz));
}

template <std::size_t index>
constexpr ladspa::Descriptor describe() {
  const Plugin& plugin = kPlugins[index];
  const Tables& tables = kTables[index];
  return {
      .unique_id = plugin.unique_id,
      .label = plugin.label,
      .properties = ladspa::kHardRealTime,  // its time is bounded; digital silence takes less
      .name = plugin.name,
      .maker = "NovaSR Live",
      .copyright = "Apache-2.0",
      .port_count = plugin.ports.size(),
      .port_descriptors = tables.descriptors.data(),
      .port_names = tables.names.data(),
      .port_range_hints = tables.ranges.data(),
      .instantiate = instantiate<index>,
      .connect_port = [](ladspa::Handle handle, unsigned long port, float* data)
                          NOVASR_RT { effect_of(handle)->connect(port, data); },
      .activate = [](ladspa::Handle handle) NOVASR_RT { effect_of(handle)->activate(); },
      .run = [](ladspa::Handle handle, unsigned long frames) NOVASR_RT { effect_of(handle)->run(frames); },
      .cleanup = [](ladspa::Handle handle) noexcept { delete effect_of(handle); },
  };
}

constexpr std::array kDescriptors{describe<0>(), describe<1>()};

}  // namespace
}  // namespace novasr::headless

extern "C" [[gnu::visibility("default")]] const ladspa::Descriptor* ladspa_descriptor(unsigned long index) noexcept {
  const auto& all = novasr::headless::kDescriptors;
  return index < all.size() ? &all[index] : nullptr;
}

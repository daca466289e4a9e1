// The plugins of this library as LV2 hosts see them; their ports are described in bundle/plugins.ttl.
#include <array>
#include <cstddef>
#include <cstdint>

#include "lv2_abi.hpp"
#include "plugins.hpp"

namespace novasr::headless {
namespace {

Effect* effect_of(lv2::Handle handle) NOVASR_RT {
  return static_cast<Effect*>(handle);
}

template <std::size_t index>
lv2::Handle instantiate(const lv2::Descriptor* /*descriptor*/, double rate_hz, const char* /*bundle*/,
                        const lv2::Feature* const* /*features*/) noexcept {
  return make_effect(kPlugins[index], rate_hz);
}

template <std::size_t index>
constexpr lv2::Descriptor describe() {
  return {
      .uri = kPlugins[index].uri,
      .instantiate = instantiate<index>,
      .connect_port = [](lv2::Handle handle, std::uint32_t port, void* data)
                          NOVASR_RT { effect_of(handle)->connect(port, static_cast<float*>(data)); },
      .activate = [](lv2::Handle handle) NOVASR_RT { effect_of(handle)->activate(); },
      .run = [](lv2::Handle handle, std::uint32_t frames) NOVASR_RT { effect_of(handle)->run(frames); },
      .cleanup = [](lv2::Handle handle) noexcept { delete effect_of(handle); },
  };
}

constexpr std::array kDescriptors{describe<0>(), describe<1>()};

}  // namespace
}  // namespace novasr::headless

extern "C" [[gnu::visibility("default")]] const lv2::Descriptor* lv2_descriptor(std::uint32_t index) noexcept {
  const auto& all = novasr::headless::kDescriptors;
  return index < all.size() ? &all[index] : nullptr;
}

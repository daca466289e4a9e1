#pragma once
#include <cstdint>

/// The binary interface of LV2's core: https://lv2plug.in/ns/lv2core.
namespace lv2 {

using Handle = void*;

struct Feature {
  const char* uri;
  void* data;
};

struct Descriptor {
  const char* uri = nullptr;
  Handle (*instantiate)(const Descriptor*, double sample_rate, const char* bundle, const Feature* const*) = nullptr;
  void (*connect_port)(Handle, std::uint32_t port, void* data) = nullptr;
  void (*activate)(Handle) = nullptr;
  void (*run)(Handle, std::uint32_t frames) = nullptr;
  void (*deactivate)(Handle) = nullptr;
  void (*cleanup)(Handle) = nullptr;
  const void* (*extension_data)(const char* uri) = nullptr;
};

}  // namespace lv2

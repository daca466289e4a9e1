// SPDX-License-Identifier: GPL-3.0-or-later
#include "state_blob.hpp"

#include <bit>
#include <cstring>
#include <stdexcept>

namespace novasr::host {
namespace {

constexpr std::size_t kPrefix = 20;

static_assert(std::endian::native == std::endian::little, "states are little-endian");

Bytes bytes_of(const auto& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// CRC-32 (ISO 3309), by the polynomial division itself.
std::uint32_t crc32(const Bytes& bytes) {
  std::uint32_t remainder = 0xffffffffu;
  for (const char byte : bytes) {
    remainder ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) remainder = remainder % 2 != 0 ? remainder / 2 ^ 0xedb88320u : remainder / 2;
  }
  return ~remainder;
}

std::unique_ptr<juce::XmlElement> host_xml(juce::AudioPluginInstance& instance) {
  juce::MemoryBlock block;
  instance.getStateInformation(block);
  return juce::AudioProcessor::getXmlFromBinary(block.getData(), static_cast<int>(block.getSize()));
}

}  // namespace

Bytes make_state(const std::string& header, std::span<const float> values, std::uint32_t version) {
  const Bytes count = version < 2 ? Bytes{} : bytes_of(static_cast<std::uint32_t>(values.size()));
  const Bytes weights(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  const Bytes checked = bytes_of(static_cast<std::uint32_t>(header.size())) + count + header + weights;
  return "NvSR" + bytes_of(version) + bytes_of(crc32(checked)) + checked;
}

Bytes make_state(const std::string& header, const ModelWeights& weights, std::uint32_t version) {
  const auto* const values = reinterpret_cast<const float*>(&weights);
  return make_state(header, std::span(values, sizeof weights / sizeof(float)), version);
}

Bytes state_of(juce::AudioPluginInstance& instance) {
  juce::MemoryBlock block;
  if (!block.fromBase64Encoding(host_xml(instance)->getChildElementAllSubText("IComponent", {})))
    throw std::runtime_error("the instance stored nothing");
  return {static_cast<const char*>(block.getData()), block.getSize()};
}

void restore(juce::AudioPluginInstance& instance, const Bytes& state) {
  juce::XmlElement xml("VST3PluginState");
  xml.createNewChildElement("IComponent")
      ->addTextElement(juce::MemoryBlock(state.data(), state.size()).toBase64Encoding());
  juce::MemoryBlock block;
  juce::AudioProcessor::copyXmlToBinary(xml, block);
  instance.setStateInformation(block.getData(), static_cast<int>(block.getSize()));
}

juce::var header_of(const Bytes& state) {
  std::uint32_t size = 0;
  std::memcpy(&size, state.data() + 12, sizeof size);
  return juce::JSON::parse(juce::String::fromUTF8(state.data() + kPrefix, static_cast<int>(size)));
}

juce::var stored_parameters(juce::AudioPluginInstance& instance) {
  return header_of(state_of(instance))["parameters"];
}

Bytes content_of(juce::AudioPluginInstance& instance) {
  const auto state = state_of(instance);
  auto header = header_of(state);
  header.getDynamicObject()->removeProperty("problem");
  std::uint32_t header_size = 0;
  std::memcpy(&header_size, state.data() + 12, sizeof header_size);
  return juce::JSON::toString(header).toStdString() + state.substr(kPrefix + header_size, sizeof(ModelWeights));
}

ModelWeights other_weights(float scale) {
  auto weights = *default_weights();
  for (float& value : weights.conv_post_weight) value *= scale;
  return weights;
}

}  // namespace novasr::host

// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "novasr/model.hpp"
#include "sound.hpp"
#include "state_blob.hpp"

using namespace novasr;

namespace {

std::shared_ptr<const Model> neutral_model(const ModelFamily& family) {
  const auto path = std::filesystem::path(NOVASR_TEST_FAMILIES) / family.name / "neutral.safetensors";
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  return read_model(std::as_bytes(std::span(bytes)));
}

}  // namespace

TEST_CASE("Families: a session may contain a model of any family, and the plugin reports its latency") {
  for (const ModelFamily* family : model_families()) {
    if (family == model_families().front()) continue;
    INFO(family->name);
    const auto model = neutral_model(*family);
    for (const double rate : {44'100.0, 48'000.0}) {
      const auto instance = host::open(host::Format::vst3, rate);
      host::restore(*instance, host::make_state(R"({"parameters": {"mode": "full"}, "family": ")" +
                                                    std::string(family->name) + "\"}",
                                                model->values()));
      host::run_messages(50);
      const auto hz = static_cast<std::uint32_t>(rate);
      Processor processor(model->make_engine());
      processor.prepare(
          {.sample_rate_hz = hz, .output_rate_hz = hz, .channels = 2, .max_block_frames = kMaxBlockFrames});
      REQUIRE(instance->getLatencySamples() == static_cast<int>(processor.latency_frames()));

      const auto input = host::noise(2, 9'600);
      auto in = input;
      test::Audio wanted(2, 9'600);
      processor.apply({.mode = Mode::full});
      processor.process(in.view(), wanted.view());
      REQUIRE(host::difference(host::played(*instance, input), wanted) <= 1e-6f);
      REQUIRE(host::header_of(host::state_of(*instance))["family"].toString().toStdString() == family->name);
    }
  }
}

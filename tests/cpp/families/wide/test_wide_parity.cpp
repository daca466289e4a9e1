#include <bit>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "wide_support.hpp"

using namespace novasr;
using namespace novasr::test;
using namespace novasr::wide;

namespace {

constexpr float kCutoffsHz[] = {8'000.0f, 4'000.0f, 16'000.0f, 11'000.0f};  // as in tests/families/wide/make.py
constexpr std::size_t kHopsOfEach = 7;

/// Output of the network in PyTorch, from tests/families/wide/make.py.
std::vector<float> reference() {
  static_assert(std::endian::native == std::endian::little);
  const auto path = std::filesystem::path(NOVASR_TEST_FAMILIES) / "wide" / "reference.f32";
  std::vector<float> output(std::filesystem::file_size(path) / sizeof(float));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(output.data()), static_cast<std::streamsize>(output.size() * sizeof(float)));
  REQUIRE(file);
  return output;
}

std::vector<float> recording(Uniform& uniform, std::size_t frames) {
  std::vector<float> audio(frames);
  double value = 0.0;
  for (float& sample : audio) {
    value = 0.9 * value + 0.1 * uniform();
    sample = static_cast<float>(value);
  }
  return audio;
}

/// Extends a recording hop by hop, each with its own cut-off.
std::vector<float> extended(Extender& extender, const std::vector<float>& audio) {
  const std::size_t hops = (audio.size() + kHop - 1) / kHop + 1;
  Audio input(1, (hops + 1) * kHop), output(1, hops * kHop);
  std::ranges::copy(audio, input[0].begin() + kHop);
  extender.prepare(1);
  Extender::Workspace work;  // NOLINT(cppcoreguidelines-pro-type-member-init): analyse() writes it
  for (std::size_t hop = 0; hop < hops; ++hop) {
    const Extension extension{.cutoff_hz = kCutoffsHz[hop / kHopsOfEach]};
    const auto frame = input.view(hop * kHop, kFrame);
    extender.analyse(frame, work);
    extender.extend(frame, std::span(&extension, 1), work, output.view(hop * kHop, kHop));
  }
  std::vector<float> result = audio;
  for (std::size_t i = 0; i < result.size(); ++i) result[i] += output[0][kHop + i];
  return result;
}

}  // namespace

TEST_CASE("WideEngine: equals the network in PyTorch, with a cut-off that changes", "[wide]") {
  const std::vector<float> expected = reference();
  Uniform uniform;
  const std::shared_ptr<const Layers> layers = Layers::from_values(lively_values(uniform));
  const std::vector<float> audio = recording(uniform, expected.size());
  for (const auto& [name, kernels] : all_wide_kernels()) {
    INFO(name);
    Extender extender(layers, kernels);
    const std::vector<float> output = extended(extender, audio);
    double error = 0.0, change = 0.0;
    for (std::size_t i = 0; i < output.size(); ++i) {
      error = std::max(error, std::abs(static_cast<double>(output[i]) - static_cast<double>(expected[i])));
      change = std::max(change, std::abs(static_cast<double>(expected[i]) - static_cast<double>(audio[i])));
    }
    CHECK(error < 3e-6);  // both round to float32
    CHECK(change > 0.01);
  }
}

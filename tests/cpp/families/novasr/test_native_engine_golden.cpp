#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "all_kernels.hpp"
#include "families/novasr/native_engine.hpp"
#include "native_support.hpp"

using namespace novasr;
using namespace novasr::test;

namespace {

const std::filesystem::path kGolden = NOVASR_GOLDEN_DIR;  // written by support/convert_golden.py

std::vector<float> read_floats(const std::string& name) {
  std::ifstream file(kGolden / name, std::ios::binary);
  REQUIRE(file);
  std::vector<float> values(std::filesystem::file_size(kGolden / name) / sizeof(float));
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

std::shared_ptr<const ModelWeights> read_weights(const std::string& name) {
  std::ifstream file(kGolden / name, std::ios::binary);
  REQUIRE(file);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const auto model = read_model(std::as_bytes(std::span(bytes)));
  return std::make_shared<const ModelWeights>(ModelWeights::from_values(model->values()));
}

}  // namespace

TEST_CASE("NativeEngine: v1 and v2 agree with recorded float64 outputs of the published network", "[native][golden]") {
  if (!std::filesystem::exists(kGolden / "cases.txt")) {
    const char* ci = std::getenv("CI");
    if (ci != nullptr && std::string(ci) == "true") {
      FAIL("no recorded outputs in " << kGolden << ", and CI=true: set NOVASR_SHARED to the folder that has golden/, "
                                     << "or unset CI to skip the test");
    }
    WARN("skipped: no recorded outputs in " << kGolden << "; set NOVASR_SHARED to the folder that has golden/");
    return;
  }
  for (const std::string version : {"v1", "v2"}) {
    const auto weights = read_weights("weights_" + version + ".safetensors");
    for (const auto& [kernels, table, fused] : all_kernels()) {
#if defined(NOVASR_SLOW_BUILD)
      if (kernels == "16 wide") continue;  // takes minutes without its instruction set
#endif
      for (const Tile tile : {Tile::streaming, Tile::offline}) {
        NativeEngine engine(weights, tile, table);
        engine.prepare({.channels = 1, .max_block_frames = 1 << 16});
        Difference worst{.peak = 0.0, .snr_db = 300.0};
        std::ifstream cases(kGolden / "cases.txt");
        for (std::string name; std::getline(cases, name);) {
#if defined(NOVASR_SLOW_BUILD)
          if (name.starts_with("speech")) continue;  // takes minutes and covers no more than the short signals
#endif
          const auto expected = read_floats(name + "." + version + ".f32");
          const auto [peak, snr_db] = difference(run_whole(engine, read_floats(name + ".input.f32")), expected);
          INFO(kernels << ", " << version << ", " << name << ": error " << peak << ", SNR " << snr_db);
          CHECK(peak < 1.5e-6);
          worst.peak = std::max(worst.peak, peak);
          // The SNR says little for a few samples, or if the output is mostly the network's own -60 dB offset.
          if (expected.size() > 1000 && name != "silence" && name != "impulse") {
            worst.snr_db = std::min(worst.snr_db, snr_db);
            CHECK(snr_db > (fused ? 120.0 : 116.0));
          } else if (name == "impulse") {
            CHECK(snr_db > 110.0);
          }
        }
        std::printf("%s %s, latency %zu: worst error %.2e, worst SNR %.1f dB\n", kernels.c_str(), version.c_str(),
                    engine.latency_frames(), worst.peak, worst.snr_db);
      }
    }
  }
}

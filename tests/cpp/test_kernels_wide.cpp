#include <catch2/catch.hpp>

#include "kernels/kernels.hpp"
#include "native_support.hpp"
#include "novasr/native_engine.hpp"
#include "reference_network.hpp"

using namespace novasr;
using namespace novasr::testing;

namespace novasr::kernels {
extern const KernelTable kWide16Table;  // the 16-float body, lowered to what this processor has
}

TEST_CASE("Kernels: the body of AVX-512 computes the network on a processor without it", "[native]") {
  const auto input = noise(500, 0.1f);
  const auto expected = reference_network(*default_weights(), input);
  for (const Tile tile : {Tile::streaming, Tile::offline}) {
    NativeEngine engine(default_weights(), tile, kernels::kWide16Table);
    engine.prepare({.channels = 1, .max_block_frames = 1000});
    const auto whole = run_whole(engine, input);
    const auto [peak, snr_db] = difference(whole, expected);
    INFO("error " << peak << ", SNR " << snr_db);
    CHECK(peak < 1.5e-6);
    CHECK(snr_db > 116.0);

    const auto stream = run_stream(engine, input, [] { return std::size_t{17}; });
    CHECK(
        std::equal(whole.begin(), whole.end(), stream.begin() + static_cast<std::ptrdiff_t>(engine.latency_frames())));
  }
}

#include <catch2/catch.hpp>
#include <cmath>

#include "families/novasr/native_engine.hpp"
#include "families/novasr/weights.hpp"
#include "native_support.hpp"
#include "novasr/errors.hpp"

using namespace novasr;
using namespace novasr::test;

TEST_CASE("ModelWeights: the values come back in the published order", "[weights]") {
  const auto values = values_of(*default_weights());
  REQUIRE(values.size() == default_model()->family().value_count());
  REQUIRE(std::ranges::equal(values, default_model()->values()));
  const auto read = ModelWeights::from_values(values);
  REQUIRE(values_of(read) == values);
  REQUIRE(read.conv_pre_weight[0] == values.front());
  REQUIRE(read.conv_post_weight.back() == values.back());
}

TEST_CASE("ModelWeights: a wrong count is rejected, naming the tensor", "[weights]") {
  auto values = values_of(*default_weights());
  REQUIRE_THROWS_WITH(ModelWeights::from_values(std::span(values).first(100)), Catch::Contains("conv_pre.weight"));
  REQUIRE_THROWS_WITH(ModelWeights::from_values(std::span(values).first(values.size() - 1)),
                      Catch::Contains("conv_post.weight"));
  values.push_back(0.0f);
  REQUIRE_THROWS_AS(ModelWeights::from_values(values), ModelError);
}

TEST_CASE("ModelWeights: a value that is not finite is rejected, naming tensor and index", "[weights]") {
  auto values = values_of(*default_weights());
  values[224 + 5] = std::nanf("");
  REQUIRE_THROWS_WITH(ModelWeights::from_values(values), Catch::Contains("conv_pre.bias[5]"));
}

TEST_CASE("ModelWeights: an anti-aliasing filter that is not symmetric is rejected", "[weights]") {
  auto weights = *default_weights();
  weights.activations[1].downsample_filter[3] += 0.01f;
  REQUIRE_THROWS_WITH(ModelWeights::from_values(values_of(weights)),
                      Catch::Contains("resblocks.0.activations.1.downsample.lowpass.filter is not symmetric"));
}

TEST_CASE("ModelWeights: the default model is one object", "[weights]") {
  REQUIRE(default_model() == default_model());
}

TEST_CASE("NativeEngine: weights whose folding overflows are rejected", "[weights]") {
  auto weights = *default_weights();
  weights.activations[0].alpha[0] = 200.0f;
  REQUIRE_THROWS_AS(NativeEngine(std::make_shared<const ModelWeights>(weights)), ModelError);
}

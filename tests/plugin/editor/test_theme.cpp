// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "editor/Theme.h"

namespace {
/// https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
double luminance(juce::Colour colour) {
  const auto linear = [](float channel) {
    return channel <= 0.04045f ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(colour.getFloatRed()) + 0.7152 * linear(colour.getFloatGreen()) +
         0.0722 * linear(colour.getFloatBlue());
}

double contrast(juce::Colour one, juce::Colour other) {
  const auto [darker, lighter] = std::minmax({luminance(one), luminance(other)});
  return (lighter + 0.05) / (darker + 0.05);
}
}  // namespace

TEST_CASE("Theme: text has enough contrast (WCAG 2 AA)") {
  REQUIRE(contrast(juce::Colours::black, juce::Colours::white) == Approx(21.0));
  REQUIRE(contrast(palette::panel, palette::background) < 4.5);
  for (const auto& ground : {palette::background, palette::plot, palette::panel})
    for (const auto& text : {palette::text, palette::dimText, palette::output, palette::warning, palette::error})
      CHECK(contrast(ground, text) >= 4.5);
  CHECK(contrast(palette::control, palette::text) >= 4.5);
  for (const auto& lit : {palette::output, palette::warning}) CHECK(contrast(lit, palette::background) >= 4.5);
}

#include "text/numbers.hpp"

#include <array>
#if defined(__wasm__)
#  include <cstdio>
#else
#  include <charconv>
#endif

namespace novasr {
namespace {

using Digits = std::array<char, 400>;  // %f of the largest number has 309 before the point

}  // namespace

#if defined(__wasm__)  // without locales, and std::to_chars brings tables of 110 kB

std::string fixed_text(double value, int decimals) {
  Digits digits;
  std::snprintf(digits.data(), digits.size(), "%.*f", decimals, value);
  return digits.data();
}

std::string general_text(double value) {
  Digits digits;
  std::snprintf(digits.data(), digits.size(), "%g", value);
  return digits.data();
}

#else

namespace {

std::string text(double value, std::chars_format format, int precision) {
  Digits digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, format, precision).ptr;
  return {digits.data(), end};
}

}  // namespace

std::string fixed_text(double value, int decimals) {
  return text(value, std::chars_format::fixed, decimals);
}

std::string general_text(double value) {
  constexpr int kDigits = 6;
  return text(value, std::chars_format::general, kDigits);
}

#endif

}  // namespace novasr

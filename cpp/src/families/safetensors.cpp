#include "families/safetensors.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include "novasr/errors.hpp"

namespace novasr {
namespace {

constexpr std::uint64_t kLargestHeader = 1 << 20;

[[noreturn]] void refuse() {
  throw ModelError("is not a .safetensors file of a NovaSR checkpoint");
}

template <typename Unsigned>
Unsigned little_endian(const std::byte* bytes) {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = static_cast<Unsigned>(value | static_cast<Unsigned>(std::to_integer<Unsigned>(bytes[i]) << (8 * i)));
  return value;
}

/// Parser for the JSON subset of the header: an object of objects of strings, integers and lists of integers.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view json) : rest_(json) {}

  /// Calls member(key) for each member of an object; the callback must read the value.
  template <typename Member>
  void read_object(Member member) {
    expect('{');
    if (accept('}')) return;
    do {
      const std::string key = read_string();
      expect(':');
      member(key);
    } while (accept(','));
    expect('}');
  }

  [[nodiscard]] std::vector<std::size_t> read_numbers() {
    std::vector<std::size_t> numbers;
    expect('[');
    if (accept(']')) return numbers;
    do numbers.push_back(read_number());
    while (accept(','));
    expect(']');
    return numbers;
  }

  [[nodiscard]] std::string read_string() {
    expect('"');
    std::string text;
    while (!rest_.empty() && rest_.front() != '"') text += read_character();
    expect_here('"');
    return text;
  }

  void expect_end() {
    skip_space();
    if (!rest_.empty()) refuse();
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  bool accept(char c) {
    skip_space();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!accept(c)) refuse();
  }

  void expect_here(char c) {
    if (rest_.empty() || rest_.front() != c) refuse();
    rest_.remove_prefix(1);
  }

  std::size_t read_number() {
    skip_space();
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc()) refuse();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return number;
  }

  std::string read_character() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != '\\') return {c};
    if (rest_.empty()) refuse();
    const char escaped = rest_.front();
    rest_.remove_prefix(1);
    if (escaped == 'u') return read_code_unit();
    constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    const std::size_t which = kEscapes.find(escaped);
    if (which == std::string_view::npos) refuse();
    return {kMeanings[which]};
  }

  /// Returns UTF-8; each half of a surrogate pair becomes a replacement character: our names contain none.
  std::string read_code_unit() {
    unsigned code = 0;
    const std::string_view digits = rest_.substr(0, 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (error != std::errc() || end != digits.data() + 4) refuse();
    rest_.remove_prefix(4);
    if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
    if (code < 0x80) return {static_cast<char>(code)};
    if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
    return {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)),
            static_cast<char>(0x80 | (code & 0x3f))};
  }

  std::string_view rest_;
};

Tensor read_tensor(HeaderReader& header, const std::string& name, std::span<const std::byte> data) {
  Tensor tensor;
  std::vector<std::size_t> offsets;
  header.read_object([&](const std::string& key) {
    if (key == "dtype")
      tensor.type = header.read_string();
    else if (key == "shape")
      tensor.shape = header.read_numbers();
    else if (key == "data_offsets")
      offsets = header.read_numbers();
    else
      refuse();
  });
  if (offsets.size() != 2) throw ModelError("is damaged: " + name + " lies nowhere in it");
  if (offsets[1] < offsets[0] || offsets[1] > data.size()) throw ModelError("is damaged: " + name + " lies outside it");
  tensor.data = data.subspan(offsets[0], offsets[1] - offsets[0]);
  return tensor;
}

/// IEEE 754 binary16.
float from_half(std::uint16_t bits) {
  const float sign = (bits & 0x8000u) != 0 ? -1.0f : 1.0f;
  const int exponent = (bits >> 10) & 0x1f;
  const auto fraction = static_cast<float>(bits & 0x3ffu);
  if (exponent == 31)
    return sign * (fraction > 0.0f ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity());
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024.0f + fraction, exponent - 25));
}

float from_bfloat(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace

SafetensorsFile parse_safetensors(std::span<const std::byte> file) {
  constexpr std::size_t kPrefix = sizeof(std::uint64_t);
  if (file.size() < kPrefix) refuse();
  const auto header_size = little_endian<std::uint64_t>(file.data());
  if (header_size > std::min<std::uint64_t>(kLargestHeader, file.size() - kPrefix)) refuse();
  const auto size = static_cast<std::size_t>(header_size);
  const std::span<const std::byte> data = file.subspan(kPrefix + size);

  SafetensorsFile read;
  HeaderReader header({reinterpret_cast<const char*>(file.data()) + kPrefix, size});
  header.read_object([&](const std::string& name) {
    if (name == "__metadata__")
      header.read_object([&](const std::string& key) { read.metadata[key] = header.read_string(); });
    else
      read.tensors[name] = read_tensor(header, name, data);
  });
  header.expect_end();
  return read;
}

std::vector<float> to_floats(const Tensor& tensor) {
  const bool whole = tensor.type == "F32";
  if (!whole && tensor.type != "F16" && tensor.type != "BF16")
    throw ModelError("holds values of type " + tensor.type + "; F32, F16 and BF16 can be used");
  const std::size_t width = whole ? 4 : 2;
  std::vector<float> values(tensor.data.size() / width);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::byte* const at = tensor.data.data() + i * width;
    values[i] = whole                  ? std::bit_cast<float>(little_endian<std::uint32_t>(at))
                : tensor.type == "F16" ? from_half(little_endian<std::uint16_t>(at))
                                       : from_bfloat(little_endian<std::uint16_t>(at));
  }
  return values;
}

}  // namespace novasr

#include "core/format/number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <system_error>

namespace freshet {
namespace {

// Powers of ten that a double holds exactly.
constexpr std::array<double, 23> kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kMaxExactPower = 22;
constexpr uint64_t kMaxExactMantissa = uint64_t{1} << 53;
// With at most this many digits the mantissa does not overflow.
constexpr int kMaxDigits = 19;
// Larger exponents change nothing: the result is 0 or infinite anyway.
constexpr int kExponentCap = 100000;
// No sensible number with a decimal comma is longer than this.
constexpr size_t kMaxCommaBytes = 128;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// How many zeros a number begins with, before and after its point.
int LeadingZeros(const char* p, const char* end) {
  int zeros = 0;
  for (; p != end && (*p == '0' || *p == '.'); ++p) zeros += *p == '0' ? 1 : 0;
  return zeros;
}

// Appends the digits at `p` to `mantissa`; returns the first byte after them.
const char* TakeDigits(const char* p, const char* end, uint64_t& mantissa) {
  for (; p != end && IsDigit(*p); ++p) mantissa = mantissa * 10 + static_cast<uint64_t>(*p - '0');
  return p;
}

const char* ScanWithLibrary(const char* begin, const char* end, bool huge, double& value) {
  const std::from_chars_result result = std::from_chars(begin, end, value);
  if (result.ec == std::errc::result_out_of_range) {
    value = huge ? std::numeric_limits<double>::infinity() : 0;
    if (*begin == '-') value = -value;
  }
  return result.ec == std::errc::invalid_argument ? begin : result.ptr;
}

bool ParseWithComma(std::string_view text, double& value) {
  std::array<char, kMaxCommaBytes> with_point;
  if (text.size() > with_point.size() || text.find('.') != std::string_view::npos) return false;
  std::replace_copy(text.begin(), text.end(), with_point.begin(), ',', '.');
  return ParseFiniteDouble({with_point.data(), text.size()}, value);
}

}  // namespace

const char* ScanNumber(const char* begin, const char* end, double& value) {
  const char* p = begin;
  const bool negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) ++p;
  const char* const unsigned_begin = p;
  uint64_t mantissa = 0;
  p = TakeDigits(p, end, mantissa);
  int digits = static_cast<int>(p - unsigned_begin);
  int exponent = 0;
  if (p != end && *p == '.') {
    const char* const point = p++;
    p = TakeDigits(p, end, mantissa);
    exponent = static_cast<int>(point + 1 - p);
    digits -= exponent;
  }
  // from_chars takes a minus sign but no plus sign.
  const char* const library_begin = negative ? begin : unsigned_begin;
  if (digits == 0) {
    if (p != unsigned_begin || (p != end && (*p == '+' || *p == '-'))) return begin;
    const char* const stop = ScanWithLibrary(library_begin, end, true, value);  // "inf", "nan".
    return stop == library_begin ? begin : stop;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    const char* q = p + 1;
    const bool negative_exponent = q != end && *q == '-';
    if (q != end && (*q == '-' || *q == '+')) ++q;
    if (q != end && IsDigit(*q)) {
      int written = 0;
      for (; q != end && IsDigit(*q); ++q) {
        if (written < kExponentCap) written = written * 10 + (*q - '0');
      }
      exponent += negative_exponent ? -written : written;
      p = q;
    }
  }
  if (digits > kMaxDigits || mantissa > kMaxExactMantissa || exponent < -kMaxExactPower ||
      exponent > kMaxExactPower) {
    const int significant = digits - LeadingZeros(unsigned_begin, p);
    ScanWithLibrary(library_begin, p, significant + exponent > 0, value);
    return p;
  }
  // Both operands are exact, so a single operation rounds to the nearest double (Clinger's fast
  // path).
  value = static_cast<double>(mantissa);
  if (exponent < 0) {
    value /= kPowersOfTen[static_cast<size_t>(-exponent)];
  } else {
    value *= kPowersOfTen[static_cast<size_t>(exponent)];
  }
  if (negative) value = -value;
  return p;
}

bool ParseFiniteDouble(std::string_view text, double& value, DecimalMark mark) {
  if (mark == DecimalMark::kComma) return ParseWithComma(text, value);
  if (text.empty()) return false;
  const char* const end = text.data() + text.size();
  return ScanNumber(text.data(), end, value) == end && std::isfinite(value);
}

bool ParseFiniteFloat(std::string_view text, float& value, DecimalMark mark) {
  double number = 0;
  if (!ParseFiniteDouble(text, number, mark)) return false;
  value = static_cast<float>(number);
  return std::isfinite(value);
}

std::string_view TrimBlanksAround(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace freshet

#include "client/command/quantity.h"

#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <system_error>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

struct Unit {
  std::string_view suffix;
  uint64_t factor;
};

constexpr std::array<Unit, 10> kByteUnits = {{{"", 1},
                                              {"k", 1'000},
                                              {"K", 1'000},
                                              {"M", 1'000'000},
                                              {"G", 1'000'000'000},
                                              {"T", 1'000'000'000'000},
                                              {"Ki", uint64_t{1} << 10},
                                              {"Mi", uint64_t{1} << 20},
                                              {"Gi", uint64_t{1} << 30},
                                              {"Ti", uint64_t{1} << 40}}};

// The largest first.
constexpr std::array<Unit, 5> kTimeUnits = {
    {{"d", 86'400}, {"h", 3'600}, {"m", 60}, {"s", 1}, {"", 1}}};

// The value of a whole number followed by one of `units`. Nothing for any other text, and for a
// value that overflows.
std::optional<uint64_t> Parse(std::string_view text, std::span<const Unit> units) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view suffix(stop, static_cast<size_t>(end - stop));
  for (const Unit& unit : units) {
    if (unit.suffix == suffix && number <= UINT64_MAX / unit.factor) return number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<uint64_t> ParseBytes(std::string_view text) {
  const std::string_view number = text.ends_with('B') ? text.substr(0, text.size() - 1) : text;
  if (const auto bytes = Parse(number, kByteUnits)) return *bytes;
  return absl::InvalidArgumentError(
      StrCat("'", text, "' is not a size; write bytes as 1500, 500M, 10G or 10Gi"));
}

absl::StatusOr<uint64_t> ParseSeconds(std::string_view text) {
  if (const auto seconds = Parse(text, kTimeUnits)) return *seconds;
  return absl::InvalidArgumentError(
      StrCat("'", text, "' is not a duration; write 90 for seconds, or 30m, 12h or 7d"));
}

std::string SecondsText(uint64_t seconds) {
  for (const Unit& unit : kTimeUnits) {
    if (seconds >= unit.factor && seconds % unit.factor == 0) {
      return StrCat(seconds / unit.factor, unit.suffix);
    }
  }
  return "0s";
}

}  // namespace freshet

#include "client/command/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "core/base/str_cat.h"
#include "core/base/utf8.h"
#include "google/protobuf/util/json_util.h"

namespace freshet {
namespace {

// Whether `c` is the first byte of a UTF-8 character.
bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

}  // namespace

std::string GroupedCount(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t end = text.size(); end > 3; end -= 3) text.insert(end - 3, ",");
  return text;
}

std::string Decimals(std::optional<double> value, int decimals) {
  if (!value.has_value() || !std::isfinite(*value)) return "-";
  std::array<char, 400> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, *value);
  return buffer.data();
}

std::string RateText(std::optional<double> rate) {
  return rate.has_value() ? GroupedCount(static_cast<uint64_t>(std::max(0.0, *rate))) : "-";
}

std::string ShortBytes(double bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return StrCat(Decimals(bytes, unit == 0 || bytes >= 99.5 ? 0 : 1), " ", kUnits[unit]);
}

std::string ClockTime(double seconds) {
  const int64_t total = std::llround(std::max(0.0, std::min(seconds, 1e9)));
  std::array<char, 48> buffer;
  if (total >= 3600) {
    std::snprintf(buffer.data(), buffer.size(), "%d:%02d:%02d", static_cast<int>(total / 3600),
                  static_cast<int>(total / 60 % 60), static_cast<int>(total % 60));
  } else {
    std::snprintf(buffer.data(), buffer.size(), "%d:%02d", static_cast<int>(total / 60),
                  static_cast<int>(total % 60));
  }
  return buffer.data();
}

std::string UtcTime(const google::protobuf::Timestamp& time) {
  const std::time_t seconds = time.seconds();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> buffer;
  std::strftime(buffer.data(), buffer.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return buffer.data();
}

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), &BeginsCharacter));
}

std::string CutToWidth(std::string_view text, size_t columns) {
  if (DisplayWidth(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  size_t end = 0;
  for (size_t width = 0; end < text.size(); ++end) {
    if (BeginsCharacter(text[end]) && ++width == columns) break;
  }
  return StrCat(text.substr(0, end), "…");
}

std::string Printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters as well.
    const bool control_pair =
        c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (control_pair) ++i;
    out += c < 0x20 || c == 0x7f || control_pair ? '?' : text[i];
  }
  return out;
}

std::string Table::ToString() const {
  std::vector<size_t> widths;
  bool titled = false;
  for (const Column& column : columns_) {
    widths.push_back(DisplayWidth(column.title));
    titled |= !column.title.empty();
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i]));
    }
  }
  std::string out;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string padding(widths[i] - DisplayWidth(cell), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::kRight ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  if (titled) add_line([this](size_t i) -> const std::string& { return columns_[i].title; });
  for (const auto& row : rows_) {
    add_line([&row](size_t i) -> const std::string& { return row[i]; });
  }
  return out;
}

std::string ProtoJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  std::string out;
  if (!google::protobuf::util::MessageToJsonString(message, &out, options).ok()) out = "{}\n";
  return out;
}

}  // namespace freshet

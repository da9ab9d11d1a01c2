#include "core/base/json_object.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>

#include "core/base/str_cat.h"
#include "core/base/utf8.h"

namespace freshet {
namespace {

template <typename T>
std::string Shortest(T value) {
  if (std::isnan(value)) return "nan";
  std::array<char, 32> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), result.ptr};
}

}  // namespace

std::string ShortestNumber(float value) { return Shortest(value); }
std::string ShortestNumber(double value) { return Shortest(value); }

std::string JsonNumber(std::optional<double> number) {
  return number.has_value() && std::isfinite(*number) ? ShortestNumber(*number) : "null";
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  size_t good_end = Utf8Size(text);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == good_end) {
      out += "\xef\xbf\xbd";
      good_end = i + 1 + Utf8Size(text.substr(i + 1));
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> buffer;
      std::snprintf(buffer.data(), buffer.size(), "\\u%04x", static_cast<unsigned>(c));
      out += buffer.data();
    } else {
      out += c;
    }
  }
  return out + "\"";
}

JsonObject& JsonObject::AddJson(std::string_view key, std::string_view json) {
  if (text_.size() > 1) text_ += ",";
  text_ += JsonString(key);
  text_ += ":";
  text_ += json;
  return *this;
}

JsonObject& JsonObject::Add(std::string_view key, std::string_view text) {
  return AddJson(key, JsonString(text));
}

JsonObject& JsonObject::Add(std::string_view key, uint64_t number) {
  return AddJson(key, std::to_string(number));
}

JsonObject& JsonObject::Add(std::string_view key, std::optional<double> number) {
  return AddJson(key, JsonNumber(number));
}

JsonObject& JsonObject::Add(std::string_view key, float number) {
  return AddJson(key, std::isfinite(number) ? ShortestNumber(number) : "null");
}

JsonObject ErrorJson(const absl::Status& status) {
  JsonObject error;
  error.Add("code", static_cast<uint64_t>(status.raw_code()));
  error.Add("status", absl::StatusCodeToString(status.code()));
  error.Add("message", ToStd(status.message()));
  return error;
}

}  // namespace freshet

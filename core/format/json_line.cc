#include "core/format/json_line.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/str_cat.h"
#include "core/format/number.h"

namespace freshet {
namespace {

namespace json = simdjson::ondemand;
using simdjson::error_code;

// Whether `token` is what other languages write for a number that JSON does not have, or for null.
bool IsForeignWord(std::string_view token) {
  static constexpr std::array<std::string_view, 8> kWords = {
      "NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "None", "undefined"};
  return std::find(kWords.begin(), kWords.end(), token) != kWords.end();
}

}  // namespace

std::string_view TokenOf(json::value& value) {
  const std::string_view raw = value.raw_json_token();
  return raw.substr(0, raw.find_last_not_of(" \t\r\n") + 1);
}

absl::Status JsonLine::Begin(std::string_view line, json::object& object) {
  const size_t padded_size = line.size() + simdjson::SIMDJSON_PADDING;
  if (buffer_.size() < padded_size) buffer_.resize(padded_size);
  std::copy(line.begin(), line.end(), buffer_.begin());
  line_size_ = line.size();
  has_document_ = false;
  if (const error_code error =
          parser_.iterate(buffer_.data(), line.size(), buffer_.size()).get(document_)) {
    return Malformed(error);
  }
  has_document_ = true;
  return document_.get_object().get(object) == simdjson::SUCCESS ? absl::OkStatus() : NotAnObject();
}

absl::Status JsonLine::NotAnObject() const {
  const std::string_view text = TrimBlanks(line());
  const bool of_array = text.starts_with('[') || text.ends_with("},");
  if (text.starts_with('{') && !text.ends_with('}') && !of_array) {
    return ParseError(
        1, "the object continues on the next line; write each object on one line, as jq -c . does");
  }
  return ParseError(1, StrCat(R"(a row must be a JSON object, as in {"label": 1, "user": "a"})",
                              of_array ? "; jq -c '.[]' makes such rows of a JSON array" : ""));
}

bool JsonLine::Find(std::string_view path, std::string& text, bool& is_string) {
  json::object object;
  if (parser_.iterate(buffer_.data(), line_size_, buffer_.size()).get(document_)) return false;
  if (document_.get_object().get(object)) return false;
  return FindIn(object, path, text, is_string);
}

bool JsonLine::FindIn(json::object object, std::string_view path, std::string& text,
                      bool& is_string) const {
  for (auto result : object) {
    json::field field;
    if (std::move(result).get(field)) return false;
    std::string_view key;
    if (field.unescaped_key().get(key) || !path.starts_with(key)) continue;
    json::json_type type{};
    if (field.value().type().get(type)) return false;
    if (path.size() == key.size()) {
      is_string = type == json::json_type::string;
      std::string_view value;
      if (is_string ? field.value().get_string().get(value)
                    : simdjson::to_json_string(field.value()).get(value)) {
        return false;
      }
      text = is_string ? value : TrimBlanks(value);
      return true;
    }
    json::object inner;
    if (path[key.size()] != '.' || type != json::json_type::object ||
        field.value().get_object().get(inner)) {
      continue;
    }
    if (FindIn(inner, path.substr(key.size() + 1), text, is_string)) return true;
  }
  return false;
}

absl::Status JsonLine::End() {
  const char* rest = nullptr;
  if (document_.current_location().get(rest) != simdjson::SUCCESS) return absl::OkStatus();
  return ParseError(ColumnOf(rest),
                    "unexpected text after the JSON object; write one row per line");
}

size_t JsonLine::ColumnOf(const char* position) const {
  if (position < buffer_.data() || position > buffer_.data() + line_size_) return line_size_ + 1;
  return static_cast<size_t>(position - buffer_.data()) + 1;
}

absl::Status JsonLine::Malformed(error_code error) const {
  if (error == simdjson::UTF8_ERROR) {
    if (absl::Status status = CheckUtf8(line()); !status.ok()) return status;
  }
  const char* position = nullptr;
  if (!has_document_ || document_.current_location().get(position) != simdjson::SUCCESS) {
    position = buffer_.data() + line_size_;
  }
  std::string_view rest = line().substr(ColumnOf(position) - 1);
  rest = rest.substr(0, rest.find_first_of(" \t\r,:]}"));
  if (IsForeignWord(rest)) {
    return ParseError(ColumnOf(position),
                      StrCat("JSON has no ", rest, "; write null if there is no value"));
  }
  return ParseError(ColumnOf(position), StrCat("malformed JSON: ", simdjson::error_message(error)));
}

absl::Status JsonLine::MemberError(const JsonMember& member, std::string_view message) {
  return ParseError(member.column, StrCat("member ", Quoted(member.path), " ", message));
}

absl::Status JsonLine::ReadNumber(JsonMember& member, float& number) const {
  double value = 0;
  if (!member.value.get_double().get(value)) {
    number = static_cast<float>(value);
    if (std::isfinite(number)) return absl::OkStatus();
    return MemberError(member, "must be a finite number");
  }
  json::json_type type{};
  if (absl::Status status = ReadType(member, type); !status.ok()) return status;
  if (type != json::json_type::string) return MemberError(member, "must be a finite number");
  std::string_view text;
  if (const error_code error = member.value.get_string().get(text)) return Malformed(error);
  if (ParseFiniteFloat(text, number)) return absl::OkStatus();
  return MemberError(member, StrCat("is ", Quoted(text), "; it must be a finite number"));
}

absl::Status JsonLine::ReadPlain(JsonMember& member, std::string_view& text) const {
  json::json_type type{};
  if (absl::Status status = ReadType(member, type); !status.ok()) return status;
  if (type == json::json_type::string) {
    if (const error_code error = member.value.get_string().get(text)) return Malformed(error);
    return absl::OkStatus();
  }
  if (type == json::json_type::boolean) {
    bool yes = false;
    if (const error_code error = member.value.get_bool().get(yes)) return Malformed(error);
    text = yes ? "true" : "false";
    return absl::OkStatus();
  }
  double number = 0;
  const std::string_view token = TokenOf(member.value);
  if (type != json::json_type::number || member.value.get_double().get(number)) {
    return MemberError(member, "must be a number, a string, true or false");
  }
  text = token;
  return absl::OkStatus();
}

}  // namespace freshet

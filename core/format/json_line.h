// Reads lines of one JSON object each, and says what is wrong with them.

#ifndef FRESHET_CORE_FORMAT_JSON_LINE_H_
#define FRESHET_CORE_FORMAT_JSON_LINE_H_

#include <simdjson.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/format/parse_error.h"

namespace freshet {

// A value, and where it is.
struct JsonMember {
  // The keys from the line's object to the value, joined by points. Messages name the value by it.
  // Views a buffer of the format, or the line.
  std::string_view path;
  // The part of the path below the namespace; empty for the namespace itself.
  std::string_view name;
  size_t column = 1;
  simdjson::ondemand::value value;
};

// One line at a time, whose values are parsed as they are asked for, each at most once and in their
// order. Values are valid until the next Begin(). All errors are ParseError()s. Reuses its buffers
// from line to line. Not thread-safe.
class JsonLine {
 public:
  // Begins a line, and sets `object` to the object that it consists of.
  absl::Status Begin(std::string_view line, simdjson::ondemand::object& object);

  // Sets `text` to the member of the last line with this path, as JSON; false if there is none.
  // Parses the line anew. REQUIRES: the line was parsed without an error.
  bool Find(std::string_view path, std::string& text, bool& is_string);

  // An error if anything follows the object. REQUIRES: all members of the object have been visited.
  absl::Status End();

  // Calls visit(key, member) for each member of `object` until one fails. The members passed have
  // no path yet.
  template <typename Visit>
  absl::Status ForEachMember(simdjson::ondemand::object object, Visit visit);

  absl::Status ReadType(JsonMember& member, simdjson::ondemand::json_type& type) const {
    const simdjson::error_code error = member.value.type().get(type);
    return error == simdjson::SUCCESS ? absl::OkStatus() : Malformed(error);
  }
  // In Protobuf's JSON form, a number may also be a string.
  absl::Status ReadNumber(JsonMember& member, float& number) const;
  // Sets `text` to the value of a string, or to the text of a number, true or false.
  absl::Status ReadPlain(JsonMember& member, std::string_view& text) const;

  absl::Status Malformed(simdjson::error_code error) const;
  static absl::Status MemberError(const JsonMember& member, std::string_view message);

 private:
  bool FindIn(simdjson::ondemand::object object, std::string_view path, std::string& text,
              bool& is_string) const;
  absl::Status NotAnObject() const;
  std::string_view line() const { return {buffer_.data(), line_size_}; }
  size_t ColumnOf(const char* position) const;

  simdjson::ondemand::parser parser_;
  std::vector<char> buffer_;  // The line, and the padding that the parser needs after it.
  size_t line_size_ = 0;
  mutable simdjson::ondemand::document document_;
  bool has_document_ = false;  // Whether document_ is that of the line.
};

// The text of the number, word or string that `value` begins with, as it is written.
std::string_view TokenOf(simdjson::ondemand::value& value);

template <typename Visit>
absl::Status JsonLine::ForEachMember(simdjson::ondemand::object object, Visit visit) {
  for (auto result : object) {
    simdjson::ondemand::field field;
    if (const simdjson::error_code error = std::move(result).get(field)) return Malformed(error);
    JsonMember member;
    member.column = ColumnOf(field.key().raw() - 1);  // At the quote.
    std::string_view key;
    if (const simdjson::error_code error = field.unescaped_key().get(key)) return Malformed(error);
    member.value = field.value();
    if (absl::Status status = visit(key, member); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_JSON_LINE_H_

// Writes JSON: the only place where text of a program becomes JSON, beside Protobuf's own for
// messages.

#ifndef FRESHET_CORE_BASE_JSON_OBJECT_H_
#define FRESHET_CORE_BASE_JSON_OBJECT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace freshet {

// The shortest text that reads back as the same number: "0.1", "nan".
std::string ShortestNumber(float value);
std::string ShortestNumber(double value);

// The number as JSON; null if it is absent or not finite, which JSON cannot represent.
std::string JsonNumber(std::optional<double> number);

// `text` as a quoted JSON string. A byte that is not valid UTF-8, as file names may contain,
// becomes U+FFFD, since JSON cannot represent it.
std::string JsonString(std::string_view text);

// Builds an object with its keys in the order in which they are added.
class JsonObject {
 public:
  JsonObject& Add(std::string_view key, std::string_view text);
  JsonObject& Add(std::string_view key, uint64_t number);
  // A number that is absent or not finite becomes null.
  JsonObject& Add(std::string_view key, std::optional<double> number);
  JsonObject& Add(std::string_view key, float number);
  // A value that is JSON already.
  JsonObject& AddJson(std::string_view key, std::string_view json);

  std::string ToString() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

// The error in `status` as both programs report it: "code" as a number, "status" as its name, and
// "message".
JsonObject ErrorJson(const absl::Status& status);

}  // namespace freshet

#endif  // FRESHET_CORE_BASE_JSON_OBJECT_H_

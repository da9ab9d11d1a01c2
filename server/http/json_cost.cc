#include "server/http/json_cost.h"

namespace freshet {
namespace {

// The size on an arena of the largest of our messages that a list may hold, including its entry in
// the list, which grows by doubling. See tests/server/http/json_cost_test.cc.
constexpr size_t kObjectBytes = 112;
constexpr size_t kStringBytes = 56;  // A string without its characters, and its entry in a list.
constexpr size_t kValueBytes = 16;   // A number and its entry in a list.

// The text as it came, its serialized form, and the characters of strings.
constexpr size_t kTextCopies = 3;

}  // namespace

void JsonCost::Add(std::string_view piece) {
  text_bytes_ += piece.size();
  for (const char c : piece) {
    if (quote_ != 0) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == quote_) {
        quote_ = 0;
      }
      continue;
    }
    switch (c) {
      case '"':
      case '\'':  // Protobuf's parser accepts both.
        quote_ = c;
        ++strings_;
        break;
      case '{':
        ++objects_;
        break;
      case ':':
        ++names_;
        break;
      case ',':
        ++commas_;
        break;
      default:
        break;
    }
  }
}

size_t JsonCost::bytes() const {
  const size_t values = strings_ > names_ ? strings_ - names_ : 0;
  return kTextCopies * text_bytes_ + kObjectBytes * objects_ + kStringBytes * values +
         kValueBytes * commas_;
}

}  // namespace freshet

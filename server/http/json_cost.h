// How much memory a text in JSON takes once it is a message.

#ifndef FRESHET_SERVER_HTTP_JSON_COST_H_
#define FRESHET_SERVER_HTTP_JSON_COST_H_

#include <cstddef>
#include <string_view>

namespace freshet {

// Counts while the text comes, before anything is made of it: `[{},{},{}]` is three bytes a message
// that takes forty times as much. Takes about a nanosecond a byte.
class JsonCost {
 public:
  // Counts the next piece of the text, or of several texts in a row.
  void Add(std::string_view piece);

  // At most how many bytes the text, the messages parsed from it on an arena, and their serialised
  // form take together. Also of what is not JSON.
  size_t bytes() const;

 private:
  bool in_string_ = false;
  bool escaped_ = false;
  size_t text_bytes_ = 0;
  size_t objects_ = 0;
  size_t strings_ = 0;  // Names of fields too.
  size_t names_ = 0;    // Of fields.
  size_t commas_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_JSON_COST_H_

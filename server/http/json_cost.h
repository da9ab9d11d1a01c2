// Estimates how much memory JSON text takes once it is parsed to a message.

#ifndef FRESHET_SERVER_HTTP_JSON_COST_H_
#define FRESHET_SERVER_HTTP_JSON_COST_H_

#include <cstddef>
#include <string_view>

namespace freshet {

// Counts while the text arrives, before it is parsed, because `[{},{},{}]` has three bytes per
// message and takes forty times as much once parsed. Takes about a nanosecond per byte.
class JsonCost {
 public:
  // Counts the next piece of the text, which may consist of several JSON texts.
  void Add(std::string_view piece);

  // Upper bound of the bytes that the text, the messages parsed from it on an arena, and their
  // serialized form take together. Holds for text that is not JSON, too.
  size_t bytes() const;

 private:
  char quote_ = 0;  // What ends the string at hand; 0 outside of strings.
  bool escaped_ = false;
  size_t text_bytes_ = 0;
  size_t objects_ = 0;
  size_t strings_ = 0;  // Including names of fields.
  size_t names_ = 0;    // Names of fields.
  size_t commas_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_JSON_COST_H_

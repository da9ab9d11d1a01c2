// Formats numbers, times and tables for people, and JSON for programs.

#ifndef FRESHET_CLIENT_COMMAND_TEXT_H_
#define FRESHET_CLIENT_COMMAND_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace freshet {

// 1234567 as "1,234,567".
std::string GroupedCount(uint64_t count);

// `value` with a fixed number of decimals; "-" if it is absent or not finite.
std::string Decimals(std::optional<double> value, int decimals);

// A number of things a second as a whole number: "1,234"; "-" if it is absent.
std::string RateText(std::optional<double> rate);

// 1234567 as "1.2 MB".
std::string ShortBytes(double bytes);

// Seconds as "0:07", "12:34" or "1:02:03".
std::string ClockTime(double seconds);

// "2026-11-23 15:04:05 UTC".
std::string UtcTime(const google::protobuf::Timestamp& time);

// How many terminal columns UTF-8 text takes, counting one for each character.
size_t DisplayWidth(std::string_view text);

// `text` cut to at most `columns` columns, with an ellipsis in place of what was cut off.
std::string CutToWidth(std::string_view text, size_t columns);

// Makes untrusted text safe to print: replaces control characters, which could send commands to a
// terminal, by question marks.
std::string Printable(std::string_view text);

// Rows of cells, printed in aligned columns.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // REQUIRES: as many cells as columns.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  // The table, with a line of titles unless all titles are empty. Each line ends with a newline.
  std::string ToString() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// `message` in Protobuf's JSON format on several lines, with a newline at the end. Names are in
// lowerCamelCase, as in all other JSON of both programs.
std::string ProtoJson(const google::protobuf::Message& message);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_TEXT_H_

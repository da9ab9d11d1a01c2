// Text for the parsers: rows of 30 features in each input format.

#ifndef FRESHET_TESTS_BENCH_TEXT_ROWS_H_
#define FRESHET_TESTS_BENCH_TEXT_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace freshet {

struct TextKind {
  std::string name;
  std::string format;  // As in `freshet push --format`.
  // Append the header line, if the format has one, and the line of a row. Both are repeatable.
  void (*append_header)(std::string& text);
  void (*append_row)(int row, std::string& text);
};

// The kinds: vw, 30 named features in 3 namespaces; vw_values, the same with a value for each;
// svmlight; csv and jsonl with 30 categories.
const std::vector<TextKind>& TextKinds();

// Writes a file of `rows` rows and returns its size in bytes. Ends the process if it cannot.
uint64_t WriteTextFile(const TextKind& kind, int rows, const std::string& path);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_TEXT_ROWS_H_

// The examples of docs/input.md, read as push reads them. Each is a block in some format, with the
// flags that the text before it names, followed by a block with the same rows in Vowpal Wabbit's
// format.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/command/example_reader.h"
#include "core/format/row_format.h"
#include "tests/core/format/rows.h"

namespace freshet {
namespace {

struct Block {
  std::string format;
  std::string flags;
  std::vector<std::string> lines;
};

std::vector<Block> BlocksOf(const std::string& path) {
  std::ifstream file(path);
  std::vector<Block> blocks;
  std::string flags;
  bool within = false;
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "```")) {
      if (!within) blocks.push_back({line.substr(3), flags, {}});
      within = !within;
    } else if (within) {
      blocks.back().lines.push_back(line);
    } else if (absl::StartsWith(line, "#")) {
      flags.clear();
    } else if (absl::StartsWith(line, "With `--")) {
      flags = line.substr(6, line.find('`', 6) - 6);
    }
  }
  std::erase_if(blocks, [](const Block& block) { return block.format == "sh"; });  // Commands.
  return blocks;
}

// Splits the flags as a shell would, if only whole words are quoted.
FormatOptions OptionsOf(const std::string& flags) {
  CLI::App app;
  InputOptions options;
  AddFormatOptions(app, options);
  std::vector<std::string> words = absl::StrSplit(flags, ' ', absl::SkipEmpty());
  for (std::string& word : words) {
    word.erase(std::remove(word.begin(), word.end(), '\''), word.end());
  }
  std::reverse(words.begin(), words.end());
  app.parse(words);
  return options.parse;
}

// The rows of a block, with the features of each row sorted because the order of namespaces does
// not matter.
std::vector<PlainRow> RowsOfBlock(const Block& block) {
  FormatTester tester(block.format, OptionsOf(block.format == "vw" ? "" : block.flags));
  for (const std::string& line : block.lines) {
    const std::string result = tester.Feed(line);
    EXPECT_TRUE(result == "row" || result == "none") << line << ": " << result;
  }
  std::vector<PlainRow> rows = tester.rows();
  for (PlainRow& row : rows) {
    std::sort(row.features.begin(), row.features.end(),
              [](const PlainFeature& a, const PlainFeature& b) {
                return std::tie(a.ns, a.id) < std::tie(b.ns, b.id);
              });
  }
  return rows;
}

TEST(InputDocsTest, ExamplesMeanWhatThePageSays) {
  const std::vector<Block> blocks = BlocksOf(std::string(FRESHET_SOURCE_DIR) + "/docs/input.md");
  ASSERT_GE(blocks.size(), 16u);
  ASSERT_EQ(blocks.size() % 2, 0u);
  for (size_t i = 0; i < blocks.size(); i += 2) {
    ASSERT_EQ(blocks[i + 1].format, "vw") << i;
    EXPECT_EQ(RowsOfBlock(blocks[i]), RowsOfBlock(blocks[i + 1]))
        << blocks[i].format << " " << blocks[i].flags << "\n"
        << absl::StrJoin(blocks[i].lines, "\n");
  }
}

// The page has a table row for every flag.
TEST(InputDocsTest, ThePageNamesEveryFlag) {
  std::ifstream file(std::string(FRESHET_SOURCE_DIR) + "/docs/input.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  CLI::App app;
  InputOptions options;
  AddFormatOptions(app, options);
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    if (name == "--help") continue;
    EXPECT_TRUE(absl::StrContains(page, "| `" + name)) << name;
  }
}

}  // namespace
}  // namespace freshet

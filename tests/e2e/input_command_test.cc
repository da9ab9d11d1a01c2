// Files from elsewhere, through push and predict.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

#include "core/base/str_cat.h"
#include "tests/e2e/transfer_site.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class InputCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(site_.Start());
    ASSERT_EQ(Freshet("models create m --bits 12").code, 0);
  }

  CommandResult Freshet(const std::string& arguments) {
    return site_.Freshet(folder_.path(), arguments);
  }

  void Write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_.path() + "/" + name, std::ios::binary) << text;
  }

  uint64_t Examples() { return site_.client().GetModel("m")->example_count(); }

  TemporaryFolder folder_;
  Site site_;
};

TEST_F(InputCommandTest, AFlagOfColumnsLeavesTheFileBehindItAlone) {
  Write("a.csv", "label,age,id\n1,30,7\n0,40,8\n");
  const CommandResult pushed = Freshet("push m --numeric age --ignore id a.csv --progress none");
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_THAT(pushed.out, StartsWith("m: learned 2 rows, in "));
  EXPECT_EQ(Examples(), 2u);
}

TEST_F(InputCommandTest, SaysWhatWasLearnedAndWhatWasSkipped) {
  Write("a.vw", "1 |pr\xe9nom zoe\n1 |p zoe\n7 |p max\n0 |p max\n");
  const CommandResult strict = Freshet("push m a.vw --progress none");
  EXPECT_EQ(strict.code, 65);
  EXPECT_THAT(strict.err, HasSubstr("a.vw:1: column 6: not UTF-8"));
  EXPECT_THAT(strict.err, HasSubstr("nothing was learned"));
  const CommandResult skipping = Freshet("push m a.vw --skip-errors --progress none");
  EXPECT_EQ(skipping.code, 0);
  EXPECT_THAT(skipping.out, StartsWith("m: learned 2 rows, 2 skipped, in "));
  EXPECT_THAT(skipping.err, AllOf(HasSubstr("skipped a.vw:1: "), HasSubstr("skipped a.vw:3: ")));
  const CommandResult json = Freshet("push m a.vw --skip-errors --progress none --json");
  EXPECT_THAT(json.out, HasSubstr(R"("learned":2,"known":0,"rejected":2)"));
  EXPECT_EQ(Examples(), 4u);
}

// The command used to report that it had learned all of them again.
TEST_F(InputCommandTest, CountsRowsApartThatTheProducerHadPushedBefore) {
  Write("a.vw", "1 |p zoe\n0 |p max\n");
  const std::string push = "push m a.vw --progress none --producer-id daily";
  EXPECT_THAT(Freshet(push).out, StartsWith("m: learned 2 rows, in "));
  EXPECT_THAT(Freshet(push).out, StartsWith("m: 0 new rows, 2 already known, in "));
  EXPECT_EQ(Examples(), 2u);
}

TEST_F(InputCommandTest, WideRowsAreCutIntoBatchesThatFit) {
  std::string wide;
  for (int row = 0; row < 600; ++row) {
    wide += row % 2 == 0 ? "1 |a" : "0 |a";
    for (int i = 0; i < 4000; ++i) wide += StrCat(" f", (row * 4000 + i) % 100'000, ":0.5");
    wide += "\n";
  }
  Write("wide.vw", wide);
  const CommandResult pushed = Freshet("push m wide.vw --progress none");
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_EQ(Examples(), 600u);
  const CommandResult predicted = Freshet("predict m wide.vw");
  EXPECT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(std::count(predicted.out.begin(), predicted.out.end(), '\n'), 600);
}

// What spreadsheets and data frames write.
TEST_F(InputCommandTest, ReadsTablesWithBlanksDeclaredDelimitersAndMissingWords) {
  Write("a.csv",
        "\xef\xbb\xbfsep=;\r\nlabel; age ;hour\r\n1;NaT;14102100.0\r\n  \r\n0;\" 0,5 \";NULL\r\n");
  const std::string push = "push m a.csv --decimal-comma --time-features ' hour' --progress none";
  const CommandResult wrong = Freshet(push + " --numeric 'age, height'");
  EXPECT_EQ(wrong.code, 65);
  EXPECT_THAT(wrong.err, HasSubstr("a.csv:2: column 1: --numeric names column \"height\", "));
  const CommandResult pushed = Freshet(push + " --numeric ' age'");
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_EQ(Examples(), 2u);
  Write("b.csv", "\xef\xbb\xbfsep=;\r\nage;hour\r\n0,5;a\r\n");
  const CommandResult explained = Freshet("explain m - --numeric age --decimal-comma < b.csv");
  EXPECT_EQ(explained.code, 0) << explained.err;
  EXPECT_THAT(explained.out, HasSubstr("age^age"));
}

// A name that is not UTF-8 used to print an error of Protobuf's.
TEST_F(InputCommandTest, ANameThatIsNotUtf8IsNoName) {
  Write("a.vw", "1 |p zoe\n");
  for (const std::string command : {"push", "predict"}) {
    const CommandResult result = Freshet(command + " m\xe9 a.vw");
    EXPECT_EQ(result.code, 64);
    EXPECT_THAT(result.err, HasSubstr("is not the name of a model"));
    EXPECT_THAT(result.err, Not(HasSubstr("libprotobuf")));
  }
}

// Batches have at most 1,024 namespaces. Columns of several files, members of several rows and
// those of bad rows used to be added up.
TEST_F(InputCommandTest, RowsOfManyNamespacesAreCutIntoBatchesThatFit) {
  for (const std::string name : {"a", "b"}) {
    std::string header = "label";
    std::string row = "1";
    for (int i = 0; i < 700; ++i) {
      header += StrCat(",", name, i);
      row += ",x";
    }
    Write(name + ".csv", StrCat(header, "\n", row, "\n", row, "\n"));
  }
  std::string objects;
  for (int i = 0; i < 3000; ++i) objects += StrCat("{\"n", i, "\": \"x\", \"label\": \"?\"}\n");
  Write("c.ndjson", objects + "{\"u\": \"x\", \"label\": 0}\n");
  const std::string files = "a.csv b.csv c.ndjson a.csv --progress none";
  const CommandResult pushed = Freshet("push m --skip-errors " + files);
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_THAT(pushed.out, StartsWith("m: learned 7 rows, 3,000 skipped, in "));
  const CommandResult shuffled = Freshet("push m --skip-errors --shuffle-buffer 4 " + files);
  EXPECT_EQ(shuffled.code, 0) << shuffled.err;
  EXPECT_EQ(Examples(), 14u);
  const CommandResult predicted = Freshet("predict m a.csv b.csv a.csv");
  EXPECT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(std::count(predicted.out.begin(), predicted.out.end(), '\n'), 6);
}

TEST_F(InputCommandTest, FilesOfSeveralFormatsAreReadEachInItsOwn) {
  Write("a.vw", "1 |u a\n");
  Write("b.csv", "label,u\r0,b\r1,c");
  Write("c.ndjson", "{\"label\": \"no\", \"u\": \"d\"}\n");
  const CommandResult pushed = Freshet("push m a.vw b.csv c.ndjson --progress none");
  EXPECT_EQ(pushed.code, 0) << pushed.err;
  EXPECT_EQ(Examples(), 4u);
  Write("d.csv", std::string_view("\xff\xfel\0a\0b\0e\0l\0\n\0", 14));
  const CommandResult refused = Freshet("push m d.csv --progress none");
  EXPECT_EQ(refused.code, 65);
  EXPECT_THAT(refused.err, HasSubstr("d.csv is UTF-16 text; convert it to UTF-8 first"));
  Write("e.csv", "label,u\n");
  const CommandResult empty = Freshet("push m e.csv --progress none");
  EXPECT_EQ(empty.code, 0);
  EXPECT_THAT(empty.err, HasSubstr("the input has no rows"));
  EXPECT_THAT(pushed.err, Not(HasSubstr("the input has no rows")));
  EXPECT_EQ(Examples(), 4u);
}

}  // namespace
}  // namespace freshet

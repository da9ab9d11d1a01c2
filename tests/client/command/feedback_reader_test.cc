#include "client/command/feedback_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FeedbackReaderTest : public testing::Test {
 protected:
  // The items of a file of this name and content, and the messages of its errors, in their order.
  std::vector<std::string> Read(const std::string& name, const std::string& text,
                                const FeedbackFields& fields = {}) const {
    InputOptions input;
    input.files = {folder_.path() + "/" + name};
    std::ofstream(input.files[0]) << text;
    FeedbackReader reader(input, fields, *TimeReader::Make(""), nullptr);
    std::vector<std::string> out;
    while (true) {
      v1::FeedbackItem item;
      const absl::StatusOr<bool> more = reader.Next(item);
      if (more.ok() && !*more) return out;
      if (!more.ok()) out.emplace_back(ToStd(more.status().message()));
      if (!more.ok() && !absl::IsInvalidArgument(more.status())) return out;
      if (!more.ok()) continue;
      out.push_back(StrCat(item.event_id(), " ", item.name(), " ",
                           item.has_value() ? StrCat(item.value()) : "-", " ",
                           item.has_time_ms() ? StrCat(item.time_ms()) : "-", " ",
                           item.feedback_id(), item.withdraw() ? " withdraw" : ""));
    }
  }

  const TemporaryFolder folder_;
};

TEST_F(FeedbackReaderTest, ReadsJson) {
  EXPECT_THAT(
      Read("a.jsonl", R"({"event_id": "i1", "name": "click"}
{"event_id": 17, "name": "sale", "value": 9.5, "time": 1700000000.25, "feedback_id": "f", "seen": [{}]}
{"event_id": "i3", "time": "2023-11-14T22:13:20Z", "withdraw": true, "value": null}
)"),
      ElementsAre("i1 click - - ", "17 sale 9.5 1700000000250 f", "i3  - 1700000000000  withdraw"));
}

TEST_F(FeedbackReaderTest, ReadsTables) {
  EXPECT_THAT(Read("a.csv", "event_id,name,value,other\ni1,click,,x\ni2,sale,2,y\n"),
              ElementsAre("i1 click - - ", "i2 sale 2 - "));
  EXPECT_THAT(Read("a.tsv", "id\tprice\tat\ni1\t5\t1700000000\n",
                   {.event_id = "id", .value = "price", .time = "at", .name = "sale"}),
              ElementsAre("i1 sale 5 1700000000000 "));
}

TEST_F(FeedbackReaderTest, BadRowsAreNamedAndTheOthersRead) {
  const std::vector<std::string> read = Read("a.jsonl", R"({"name": "click"}
{"event_id": "i2", "value": "much"}
{"event_id": "i3", "time": "soon"}
{"event_id": "i4", "withdraw": "maybe"}
{"event_id": "i5"}
)");
  ASSERT_EQ(read.size(), 5U);
  EXPECT_THAT(read[0], AllOf(HasSubstr("a.jsonl:1: "), HasSubstr("event_id")));
  EXPECT_THAT(read[1], AllOf(HasSubstr("a.jsonl:2: "), HasSubstr("a finite number")));
  EXPECT_THAT(read[2], AllOf(HasSubstr("a.jsonl:3: "), HasSubstr("soon")));
  EXPECT_THAT(read[3], AllOf(HasSubstr("a.jsonl:4: "), HasSubstr("true or false")));
  EXPECT_EQ(read[4], "i5  - - ");
}

TEST_F(FeedbackReaderTest, AFieldThatAFlagNamesMustExist) {
  const std::vector<std::string> read = Read("a.csv", "event_id,price\ni1,2\n", {.value = "prize"});
  ASSERT_EQ(read.size(), 1U);
  EXPECT_THAT(read[0], AllOf(HasSubstr("prize"), HasSubstr("--value")));
  EXPECT_THAT(Read("b.csv", "id,name\ni1,click\n").at(0), HasSubstr("--event-id"));
}

}  // namespace
}  // namespace freshet

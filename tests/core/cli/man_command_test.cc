#include "core/cli/man_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ManPageTest : public testing::Test {
 protected:
  ManPageTest() {
    app_.add_option("--size", size_, "How large; \\ is odd")->type_name("MB");
    CLI::App* group = app_.add_subcommand("lakes", "Look after lakes");
    CLI::App* fill = group->add_subcommand("fill", "Fill a lake");
    fill->alias("pour");
    fill->footer(".5 is allowed\nExample: brook lakes fill leman");
    fill->add_option("lake", lake_, "The lake")->required()->type_name("LAKE");
    fill->add_flag("--dry-run", dry_, "Only say what would be done");
    app_.add_subcommand("secret", "Not for people")->group("");
    AddManCommand(app_, 1, "brook 1.0");
  }

  CLI::App app_{"brook: moves water.\n\nIt is wet.", "brook"};
  int size_ = 0;
  std::string lake_;
  bool dry_ = false;
};

TEST_F(ManPageTest, HasEveryCommandAndOption) {
  const std::string page = ManPage(app_, 1, "brook 1.0");
  EXPECT_THAT(page, StartsWith(".TH BROOK 1 \"\" \"brook 1.0\" \"\"\n"
                               ".SH NAME\nbrook \\- moves water.\n"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-\\-size\\fR MB\nHow large; \\e is odd\n"));
  EXPECT_THAT(page, HasSubstr(".SS \"brook lakes fill [OPTIONS] lake\"\nFill a lake.\n"
                              "Also: \\fBbrook lakes pour\\fR.\n"));
  EXPECT_THAT(page, HasSubstr("\\fBlake\\fR LAKE REQUIRED\nThe lake\n"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-\\-dry\\-run\\fR\nOnly say"));
  EXPECT_THAT(page, HasSubstr(".nf\n\\&.5 is allowed\nExample: brook lakes fill leman\n.fi\n"));
}

TEST_F(ManPageTest, HiddenCommandsAreLeftOut) {
  const std::string page = ManPage(app_, 1, "brook 1.0");
  EXPECT_THAT(page, Not(HasSubstr("secret")));
  EXPECT_THAT(page, Not(HasSubstr("brook man")));
}

TEST_F(ManPageTest, TheCommandEndsTheParsingAsHelpDoes) {
  testing::internal::CaptureStdout();
  EXPECT_THROW(app_.parse("man"), CLI::Success);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), ManPage(app_, 1, "brook 1.0"));
}

}  // namespace
}  // namespace freshet

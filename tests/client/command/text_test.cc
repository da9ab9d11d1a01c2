#include "client/command/text.h"

#include <optional>
#include <string>

#include "client/command/exit_code.h"
#include "client/command/progress.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(TextTest, GroupsThousands) {
  EXPECT_EQ(GroupedCount(0), "0");
  EXPECT_EQ(GroupedCount(999), "999");
  EXPECT_EQ(GroupedCount(1000), "1,000");
  EXPECT_EQ(GroupedCount(1234567), "1,234,567");
}

TEST(TextTest, BytesAndTimesAreShort) {
  EXPECT_EQ(ShortBytes(999), "999 B");
  EXPECT_EQ(ShortBytes(1234567), "1.2 MB");
  EXPECT_EQ(ClockTime(7), "0:07");
  EXPECT_EQ(ClockTime(3723), "1:02:03");
  EXPECT_EQ(Decimals(std::nullopt, 2), "-");
}

TEST(TextTest, TablesAlign) {
  Table table({{"NAME"}, {"COUNT", Table::Align::kRight}, {"NOTE"}});
  table.AddRow({"a", "1,000", ""});
  table.AddRow({"longer", "7", "x"});
  EXPECT_EQ(table.ToString(),
            "NAME    COUNT  NOTE\n"
            "a       1,000\n"
            "longer      7  x\n");
}

TEST(ExitCodeTest, FollowsSysexits) {
  EXPECT_EQ(ExitCode(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCode(absl::InvalidArgumentError("")), 64);
  EXPECT_EQ(ExitCode(DataError("bad line")), 65);
  EXPECT_EQ(ExitCode(absl::NotFoundError("")), 66);
  EXPECT_EQ(ExitCode(absl::UnavailableError("")), 69);
  EXPECT_EQ(ExitCode(absl::InternalError("")), 70);
  EXPECT_EQ(ExitCode(absl::AlreadyExistsError("")), 73);
  EXPECT_EQ(ExitCode(absl::UnknownError("")), 74);
  EXPECT_EQ(ExitCode(absl::PermissionDeniedError("")), 77);
  EXPECT_EQ(ExitCode(absl::FailedPreconditionError("")), 78);
}

ProgressFigures HalfDone() {
  ProgressFigures figures;
  figures.rows = 500'000;
  figures.bytes = 50;
  figures.bytes_total = 100;
  figures.window_share = 0.25;
  v1::ProgressiveMetrics metrics;
  metrics.set_example_count(1);
  metrics.set_loss(0.34);
  metrics.set_base_rate_loss(0.42);
  metrics.set_auc(0.75);
  figures.metrics = metrics;
  return figures;
}

TEST(ProgressTest, ShowsEverythingWhereThereIsRoom) {
  EXPECT_EQ(ProgressBar("clicks", HalfDone(), 10, 50'000, 5, 200),
            "clicks  50% [===============>              ]  500,000 rows  50,000/s  5 B/s  "
            "loss 0.3400  base 0.4200  AUC 0.7500  window 25%  ETA 0:10");
}

TEST(ProgressTest, NeverGrowsWiderThanTheTerminal) {
  for (size_t width = 0; width < 200; ++width) {
    const std::string line = ProgressBar("clicks", HalfDone(), 10, 50'000, 5, width);
    EXPECT_LE(line.size(), width);
    if (width >= 80) {
      EXPECT_NE(line.find("loss 0.3400"), std::string::npos) << line;
    }
  }
}

TEST(ProgressTest, SaysItInOneLineWithoutATerminal) {
  EXPECT_EQ(ProgressLine("clicks", HalfDone(), 50'000),
            "clicks: 500,000 rows (50 %), 50,000 a second, loss 0.3400 (base rate 0.4200), "
            "AUC 0.7500");
}

TEST(TextTest, MeasuresAndCutsTextByCharacters) {
  EXPECT_EQ(DisplayWidth("größe"), 5U);
  EXPECT_EQ(CutToWidth("größe", 5), "größe");
  EXPECT_EQ(CutToWidth("größe", 4), "grö…");
  EXPECT_EQ(CutToWidth("größe", 1), "…");
  EXPECT_EQ(CutToWidth("größe", 0), "");
  Table table({{"NAME"}, {"N", Table::Align::kRight}});
  table.AddRow({"größe", "1"});
  table.AddRow({"plain", "22"});
  EXPECT_EQ(table.ToString(), "NAME    N\ngröße   1\nplain  22\n");
}

TEST(TextTest, KeepsCommandsToTheTerminalOutOfNames) {
  EXPECT_EQ(Printable("plain größe"), "plain größe");
  EXPECT_EQ(Printable("a\x1b[2Jb\nc\x7f"), "a?[2Jb?c?");
  EXPECT_EQ(Printable("a\xc2\x9b"
                      "b"),
            "a?b");
}

}  // namespace
}  // namespace freshet

// What the command line shows of what a model has learned.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/server_fixture.h"
#include "tests/support/terminal.h"

namespace freshet {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

// A server that has learned the first of the flights in tests/data.
class StatsCommandTest : public ServerFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Start());
    Expect(Freshet({"models", "create", "flights"}));
    Push({"--limit", "5000"});
  }

  CommandResult Freshet(std::vector<std::string> arguments, const std::string& input = "") const {
    std::vector<std::string> command = {BinaryDir() + "/freshet", "--server", server_->address(),
                                        "--deadline", "300"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return RunCommand(command, input);
  }

  // The output of a command that must succeed.
  static std::string Expect(const CommandResult& result) {
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  }

  void Push(const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {
        "push", "flights",   FRESHET_FLIGHTS_FILE, "--label",         "delay", "--positive",
        ">=15", "--numeric", "distance",           "--time-features", "date",  "--progress",
        "none"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    Expect(Freshet(arguments));
  }

  CommandResult Explain(std::vector<std::string> options = {}) const {
    std::vector<std::string> arguments = {
        "explain",   "flights",  "date,distance,origin,destination\n2001-01-01 09:30,0.5,ORD,SFO",
        "--numeric", "distance", "--time-features",
        "date",      "--format", "csv"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return Freshet(arguments);
  }
};

TEST_F(StatsCommandTest, ExplainsAnExampleByTheNamesOfItsFeatures) {
  const std::string table = Expect(Explain());
  EXPECT_THAT(table, ContainsRegex("origin\\^ORD +1 +[+-]"));
  EXPECT_THAT(table, ContainsRegex("distance\\^distance +0.5 +[+-]"));
  EXPECT_THAT(table, ContainsRegex("date\\^hour=09 +1 +[+-]"));
  // The weight, how many of the newest examples had the feature, and when it was last learned.
  EXPECT_THAT(table, ContainsRegex("origin\\^ORD .* [0-9,]+  +offset [0-9]+, [0-9,]+ ago +[+-]"));
  EXPECT_THAT(table, HasSubstr("Count and last learned: of the newest "));
  EXPECT_THAT(table, ContainsRegex("intercept +[+-]"));
  EXPECT_THAT(table, ContainsRegex("probability +0\\."));
  EXPECT_THAT(Expect(Explain({"--json"})), HasSubstr(R"("origin^ORD")"));
}

TEST_F(StatsCommandTest, ShowsTheSameWeightsByNameAfterARestart) {
  const std::string weights = Expect(Freshet({"weights", "flights", "--top", "40"}));
  EXPECT_THAT(weights, HasSubstr("the 40 largest weights"));
  EXPECT_THAT(weights, HasSubstr("origin^"));
  EXPECT_THAT(weights, HasSubstr("date^hour="));
  EXPECT_THAT(weights, Not(ContainsRegex("#[0-9]")));
  server_->Kill();  // Afterwards names come from the log.
  Start();
  EXPECT_EQ(Expect(Freshet({"weights", "flights", "--top", "40"})), weights);
  server_->Stop();  // Afterwards names come from a snapshot.
  Start();
  EXPECT_EQ(Expect(Freshet({"weights", "flights", "--top", "40"})), weights);
}

TEST_F(StatsCommandTest, ShowsWhatChangedBetweenSnapshots) {
  Expect(Freshet({"snapshots", "create", "flights", "before"}));
  Push({"--limit", "9000"});
  Expect(Freshet({"snapshots", "create", "flights", "after"}));
  const std::string changes = Expect(Freshet({"diff", "flights", "before", "after", "--top", "5"}));
  EXPECT_THAT(changes, ContainsRegex("flights: [0-9,]+ weights changed from offset [0-9]+ to "));
  EXPECT_THAT(changes, HasSubstr("^"));
  const std::string none = Expect(Freshet({"diff", "flights", "after", "after"}));
  EXPECT_THAT(none, HasSubstr("flights: 0 weights changed"));
  EXPECT_THAT(Expect(Freshet({"diff", "flights", "before", "after", "--json"})),
              HasSubstr("\"changedCount\""));
  const CommandResult missing = Freshet({"diff", "flights", "before", "never"});
  EXPECT_EQ(missing.code, 66);
  EXPECT_THAT(missing.err, HasSubstr("never"));
}

TEST_F(StatsCommandTest, WatchesAllModelsWithABlockALook) {
  const std::string block =
      "MODEL +STATE +EXAMPLES +A SECOND [^\n]+\nflights +serving +5,000 +[0-9,-]+ [^\n]+B\n\n";
  EXPECT_THAT(Expect(Freshet({"models", "list", "--watch", "--count", "2", "--interval", "0.05"})),
              ContainsRegex("^" + block + block + "$"));
  EXPECT_THAT(Expect(Freshet({"models", "list", "--watch", "--count", "1", "--json"})),
              ContainsRegex("^\\{\"models\":\\[\\{\"model\":\"flights\",[^\n]*\\}\\]\\}\n$"));
  EXPECT_EQ(Freshet({"models", "list", "--interval", "1"}).code, 64) << "needs --watch";
}

TEST_F(StatsCommandTest, CtrlCEndsAWatchWithTheCodeOfTheSignal) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"models", "list", "--watch"}, {"watch", "flights"}}) {
    std::vector<std::string> words = {BinaryDir() + "/freshet", "--server", server_->address()};
    words.insert(words.end(), command.begin(), command.end());
    const CommandResult watched = RunOnTerminal(words, "flights", "\x03");
    EXPECT_EQ(watched.code, 130) << watched.out;
  }
}

TEST_F(StatsCommandTest, WatchesWithALineALook) {
  const CommandResult lines = Freshet({"watch", "flights", "--count", "3", "--interval", "0.05"});
  EXPECT_EQ(lines.code, 0) << lines.err;
  const std::string line =
      "flights: 5,000 examples, [0-9,-]+ a second, recent loss [^\n]+, offset [0-9]+\n";
  EXPECT_THAT(lines.out, ContainsRegex("^" + line + line + line + "$"));
  EXPECT_THAT(Expect(Freshet({"watch", "flights", "--count", "1", "--json"})),
              ContainsRegex("^\\{\"model\":\"flights\",\"examples\":5000,[^\n]*\\}\n$"));
  EXPECT_EQ(Freshet({"watch", "nothing"}).code, 66);
}

TEST_F(StatsCommandTest, KeepsNoNamesWhereToldSo) {
  server_->Stop();
  ASSERT_NO_FATAL_FAILURE(StartWithConfig("names { max_names: 0 }"));
  const std::string weights = Expect(Freshet({"weights", "flights", "--top", "40"}));
  EXPECT_THAT(weights, ContainsRegex("\n#[0-9]+ "));
  EXPECT_THAT(weights, Not(HasSubstr("^")));
  Push({"--limit", "1000"});
  EXPECT_THAT(Expect(Freshet({"weights", "flights"})), Not(HasSubstr("^")));
  // The names in the example itself are shown anyway.
  EXPECT_THAT(Expect(Explain()), HasSubstr("origin^ORD"));
}

TEST_F(StatsCommandTest, SaysWhatIsWrongWithAnExample) {
  const CommandResult bad = Freshet({"explain", "flights", "|user u42:x", "--format", "vw"});
  EXPECT_EQ(bad.code, 65);
  EXPECT_THAT(bad.err, HasSubstr("column 11"));
  const CommandResult unknown = Freshet({"explain", "flights", "what is this"});
  EXPECT_EQ(unknown.code, 64);
  EXPECT_THAT(unknown.err, HasSubstr("--format"));
  const CommandResult two = Freshet({"explain", "flights", "-"}, "|a b\n|a c\n");
  EXPECT_EQ(two.code, 65);
  EXPECT_THAT(two.err, HasSubstr("give exactly one"));
}

}  // namespace
}  // namespace freshet

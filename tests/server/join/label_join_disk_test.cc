// The join's table on disk: kills, damage, disks that refuse something.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "server/join/join_changes.h"
#include "server/join/join_store.h"
#include "server/join/label_join.h"
#include "tests/server/join/join_records.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

constexpr int64_t kDiskStart = 1'000'000;
// Room for some 30 events.
constexpr size_t kDiskEventsBytes = size_t{66} << 10;

class LabelJoinDiskTest : public ::testing::Test {
 protected:
  LabelJoin::Options OptionsOf(const std::string& name) const {
    LabelJoin::Options options;
    options.dir = folder_.path() + "/" + name;
    options.rule = RuleOf(v1::LABEL_POLICY_CORRECT, 30, 200, 20);
    options.recent_events_bytes = kDiskEventsBytes;
    return options;
  }

  static std::unique_ptr<LabelJoin> Open(const LabelJoin::Options& options) {
    auto join = LabelJoin::Open(options);
    EXPECT_TRUE(join.ok()) << join.status();
    return join.ok() ? *std::move(join) : nullptr;
  }

  // All that a join says.
  static std::string Say(const LabelJoin& join, int64_t now_ms) {
    v1::LabelFigures figures;
    join.FillFigures(figures);
    std::string text = figures.DebugString();
    auto page = join.List(v1::EVENT_STATE_UNSPECIFIED, 1000, "");
    EXPECT_TRUE(page.ok()) << page.status();
    if (page.ok()) {
      for (const v1::Event& event : page->events) text += event.DebugString();
    }
    const auto note = join.Decide(now_ms, 5);
    EXPECT_TRUE(note.ok()) << note.status();
    if (note.ok() && note->has_value()) text += (*note)->DebugString();
    return text + std::to_string(join.NextDueTime().value_or(-1));
  }

  // A log with all kinds of records, made with the help of a join that is given it.
  static std::vector<Record> MakeLog(LabelJoin& join, int count) {
    std::vector<Record> log;
    for (int i = 0; static_cast<int>(log.size()) < count; ++i) {
      const int64_t now_ms = kDiskStart + int64_t{7} * i;
      const std::string id = "e" + std::to_string(i);
      const auto add = [&log, &join](Record record) {
        EXPECT_TRUE(join.Apply(record).ok());
        log.push_back(std::move(record));
      };
      if (i % 3 == 0) {
        add(EventsAt(now_ms, {id, id + "b", "e" + std::to_string(i / 2)}));
      } else if (i % 3 == 1) {
        add(FeedbackAt(now_ms,
                       {Item("e" + std::to_string(i - 1)), Item("e" + std::to_string(i + 2)),
                        Item("e" + std::to_string(std::max(i - 10, 0)))}));
      }
      auto note = join.Decide(now_ms, 3);
      EXPECT_TRUE(note.ok()) << note.status();
      if (note.ok() && note->has_value()) add(LabelsAt(now_ms, **note));
    }
    return log;
  }

  TemporaryFolder folder_;
};

TEST_F(LabelJoinDiskTest, AfterAKillAtAnyRecordItComesToTheSame) {
  constexpr int kDiskRecords = 60;
  std::vector<Record> log;
  {
    const auto first = Open(OptionsOf("first"));
    log = MakeLog(*first, kDiskRecords);
  }
  const auto undisturbed = Open(OptionsOf("undisturbed"));
  std::vector<std::string> said;
  std::vector<std::string> copies;
  for (size_t i = 0; i < log.size(); ++i) {
    ASSERT_TRUE(undisturbed->Apply(log[i]).ok());
    said.push_back(Say(*undisturbed, log[i].time_ms));
    if (i % 7 != 3) continue;
    // What a kill leaves: the files as they are while the table is open.
    copies.push_back("killed" + std::to_string(i));
    std::filesystem::copy(OptionsOf("undisturbed").dir, OptionsOf(copies.back()).dir,
                          std::filesystem::copy_options::recursive);
  }
  for (const std::string& copy : copies) {
    LabelJoin::Options options = OptionsOf(copy);
    options.begin_offset = 1000;  // Would be noticed.
    const auto join = Open(options);
    ASSERT_LT(join->offset(), 1000U);
    ASSERT_GT(join->offset(), 0U);
    for (size_t i = join->offset(); i < log.size(); ++i) {
      ASSERT_TRUE(join->Apply(log[i]).ok());
      ASSERT_EQ(Say(*join, log[i].time_ms), said[i]) << copy << " record " << i;
    }
  }
}

// A kill may come after the recent events are put into their table and before that is noted.
TEST_F(LabelJoinDiskTest, EventsThatAreInTheirTableWithoutWordOfItAreKnownOnce) {
  std::vector<Record> log;
  {
    const auto first = Open(OptionsOf("first"));
    log = MakeLog(*first, 40);
  }
  const size_t half = log.size() / 2;
  LabelJoin::Options options = OptionsOf("join");
  options.recent_events_bytes = size_t{1} << 30;
  RecentEvents recent;
  {
    const auto join = Open(options);
    for (size_t i = 0; i < half; ++i) ASSERT_TRUE(join->Apply(log[i]).ok());
  }
  {
    auto store = JoinStore::Open({.dir = options.dir});
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE(ReadRecentEvents(*(*store)->Now(), 0, recent).ok());
    ASSERT_FALSE(recent.Sorted().empty());
    ASSERT_TRUE((*store)->AddEvents(recent.Sorted()).ok());
  }
  const auto join = Open(options);
  const auto undisturbed = Open(OptionsOf("undisturbed"));
  for (size_t i = 0; i < log.size(); ++i) {
    ASSERT_TRUE(undisturbed->Apply(log[i]).ok());
    if (i < half) continue;
    ASSERT_TRUE(join->Apply(log[i]).ok());
    ASSERT_EQ(Say(*join, log[i].time_ms), Say(*undisturbed, log[i].time_ms)) << "record " << i;
  }
}

TEST_F(LabelJoinDiskTest, ATornEndOfItsOwnLogTakesItBackToARecord) {
  std::vector<Record> log;
  const LabelJoin::Options options = OptionsOf("join");
  std::string before;
  {
    const auto join = Open(options);
    log = MakeLog(*join, 40);
    before = Say(*join, kDiskStart + 100'000);
  }
  for (const auto& entry : std::filesystem::directory_iterator(options.dir)) {
    if (entry.path().extension() != ".log") continue;
    std::filesystem::resize_file(entry.path(), std::filesystem::file_size(entry.path()) - 40);
  }
  const auto join = Open(options);
  EXPECT_EQ(join->offset(), log.size() - 1);
  while (join->offset() < log.size()) ASSERT_TRUE(join->Apply(log[join->offset()]).ok());
  EXPECT_EQ(Say(*join, kDiskStart + 100'000), before);
}

// The names of files of a kind.
std::vector<std::filesystem::path> JoinFilesOf(const std::string& dir, const std::string& part) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().filename().string().find(part) != std::string::npos) {
      files.push_back(entry.path());
    }
  }
  return files;
}

void WriteGarbageTable(const std::filesystem::path& path) {
  std::ofstream(path) << "garbage, not a table";
}

TEST_F(LabelJoinDiskTest, ADamagedTableIsMadeAnew) {
  for (const std::string part : {"CURRENT", "MANIFEST", ".sst"}) {
    LabelJoin::Options options = OptionsOf("damaged" + part);
    { MakeLog(*Open(options), 30); }
    Open(options).reset();  // Writes what its log of writes holds to files.
    const std::vector<std::filesystem::path> files = JoinFilesOf(options.dir, part);
    ASSERT_FALSE(files.empty()) << part;
    for (const std::filesystem::path& file : files) WriteGarbageTable(file);
    options.begin_offset = 7;
    options.labels_number = 3;
    const auto join = Open(options);
    ASSERT_NE(join, nullptr) << part;
    EXPECT_EQ(join->offset(), 7U) << part;
    EXPECT_EQ(join->labels_number(), 3U) << part;
    EXPECT_TRUE(join->Apply(EventsAt(kDiskStart, {"a"})).ok()) << part;
    EXPECT_TRUE(join->Find("a").ok()) << part;
  }
}

TEST_F(LabelJoinDiskTest, ATableOfAPlaceThatTheLogDoesNotHoldIsMadeAnew) {
  LabelJoin::Options options = OptionsOf("join");
  { MakeLog(*Open(options), 20); }
  options.log_first = 5;
  options.log_end = 20;
  EXPECT_EQ(Open(options)->offset(), 20U);
  options.begin_offset = 12;
  options.log_end = 19;
  EXPECT_EQ(Open(options)->offset(), 12U);
  options.begin_offset = 30;
  options.log_first = 13;
  options.log_end = 40;
  EXPECT_EQ(Open(options)->offset(), 30U);
}

TEST_F(LabelJoinDiskTest, ATableOfAnotherVersionIsMadeAnew) {
  LabelJoin::Options options = OptionsOf("join");
  Open(options).reset();
  {
    auto store = JoinStore::Open({.dir = options.dir});
    ASSERT_TRUE(store.ok()) << store.status();
    JoinWrite write;
    write.Put(JoinTable::kMeta, "state", std::string("\x02\0\0\0 a later layout", 18));
    ASSERT_TRUE((*store)->Write(write).ok());
  }
  options.begin_offset = 9;
  EXPECT_EQ(Open(options)->offset(), 9U);
}

TEST_F(LabelJoinDiskTest, ANewTableInTheMiddleOfTheLogTakesTheNumberOfTheFirstDecision) {
  std::vector<Record> log;
  std::string whole;
  {
    const auto join = Open(OptionsOf("whole"));
    log = MakeLog(*join, 40);
  }
  LabelJoin::Options options = OptionsOf("part");
  options.begin_offset = 10;
  const auto join = Open(options);
  uint64_t last = 0;
  for (size_t i = 10; i < log.size(); ++i) {
    ASSERT_TRUE(join->Apply(log[i]).ok());
    const auto* const labels = std::get_if<LabelsRecord>(&log[i].body);
    if (labels != nullptr) last = labels->note->number();
    ASSERT_EQ(join->labels_number(), last);
  }
  ASSERT_GT(last, 1U);
}

// While it lives, files of this process do not grow.
class NoFileGrows {
 public:
  NoFileGrows() : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit none = before_;
    none.rlim_cur = 1;
    setrlimit(RLIMIT_FSIZE, &none);
  }
  ~NoFileGrows() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  NoFileGrows(const NoFileGrows&) = delete;
  NoFileGrows& operator=(const NoFileGrows&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(LabelJoinDiskTest, ADiskThatRefusesAWriteChangesNothingAndItGoesOnAfterwards) {
  const auto undisturbed = Open(OptionsOf("undisturbed"));
  const auto join = Open(OptionsOf("join"));
  const std::vector<Record> log = MakeLog(*undisturbed, 40);
  for (size_t i = 0; i < log.size(); ++i) {
    if (i % 10 == 5) {
      const std::string before = Say(*join, log[i].time_ms);
      const NoFileGrows refusing;
      for (int attempt = 0; attempt < 2; ++attempt) {
        const absl::Status status = join->Apply(log[i]);
        ASSERT_TRUE(absl::IsUnavailable(status)) << status;
        EXPECT_EQ(join->offset(), i);
        if (attempt == 0) {
          EXPECT_EQ(Say(*join, log[i].time_ms), before);
        }
      }
    }
    ASSERT_TRUE(join->Apply(log[i]).ok());
  }
  EXPECT_EQ(join->offset(), log.size());
  EXPECT_EQ(Say(*join, kDiskStart + 100'000), Say(*undisturbed, kDiskStart + 100'000));
}

TEST_F(LabelJoinDiskTest, ATableThatIsOpenElsewhereIsLeftAlone) {
  const LabelJoin::Options options = OptionsOf("join");
  const auto join = Open(options);
  EXPECT_TRUE(absl::IsUnavailable(LabelJoin::Open(options).status()));
  EXPECT_TRUE(join->Apply(EventsAt(kDiskStart, {"a"})).ok());
}

TEST_F(LabelJoinDiskTest, AFolderThatCannotBeMadeIsReported) {
  LabelJoin::Options options = OptionsOf("missing/join");
  const absl::Status status = LabelJoin::Open(options).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("missing/join"));
}

}  // namespace
}  // namespace freshet

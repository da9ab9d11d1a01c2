// A corpus of damage: files of models are cut, changed, emptied, removed, renamed, copied over each
// other and replaced by folders, at random. For each of them the start, `freshetd check` and
// `freshetd repair` must agree; what is printed must bring the model up; and no record may be lost
// that the files still hold.
//
// FRESHET_DAMAGE_COUNT and FRESHET_DAMAGE_SEED set how many cases are tried, and which.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "server/command_check.h"
#include "server/recovery/model_diagnosis.h"
#include "tests/server/model/model_fixture.h"
#include "tests/server/recovery/file_damage.h"
#include "tests/server/recovery/model_sites.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t value) {
  const char* text = std::getenv(name);
  return text == nullptr ? value : std::strtoull(text, nullptr, 10);
}

// What came of a start.
struct Started {
  absl::Status status;
  uint64_t offset = 0;
  std::string digest;
};

Started Start(FaultFileSystem& files, const Site& site) {
  Started started;
  Served served(files, site.folder);
  started.status = served.TryRecover();
  if (!started.status.ok()) return started;
  const v1::ComputeDigestResponse digest = served.Digest();
  started.offset = digest.offset();
  started.digest = digest.digest();
  // It goes on, and a crash after that loses nothing.
  const auto sequence = site.sequences.find(started.offset);
  if (sequence != site.sequences.end()) {
    const LearnOutcome outcome = served.Push(sequence->second + 1);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  }
  return started;
}

std::string Words(const std::string& text, const std::string& begin) {
  const size_t at = text.find(begin);
  if (at == std::string::npos) return "";
  return text.substr(at + begin.size(), text.find('\'', at + 1) - at - begin.size());
}

// Runs the command "freshetd repair ..." that stands in quotes in a text.
absl::StatusOr<bool> RunPrinted(FileSystem& files, const std::string& text, std::ostream& out) {
  std::istringstream words(Words(text, "'freshetd repair "));
  RepairRequest request;
  std::string flag;
  uint64_t offset = 0;
  words >> request.path >> flag >> offset;
  if (flag == "--truncate-at") request.truncate_at = offset;
  return RunRepair(files, request, out);
}

class DamageCase {
 public:
  DamageCase(const Site& site, std::mt19937_64& random)
      : site_(site), files_(CopyOf(*site.files)), damage_(site, *files_, random) {
    what_ = StrCat(site.name, ": ", damage_.DoSomething());
    count_ = 1;
    if (random() % 8 == 0 && !damage_.moved_files()) {
      what_ += StrCat("; ", damage_.DoSomething());
      ++count_;
    }
  }

  const std::string& what() const { return what_; }

  void Try() {
    const auto untouched = CopyOf(*files_);
    std::ostringstream checked;
    const absl::StatusOr<bool> good = RunCheck(*files_, "/data", checked);
    ASSERT_TRUE(good.ok()) << good.status();
    SCOPED_TRACE(checked.str());
    const auto diagnosis = DiagnoseModel(*files_, site_.dir());
    ASSERT_TRUE(diagnosis.ok()) << diagnosis.status();
    EXPECT_EQ(*good, diagnosis->findings.empty());
    if (count_ == 1) {
      // Swapped files are two.
      EXPECT_LE(diagnosis->findings.size(), what_.find("swapped") != std::string::npos ? 2U : 1U);
    }
    const Started started = Start(*untouched, site_);
    EXPECT_EQ(started.status.ok(), !diagnosis->hinders()) << started.status;
    if (started.status.ok()) {
      ExpectAllKept(started);
    } else {
      EXPECT_TRUE(absl::IsDataLoss(started.status)) << started.status;
      const std::string message(started.status.message());
      EXPECT_EQ(Words(message, "'freshetd repair "), Words(checked.str(), "'freshetd repair "));
    }
    Repair(*diagnosis, checked.str());
  }

 private:
  void ExpectAllKept(const Started& started) {
    const auto known = site_.digests.find(started.offset);
    ASSERT_NE(known, site_.digests.end()) << started.offset;
    EXPECT_EQ(started.digest, known->second) << "at offset " << started.offset;
    EXPECT_GE(started.offset, damage_.Ideal());
  }

  void Repair(const ModelDiagnosis& diagnosis, const std::string& checked) {
    std::ostringstream out;
    if (diagnosis.hinders()) {
      EXPECT_FALSE(diagnosis.steps.empty());
      const absl::StatusOr<bool> mended = RunPrinted(*files_, checked, out);
      ASSERT_TRUE(mended.ok()) << mended.status();
      EXPECT_TRUE(*mended) << out.str();
    } else {
      const absl::StatusOr<bool> mended = RunRepair(*files_, {.path = "/data"}, out);
      ASSERT_TRUE(mended.ok()) << mended.status();
    }
    SCOPED_TRACE(out.str());
    if (!files_->ListDir(site_.dir()).ok()) {
      EXPECT_TRUE(damage_.manifest_is_lost() && !damage_.has_snapshot()) << "the model is gone";
      EXPECT_TRUE(count_ > 1 || site_.folder == kModel) << "the copy of the manifest was there";
      return;
    }
    const auto after = DiagnoseModel(*files_, site_.dir());
    ASSERT_TRUE(after.ok()) << after.status();
    EXPECT_FALSE(after->hinders()) << after->Explain();
    EXPECT_TRUE(after->steps.empty()) << "not done: " << after->steps.front().path;
    const Started started = Start(*files_, site_);
    ASSERT_TRUE(started.status.ok()) << started.status;
    ExpectAllKept(started);
    const Started again = Start(*files_, site_);
    EXPECT_TRUE(again.status.ok()) << again.status;
    if (site_.durability != v1::DURABILITY_NONE) {
      EXPECT_EQ(again.offset, started.offset + 1);
    }
  }

  const Site& site_;
  std::unique_ptr<FaultFileSystem> files_;
  FileDamage damage_;
  std::string what_;
  int count_ = 0;
};

TEST(DamageCorpusTest, StartCheckAndRepairAgreeAndNothingIsLostThatIsThere) {
  const std::vector<Site> sites = MakeSites();
  const uint64_t count = FromEnvironment("FRESHET_DAMAGE_COUNT", 350);
  const uint64_t seed = FromEnvironment("FRESHET_DAMAGE_SEED", 1);
  const bool keep_going = std::getenv("FRESHET_DAMAGE_KEEP_GOING") != nullptr;
  for (uint64_t i = 0; i < count; ++i) {
    std::mt19937_64 random(seed * 1'000'003 + i);
    DamageCase damage_case(sites[random() % sites.size()], random);
    SCOPED_TRACE(StrCat("case ", i, ": ", damage_case.what()));
    damage_case.Try();
    if (testing::Test::HasFailure() && !keep_going) return;
  }
}

TEST(DamageCorpusTest, WithoutDamageAllIsGood) {
  for (const Site& site : MakeSites()) {
    SCOPED_TRACE(site.name);
    const auto files = CopyOf(*site.files);
    std::ostringstream out;
    const absl::StatusOr<bool> good = RunCheck(*files, "/data", out);
    ASSERT_TRUE(good.ok()) << good.status();
    EXPECT_TRUE(*good) << out.str();
    EXPECT_TRUE(RunRepair(*files, {.path = "/data"}, out).value_or(false)) << out.str();
    const absl::Status cut = RunRepair(*files, {.path = "/data", .truncate_at = 1}, out).status();
    EXPECT_TRUE(absl::IsInvalidArgument(cut)) << cut;
    const Started started = Start(*files, site);
    ASSERT_TRUE(started.status.ok()) << started.status;
    EXPECT_EQ(started.offset, site.end);
    EXPECT_EQ(started.digest, site.digests.at(site.end));
  }
}

}  // namespace
}  // namespace freshet

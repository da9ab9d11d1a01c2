#include "server/model/model_manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/server/model/model_fixture.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr char kUid[] = "0123456789abcdef";

class ModelManifestTest : public testing::Test {
 protected:
  // What reading the manifest of a folder says, once it holds `text`.
  absl::StatusOr<v1::Model> Read(const std::string& folder, const std::string& text) {
    const std::string dir = "/models/" + folder;
    files_.CreateDir("/models").IgnoreError();
    files_.CreateDir(dir).IgnoreError();
    files_.WriteAll(dir + "/MODEL", text);
    const absl::StatusOr<Manifest> manifest = ReadManifestFile(files_, dir);
    if (!manifest.ok()) return manifest.status();
    if (absl::Status status = CheckManifestFolder(manifest->spec, dir); !status.ok()) return status;
    return manifest->spec;
  }

  // As an older version wrote it.
  static std::string WithoutChecksum(const std::string& text) {
    return text.substr(text.find('\n') + 1);
  }

  static v1::Model WithUid(const std::string& uid) {
    v1::Model spec = Spec(v1::DURABILITY_FSYNC);
    spec.set_uid(uid);
    return spec;
  }

  FaultFileSystem files_;
};

TEST_F(ModelManifestTest, ComesBackFromTheFolderOfItsModel) {
  const v1::Model spec = WithUid(kUid);
  EXPECT_EQ(FolderOf(spec), "ctr-0123456789abcdef");
  const auto read = Read(FolderOf(spec), FormatManifest(spec));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->DebugString(), spec.DebugString());
  EXPECT_TRUE(Read("ctr", FormatManifest(WithUid(""))).ok()) << "of an older version";
}

TEST_F(ModelManifestTest, ACopiedOrRenamedFolderIsRefusedByName) {
  const std::string with_uid = FormatManifest(WithUid(kUid));
  const std::string without = FormatManifest(WithUid(""));
  for (const auto& [folder, manifest] :
       {std::pair<std::string, std::string>{"other-0123456789abcdef", with_uid},
        {"ctr-fedcba9876543210", with_uid},
        {"ctr", with_uid},
        {"other", without},
        {"ctr-0123456789abcdef", without}}) {
    const absl::Status status = Read(folder, manifest).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << folder;
    EXPECT_THAT(std::string(status.message()), HasSubstr("/models/" + folder + "/MODEL"));
    EXPECT_THAT(std::string(status.message()), HasSubstr("it holds models/ctr"));
  }
}

TEST_F(ModelManifestTest, AMissingOrDamagedOneSaysSo) {
  EXPECT_THAT(std::string(ReadManifestFile(files_, "/models/none").status().message()),
              HasSubstr("/models/none/MODEL: the manifest is missing"));
  for (const std::string& bad :
       {std::string(), std::string("name: \"models/ctr\"\n"), std::string("\x01\x02"),
        FormatManifest(WithUid("0123")), FormatManifest(WithUid(kUid)) + "name: \"../ctr\"\n",
        WithoutChecksum(FormatManifest(WithUid(kUid))) + "name: \"../ctr\"\n"}) {
    const absl::Status status = Read("ctr", bad).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr("/models/ctr/MODEL"));
  }
}

// One flipped bit made a learning rate 0, and the model went on with another state.
TEST_F(ModelManifestTest, EveryFlippedBitAndEveryCutShows) {
  const std::string good = FormatManifest(WithUid(kUid));
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      EXPECT_TRUE(absl::IsDataLoss(ParseManifest(bad).status())) << bad;
    }
    EXPECT_TRUE(absl::IsDataLoss(ParseManifest(good.substr(0, at)).status())) << at;
  }
}

TEST_F(ModelManifestTest, OfAnOlderVersionOptionsAreInTheirRanges) {
  const std::string good = WithoutChecksum(FormatManifest(WithUid("")));
  ASSERT_TRUE(ParseManifest(good).ok());
  EXPECT_FALSE(ParseManifest(good)->has_checksum);
  EXPECT_TRUE(ParseManifest(FormatManifest(WithUid("")))->has_checksum);
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"learning_rate: ", "-"},
                                 {"epsilon: ", "-"},
                                 {"bits: ", "9"},
                                 {"durability: DURABILITY_FSYNC", "7"}}) {
    std::string bad = good;
    const size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << good;
    to == "7" ? bad.replace(at, from.size(), "durability: 7") : bad.insert(at + from.size(), to);
    EXPECT_TRUE(absl::IsDataLoss(ParseManifest(bad).status())) << bad;
  }
}

}  // namespace
}  // namespace freshet

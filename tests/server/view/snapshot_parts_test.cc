#include "server/view/snapshot_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/byte_text.h"
#include "server/file/checksum.h"
#include "tests/server/view/state_bytes.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using std::string_view_literals::operator""sv;

SavedPart Part(std::string id, uint64_t offset, std::string_view text) {
  SavedPart part{.id = std::move(id), .version = 1, .offset = offset, .bytes = StateWriter()};
  part.bytes.Write(std::as_bytes(std::span(text)));
  return part;
}

SavedState TwoParts() {
  SavedState state{.time_ms = 0x0102, .parts = {}};
  state.parts.push_back(Part("producers", 5, "who"));
  state.parts.push_back(Part("names", 4, "what it is called"));
  return state;
}

std::string NumberBytes(uint64_t number) {
  return std::string(TextOfBytes(freshet::BytesOf(number)));
}

uint64_t ChecksumOfText(std::string_view text) { return Checksum(BytesOfText(text)); }

// The bytes stand in snapshots and never change; see server/snapshot/FORMAT.md.
TEST(SnapshotPartsTest, HaveTheBytesOfTheFormat) {
  std::string table("\x06\x00\x00\x00\x02\x00\x00\x00\x02\x01\x00\x00\x00\x00\x00\x00"sv);
  table += "\x09\x00\x00\x00producers\x01\x00\x00\x00"sv;
  table += NumberBytes(5) + NumberBytes(3) + NumberBytes(ChecksumOfText("who"));
  table += "\x05\x00\x00\x00names\x01\x00\x00\x00"sv;
  table += NumberBytes(4) + NumberBytes(17) + NumberBytes(ChecksumOfText("what it is called"));
  table += NumberBytes(ChecksumOfText(table));
  EXPECT_EQ(TextOfBytes(BytesOfState(TwoParts())), table + "whowhat it is called");
}

TEST(SnapshotPartsTest, AreReadBackById) {
  const std::vector<std::byte> bytes = BytesOfState(TwoParts());
  const absl::StatusOr<LoadedState> loaded = ParseState(bytes);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->time_ms, 0x0102);
  EXPECT_EQ(loaded->parts.size(), 2U);
  const LoadedPart* const names = loaded->Find("names");
  ASSERT_NE(names, nullptr);
  EXPECT_EQ(names->version, 1U);
  EXPECT_EQ(names->offset, 4U);
  EXPECT_EQ(TextOfBytes(names->bytes), "what it is called");
  EXPECT_EQ(loaded->Find("join"), nullptr);
}

TEST(SnapshotPartsTest, AnyByteThatChangesAndAnyThatIsMissingIsFound) {
  const std::vector<std::byte> good = BytesOfState(TwoParts());
  for (size_t i = sizeof(uint32_t); i < good.size(); ++i) {  // The version is looked at before.
    std::vector<std::byte> bad = good;
    bad[i] ^= std::byte{1};
    EXPECT_TRUE(absl::IsDataLoss(ParseState(bad).status())) << i;
  }
  for (size_t size = sizeof(uint32_t); size < good.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(ParseState(std::span(good).first(size)).status())) << size;
  }
  std::vector<std::byte> longer = good;
  longer.push_back(std::byte{0});
  EXPECT_TRUE(absl::IsDataLoss(ParseState(longer).status()));
}

TEST(SnapshotPartsTest, ADamagedPartIsNamed) {
  std::vector<std::byte> bad = BytesOfState(TwoParts());
  bad.back() ^= std::byte{1};
  EXPECT_THAT(std::string(ParseState(bad).status().message()),
              AllOf(HasSubstr("\"names\""), HasSubstr("restore an older snapshot")));
}

TEST(SnapshotPartsTest, APartThatIsThereTwiceIsNamed) {
  SavedState state = TwoParts();
  state.parts.push_back(Part("names", 4, "again"));
  EXPECT_THAT(std::string(ParseState(BytesOfState(state)).status().message()),
              AllOf(HasSubstr("two parts \"names\""), HasSubstr("restore an older snapshot")));
}

}  // namespace
}  // namespace freshet

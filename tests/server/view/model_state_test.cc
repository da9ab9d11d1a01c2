#include "server/view/model_state.h"

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/view/learner_spec.h"
#include "tests/server/view/state_bytes.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kAllIds = uint64_t{1} << 32;
constexpr int64_t kFirstTimeMs = 1'700'000'000'000;

v1::Model StateSpec() {
  v1::Model spec;
  spec.set_name("models/test");
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(10);
  v1::Variant& variant = *spec.add_variants();
  variant.set_name("models/test/variants/main");
  *variant.mutable_learner() = ResolveLearnerSpec(learner).value();
  return spec;
}

// Learns one example with the feature 7, which is called `name` where that is not empty.
void Learn(ModelState& state, uint64_t sequence, const std::string& name) {
  v1::LearnRequest request;
  request.set_producer_id("p");
  request.set_sequence(sequence);
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("n");
  packed.add_segment_sizes(1);
  packed.add_labels(1);
  packed.add_feature_ids(7);
  if (!name.empty()) {
    packed.add_names()->set_id(7);
    packed.mutable_names(0)->set_name(name);
  }
  std::unique_ptr<BatchRecord> batch =
      BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  ASSERT_TRUE(batch->Decode(LossKind::kLogistic, {}, error)) << error.message();
  batch->set_envelope({.sender = "", .max_producers = 10});
  state.Apply({.time_ms = kFirstTimeMs + static_cast<int64_t>(sequence),
               .body = std::shared_ptr<const BatchRecord>(std::move(batch))});
}

std::unique_ptr<ModelState> NewState() { return ModelState::Create(StateSpec()).value(); }

std::vector<std::byte> Saved(const ModelState& state) { return BytesOfState(state.Save()); }

std::vector<std::string> NamesOf7(const ModelState& state) {
  return state.names()->Find({{7U}}, kAllIds).front();
}

TEST(ModelStateTest, KeepsNamesThroughSaveAndLoad) {
  const auto state = NewState();
  Learn(*state, 1, "seven");
  const auto loaded = NewState();
  ASSERT_TRUE(loaded->Load(Saved(*state)).ok());
  EXPECT_THAT(NamesOf7(*loaded), ElementsAre("n^seven"));
  EXPECT_EQ(Saved(*loaded), Saved(*state));
}

TEST(ModelStateTest, HasADigestThatNamesDoNotChange) {
  const auto named = NewState();
  Learn(*named, 1, "seven");
  const auto nameless = NewState();
  Learn(*nameless, 1, "");
  EXPECT_EQ(named->ComputeDigest(), nameless->ComputeDigest());
  EXPECT_NE(Saved(*named), Saved(*nameless));
}

TEST(ModelStateTest, AddsTheNamesOfWhatIsRestored) {
  const auto state = NewState();
  Learn(*state, 1, "seven");
  auto other = NewState();
  Learn(*other, 1, "sept");
  state->Apply({.time_ms = 5, .body = RestoreRecord{.snapshot_id = "kept", .file_checksum = {}}},
               std::move(other));
  EXPECT_THAT(NamesOf7(*state), ElementsAre("n^seven", "n^sept"));
}

// A part's bytes as the saved state has them.
std::vector<std::byte> BytesOfPart(const SavedState& saved, const std::string& id) {
  std::vector<std::byte> bytes;
  for (const SavedPart& part : saved.parts) {
    if (part.id != id) continue;
    for (const auto chunk : part.bytes.Chunks()) {
      bytes.insert(bytes.end(), chunk.begin(), chunk.end());
    }
  }
  return bytes;
}

void AppendTo(std::vector<std::byte>& bytes, std::span<const std::byte> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

// The state as servers before parts saved it.
std::vector<std::byte> OldBytes(const ModelState& state, uint32_t version) {
  const SavedState saved = state.Save();
  const uint64_t offset = state.offset();
  const uint32_t variants = 1;
  std::vector<std::byte> bytes;
  AppendTo(bytes, std::as_bytes(std::span(&version, 1)));
  AppendTo(bytes, std::as_bytes(std::span(&offset, 1)));
  AppendTo(bytes, BytesOfPart(saved, "producers"));
  AppendTo(bytes, std::as_bytes(std::span(&variants, 1)));
  AppendTo(bytes, BytesOfPart(saved, "variants/main"));
  if (version >= 3) AppendTo(bytes, BytesOfPart(saved, "names"));
  return bytes;
}

TEST(ModelStateTest, LoadsAStateOfVersion5WhichHadNoParts) {
  const auto state = NewState();
  Learn(*state, 1, "seven");
  const auto loaded = NewState();
  ASSERT_TRUE(loaded->Load(OldBytes(*state, 5)).ok());
  EXPECT_EQ(loaded->offset(), 1U);
  EXPECT_EQ(loaded->time_ms(), 0) << "not known";
  EXPECT_EQ(loaded->ComputeDigest(), state->ComputeDigest());
  EXPECT_THAT(NamesOf7(*loaded), ElementsAre("n^seven"));
  Learn(*loaded, 2, "");
  Learn(*state, 2, "");
  EXPECT_EQ(Saved(*loaded), Saved(*state));
}

TEST(ModelStateTest, LoadsAStateOfVersion2WhichHadNoNames) {
  const auto state = NewState();
  Learn(*state, 1, "");
  std::vector<std::byte> bytes = OldBytes(*state, 2);
  // Of the one producer, its id apart: sender, gaps, and what was forgotten.
  const auto behind_id =
      bytes.begin() + sizeof(uint32_t) + 4 * sizeof(uint64_t) + sizeof(uint32_t) + 1;
  bytes.erase(behind_id, behind_id + 2 * sizeof(uint32_t) + 4 * sizeof(uint64_t));
  const auto loaded = NewState();
  ASSERT_TRUE(loaded->Load(bytes).ok());
  EXPECT_THAT(NamesOf7(*loaded), IsEmpty());
  Learn(*loaded, 2, "");
  Learn(*state, 2, "");
  EXPECT_EQ(Saved(*loaded), Saved(*state));
}

TEST(ModelStateTest, NamesPartsByTheVariantAlone) {
  for (const char* model : {"ctr", "variants", "ad-variants"}) {
    v1::Model spec = StateSpec();
    spec.mutable_variants(0)->set_name(std::string("models/") + model + "/variants/main");
    const SavedState saved = ModelState::Create(spec).value()->Save();
    EXPECT_EQ(saved.parts.front().id, "variants/main") << model;
  }
}

TEST(ModelStateTest, KeepsTheTimeOfTheLastRecord) {
  const auto state = NewState();
  Learn(*state, 1, "");
  const auto loaded = NewState();
  ASSERT_TRUE(loaded->Load(Saved(*state)).ok());
  EXPECT_EQ(loaded->time_ms(), kFirstTimeMs + 1);
}

TEST(ModelStateTest, SkipsPartsThatItDoesNotKnow) {
  const auto state = NewState();
  Learn(*state, 1, "seven");
  SavedState saved = state->Save();
  SavedPart& join = saved.parts.emplace_back();
  join.id = "join";
  join.version = 7;
  join.bytes.WriteValue<uint64_t>(1);
  std::swap(saved.parts.front(), saved.parts.back());
  const auto loaded = NewState();
  ASSERT_TRUE(loaded->Load(BytesOfState(saved)).ok());
  EXPECT_EQ(Saved(*loaded), Saved(*state));
}

TEST(ModelStateTest, NamesAPartThatIsMissingOrNewer) {
  const auto state = NewState();
  SavedState saved = state->Save();
  saved.parts.pop_back();
  EXPECT_THAT(std::string(NewState()->Load(BytesOfState(saved)).message()),
              AllOf(HasSubstr("no part \"names\""), HasSubstr("restore an older snapshot")));
  saved = state->Save();
  saved.parts.front().version = 2;
  EXPECT_THAT(std::string(NewState()->Load(BytesOfState(saved)).message()),
              AllOf(HasSubstr("\"variants/main\""), HasSubstr("version 2")));
}

// A view that is further than the others, as one that was saved later.
TEST(ModelStateTest, AViewThatIsFurtherSkipsWhatItHas) {
  const auto state = NewState();
  Learn(*state, 1, "one");
  SavedState earlier = state->Save();
  Learn(*state, 2, "two");
  SavedState later = state->Save();
  for (SavedPart& part : earlier.parts) {
    if (part.id != "names") continue;
    for (SavedPart& newer : later.parts) {
      if (newer.id == part.id) std::swap(part, newer);
    }
  }
  const auto loaded = NewState();
  ASSERT_TRUE(loaded->Load(BytesOfState(earlier)).ok());
  EXPECT_EQ(loaded->offset(), 1U);
  EXPECT_FALSE(loaded->views_agree());
  Learn(*loaded, 2, "two");
  EXPECT_TRUE(loaded->views_agree());
  EXPECT_EQ(Saved(*loaded), Saved(*state));
}

}  // namespace
}  // namespace freshet

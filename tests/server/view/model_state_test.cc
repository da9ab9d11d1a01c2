#include "server/view/model_state.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kAllIds = uint64_t{1} << 32;

v1::Model StateSpec() {
  v1::Model spec;
  spec.set_name("models/test");
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(10);
  *spec.add_variants()->mutable_learner() = ResolveLearnerSpec(learner).value();
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
  const auto message = BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  ASSERT_TRUE(message->Decode(LossKind::kLogistic, {}, error)) << error.message();
  float score = 0;
  state.ApplyBatch(*message, {&score, 1});
}

std::unique_ptr<ModelState> NewState() { return ModelState::Create(StateSpec()).value(); }

std::vector<std::byte> Saved(const ModelState& state) {
  StateWriter writer;
  state.Save(writer);
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

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
  state->ApplyRestore(std::move(other));
  EXPECT_THAT(NamesOf7(*state), ElementsAre("n^seven", "n^sept"));
}

TEST(ModelStateTest, LoadsAStateOfVersion2WhichHadNoNames) {
  const auto state = NewState();
  Learn(*state, 1, "");
  std::vector<std::byte> bytes = Saved(*state);
  const uint32_t version = 2;
  std::memcpy(bytes.data(), &version, sizeof(version));
  bytes.resize(bytes.size() - sizeof(uint64_t));  // The number of names.
  // Of the one producer, its id apart: sender, gaps, and what was forgotten.
  const auto behind_id =
      bytes.begin() + sizeof(uint32_t) + 4 * sizeof(uint64_t) + sizeof(uint32_t) + 1;
  bytes.erase(behind_id, behind_id + 2 * sizeof(uint32_t) + 4 * sizeof(uint64_t));
  const auto loaded = NewState();
  ASSERT_TRUE(loaded->Load(bytes).ok());
  EXPECT_THAT(NamesOf7(*loaded), IsEmpty());
  EXPECT_EQ(Saved(*loaded), Saved(*state));
}

}  // namespace
}  // namespace freshet

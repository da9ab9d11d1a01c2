#include "server/model/sequencer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "server/view/learner_spec.h"

namespace freshet {
namespace {

v1::Model SequencedSpec() {
  v1::Model spec;
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_SQUARED);
  learner.set_bits(10);
  *spec.add_variants()->mutable_learner() = ResolveLearnerSpec(learner).value();
  return spec;
}

std::unique_ptr<BatchRecord> BatchOf(const std::string& producer, uint64_t sequence) {
  v1::LearnRequest request;
  request.set_producer_id(producer);
  request.set_sequence(sequence);
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.add_namespaces("");
  packed.add_segment_sizes(0);
  packed.add_labels(1);
  auto batch = BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
  v1::BatchError error;
  EXPECT_TRUE(batch->Decode(LossKind::kSquared, {}, error)) << error.message();
  return batch;
}

class SequencerTest : public testing::Test {
 protected:
  Sequencer Make() {
    return {*state_, {.is_logged = true, .max_producers = 10, .clock = [this] { return now_; }}};
  }

  absl::Time now_ = absl::FromUnixMillis(1000);
  const std::unique_ptr<ModelState> state_ = ModelState::Create(SequencedSpec()).value();
};

TEST_F(SequencerTest, GivesOffsetsAndNotesWhatWasDecided) {
  Sequencer sequencer = Make();
  EXPECT_EQ(sequencer.Judge(BatchOf("p", 1)->request(), "alice").kind, ProducerVerdict::kNew);
  const Record record = sequencer.Accept(BatchOf("p", 1), "alice");
  EXPECT_EQ(sequencer.next_offset(), 1U);
  EXPECT_EQ(record.time_ms, 1000);
  const auto& batch = std::get<std::shared_ptr<const BatchRecord>>(record.body);
  EXPECT_EQ(batch->envelope()->sender, "alice");
  EXPECT_EQ(batch->envelope()->max_producers, 10U);
  const Sequencer::Verdict again = sequencer.Judge(BatchOf("p", 1)->request(), "alice");
  EXPECT_EQ(again.kind, ProducerVerdict::kDuplicate);
  EXPECT_EQ(again.offset, 1U);
  const Sequencer::Verdict stolen = sequencer.Judge(BatchOf("p", 2)->request(), "bob");
  EXPECT_TRUE(absl::IsPermissionDenied(stolen.refusal)) << stolen.refusal;
}

TEST_F(SequencerTest, TimesNeverFall) {
  Sequencer sequencer = Make();
  EXPECT_EQ(sequencer.Accept(SettingsRecord()).time_ms, 1000);
  now_ = absl::FromUnixMillis(900);  // As after a clock was set back.
  EXPECT_EQ(sequencer.Accept(RestoreRecord()).time_ms, 1000);
  now_ = absl::FromUnixMillis(1001);
  EXPECT_EQ(sequencer.Accept(BatchOf("p", 1), "").time_ms, 1001);
  // Nor after a restart, which goes on from the state.
  state_->Apply({.time_ms = 5000, .body = SettingsRecord()});
  EXPECT_EQ(Make().Accept(SettingsRecord()).time_ms, 5000);
}

TEST_F(SequencerTest, AProducerWhoseFirstBatchWasRejectedGoesOn) {
  Sequencer sequencer = Make();
  EXPECT_EQ(sequencer.Judge(BatchOf("p", 2)->request(), "").kind, ProducerVerdict::kUnknown);
  sequencer.NoteRejected(BatchOf("p", 1)->request());
  EXPECT_EQ(sequencer.Judge(BatchOf("p", 2)->request(), "").kind, ProducerVerdict::kNew);
}

}  // namespace
}  // namespace freshet

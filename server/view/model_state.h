// Everything of a model that its log determines.

#ifndef FRESHET_SERVER_VIEW_MODEL_STATE_H_
#define FRESHET_SERVER_VIEW_MODEL_STATE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/metrics/progressive_metrics.h"
#include "core/model/learner.h"
#include "freshet/v1/model.pb.h"
#include "server/codec/learn_message.h"
#include "server/view/feature_names.h"
#include "server/view/producer_table.h"

namespace freshet {

// Variants, their metrics, the sequences of producers, and the names of features: a pure function
// of the records in order.
//
// Threads: one writer at a time. Readers hold a champion() and use its const methods meanwhile.
class ModelState {
 public:
  // Of the bytes that Save() writes. Version 2 brought windows and drift into the metrics, which
  // have a version of their own, version 3 the names of features, version 4 weights without slots
  // of zeros, version 5 the gaps and the senders of producers; Load() reads all.
  static constexpr uint32_t kVersion = 5;

  // The state before the first record. `spec` is a model whose learners are resolved; its first
  // variant is the champion. RESOURCE_EXHAUSTED where there is no memory for the tables.
  static absl::StatusOr<std::unique_ptr<ModelState>> Create(const v1::Model& spec);

  // Applies the record of a batch: every variant learns it, and the names of its features are kept.
  // `scores` are the champion's, before learning. REQUIRES: scores.size() ==
  // message.examples().size(); the batch passed validation.
  void ApplyBatch(const LearnMessage& message, std::span<float> scores);

  // Applies the record of a restore: takes the variants of `restored`, and adds the names that it
  // knows; keeps the sequences of producers, so that a resend is harmless across it. REQUIRES:
  // `restored` has the same spec.
  void ApplyRestore(std::unique_ptr<ModelState> restored);

  // Applies the record of a change: the model's settings (see SettingsOf()) are these from here on.
  void ApplySettings(v1::Model settings);

  // Appends the whole state but for the settings, which stand beside it in snapshots; canonical and
  // versioned.
  void Save(StateWriter& writer) const;

  // Puts a new state of the same spec into a saved one. DATA_LOSS where the bytes do not fit; this
  // object is then to be thrown away.
  absl::Status Load(std::span<const std::byte> bytes);

  // XXH3-128 over learners and the metrics' totals, as 32 hexadecimal digits. Windows and alarms
  // have no part in it: they begin anew where a state of version 1 is loaded. Nor have the names of
  // features: what of them a client sends along depends on how often it connects.
  std::string ComputeDigest() const;

  // Fills in the settings and the figures of `model` (offset, counts, metrics of variants), which
  // holds the spec. For the writer.
  void Describe(v1::Model& model) const;

  // Of a state that was saved: takes the settings that it was saved with.
  void PutBackSettings(v1::Model settings) { settings_ = std::move(settings); }

  const v1::Model& settings() const { return settings_; }

  // The records that the state includes.
  uint64_t offset() const { return offset_; }
  uint64_t example_count() const { return champion_now().example_count(); }
  const ProducerTable& producers() const { return producers_; }
  std::shared_ptr<const Learner> champion() const { return variants_.front().learner; }
  // The same for who looks at it at once: it lives until the next record.
  const Learner& champion_now() const { return *variants_.front().learner; }
  // Those of all variants, in the order of the spec.
  std::vector<std::shared_ptr<const Learner>> learners() const;
  // The same object as long as the state lives.
  const std::shared_ptr<FeatureNames>& names() const { return names_; }

 private:
  struct VariantState {
    std::shared_ptr<Learner> learner;
    ProgressiveMetrics metrics;
    // What was counted last, and after how many examples; of the writer.
    mutable uint64_t used_slots = 0;
    mutable uint64_t counted_examples = 0;
  };

  // Slots are counted again when the examples have grown by this part of them, so that models that
  // rest cost nothing.
  static constexpr uint64_t kUsageShare = 64;

  ModelState() = default;
  static uint64_t UsedSlots(const VariantState& variant);

  uint64_t offset_ = 0;
  v1::Model settings_;
  ProducerTable producers_;
  const std::shared_ptr<FeatureNames> names_ = std::make_shared<FeatureNames>();
  std::vector<VariantState> variants_;    // At least one; the first is the champion.
  std::vector<float> challenger_scores_;  // Scratch.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_MODEL_STATE_H_

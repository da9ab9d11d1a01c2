// Everything of a model that its log determines.

#ifndef FRESHET_SERVER_VIEW_MODEL_STATE_H_
#define FRESHET_SERVER_VIEW_MODEL_STATE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "server/record/record.h"
#include "server/view/labels_view.h"
#include "server/view/log_views.h"
#include "server/view/snapshot_parts.h"
#include "server/view/variant.h"
#include "server/view/view.h"

namespace freshet {

// The views of a model (its variants, the sequences of producers, the names of features, how far
// the labels of events are decided) and its settings: a pure function of the records in order. The
// challengers among the variants leave it when they begin to follow the log by themselves, each at
// its own offset.
//
// Threads: one writer at a time. Readers hold a served() variant and predict with it meanwhile.
class ModelState {
 public:
  // Of the bytes of Save(). Version 2 brought windows and drift into the metrics, which have a
  // version of their own; version 3 the names of features; version 4 weights without slots of
  // zeros; version 5 the gaps and the senders of producers; version 6 parts (see SavedState).
  // Load() reads all.
  static constexpr uint32_t kVersion = kFramedStateVersion;

  // The state before the first record. `spec` is a model whose learners are resolved; its first
  // variant is the champion. RESOURCE_EXHAUSTED where there is no memory for the tables.
  static absl::StatusOr<std::unique_ptr<ModelState>> Create(const v1::Model& spec);

  // Applies the record at offset() to all views but the challengers that stand there. `restored` is
  // the state that a restore puts the model back to, of the same spec; null for other records.
  // REQUIRES: a batch was decoded; there are no challengers, or they were taken.
  void Apply(const Record& record, std::unique_ptr<ModelState> restored = nullptr);

  // Takes the challengers out, in the order of the spec.
  std::vector<std::unique_ptr<Variant>> TakeChallengers();

  // Copies the whole state but for the settings, which stand beside it in snapshots, and for
  // challengers that were taken.
  SavedState Save() const;

  // Puts a new state of the same spec into a saved one. Parts that are not known are skipped.
  // DATA_LOSS where the bytes do not fit; this object is then to be thrown away.
  absl::Status Load(ByteSpan bytes);

  // The champion's digest; see Variant::ComputeDigest(). The names of features have no part in it:
  // which of them a client sends along depends on how often it connects.
  std::string ComputeDigest() const { return champion().ComputeDigest(); }

  // Fills in the settings and the figures of `model` (offset, counts, metrics of the champion),
  // which holds the spec. For the writer.
  void Describe(v1::Model& model) const;

  // Of a state that was saved: takes the settings that it was saved with.
  void PutBackSettings(v1::Model settings) { settings_ = std::move(settings); }

  const v1::Model& settings() const { return settings_; }

  // The records that all views but the challengers include.
  uint64_t offset() const { return offset_; }
  // Whether none of these views includes later records than the others. False only of a state that
  // was loaded, until it has those records.
  bool views_agree() const;
  // When the last record was sequenced; see Record. 0: not known.
  int64_t time_ms() const { return time_ms_; }
  uint64_t example_count() const { return champion().example_count(); }
  const ProducerTable& producers() const { return producers_.table(); }
  // How far the labels of events are decided.
  const LabelsView& labels() const { return *labels_; }
  // The first variant, which answers predictions and decides acknowledgements.
  const Variant& champion() const { return *champion_; }
  // The same object as long as the state lives.
  const std::shared_ptr<FeatureNames>& names() const { return names_.names(); }

 private:
  ModelState() = default;

  absl::Status LoadParts(ByteSpan bytes);
  // Of a state without parts, from behind its version on.
  absl::Status LoadOld(StateReader& reader, uint32_t version);
  // Makes labels_ a view that never saw an event: older snapshots and those of models without
  // events have no part of it.
  void BeginLabels() { labels_->BeginAt(offset_); }
  // Calls visit(view) for each view that is here, in the order of a snapshot's parts.
  template <typename Visit>
  void VisitViews(const Visit& visit) const;

  uint64_t offset_ = 0;
  int64_t time_ms_ = 0;
  v1::Model settings_;
  std::unique_ptr<Variant> champion_;
  std::vector<std::unique_ptr<Variant>> challengers_;  // Until they are taken.
  ProducersView producers_;
  NamesView names_;
  std::unique_ptr<LabelsView> labels_;
  // The views whose offsets make up offset_: champion_, producers_, names_, *labels_.
  std::array<View*, 4> core_views_{};
};

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_MODEL_STATE_H_

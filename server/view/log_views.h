// The small views of a model: which batches its producers have sent, and what its features are
// called.

#ifndef FRESHET_SERVER_VIEW_LOG_VIEWS_H_
#define FRESHET_SERVER_VIEW_LOG_VIEWS_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "server/view/feature_names.h"
#include "server/view/producer_table.h"
#include "server/view/view.h"

namespace freshet {

// The sequences of producers. A restore leaves them as they are, so that a resend across it is
// harmless.
class ProducersView : public View {
 public:
  // The version of a table that has the last sequences alone, without gaps and senders.
  static constexpr uint32_t kOldVersion = 0;

  ProducersView() : View("producers") {}

  const ProducerTable& table() const { return table_; }

  uint32_t version() const override { return 1; }
  void Save(StateWriter& writer) const override { table_.SaveState(writer); }

 private:
  void ApplyNext(const Record& record, View* restored) override;
  absl::Status LoadVersion(StateReader& reader, uint32_t version) override;
  // `request` is a LearnRequest or a FeedbackRequest.
  template <typename Request>
  void Accept(const Request& request, const BatchEnvelope& envelope);

  ProducerTable table_;
};

// The names of features. A restore adds the names that the snapshot knows.
class NamesView : public View {
 public:
  NamesView() : View("names") {}

  // Thread-safe. The same object as long as the view lives.
  const std::shared_ptr<FeatureNames>& names() const { return names_; }

  uint32_t version() const override { return 1; }
  void Save(StateWriter& writer) const override { names_->SaveState(writer); }

 private:
  void ApplyNext(const Record& record, View* restored) override;
  absl::Status LoadVersion(StateReader& reader, uint32_t version) override;

  const std::shared_ptr<FeatureNames> names_ = std::make_shared<FeatureNames>();
};

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_LOG_VIEWS_H_

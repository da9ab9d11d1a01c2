// Feeds bytes to the server as one message of a Learn stream, and checks what decoding guarantees:
// it never crashes; what it accepts is well formed and finite, has labels that suit the loss unless
// they come later, and can be learned and named; what it rejects, it rejects with a reason; the
// memory of a parsed message was counted before parsing.
//
// The first byte of the input selects the loss and the limits.

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/model/factory.h"
#include "server/codec/parsed_size.h"
#include "server/record/batch_record.h"
#include "server/record/events_record.h"
#include "server/view/feature_names.h"
#include "tests/fuzz/require.h"

namespace freshet {
namespace {

void CheckLabel(float label, LossKind loss) {
  Require(std::isfinite(label), "finite labels");
  if (IsBinary(loss)) Require(label == 0 || std::abs(label) == 1, "binary labels");
  if (loss == LossKind::kPoisson) Require(label >= 0, "Poisson labels >= 0");
}

void CheckColumns(const ExampleBatch& batch, LossKind loss, const BatchLimits& limits) {
  Require(batch.size() > 0 && batch.size() <= limits.max_examples, "rows within the limit");
  Require(batch.labels.empty() || batch.labels.size() == batch.size(), "one label per row");
  Require(batch.weights.empty() || batch.weights.size() == batch.size(), "one weight per row");
  Require(batch.values.empty() || batch.values.size() == batch.feature_ids.size(),
          "one value per feature");
  Require(batch.row_ends.back() == batch.feature_ids.size(), "rows hold all features");
  for (size_t row = 0; row < batch.size(); ++row) {
    Require(batch.RowBegin(row) <= batch.RowEnd(row), "row ends rise");
    Require(batch.RowEnd(row) - batch.RowBegin(row) <= limits.max_example_features,
            "features within the limit");
    if (!batch.labels.empty()) CheckLabel(batch.labels[row], loss);
    Require(std::isfinite(batch.Weight(row)) && batch.Weight(row) >= 0, "finite weights >= 0");
  }
  for (const float value : batch.values) Require(std::isfinite(value), "finite values");
}

// A memory limit below what the message takes once parsed must make the check fail.
void CheckSize(const uint8_t* data, int size) {
  v1::LearnRequest request;
  if (!request.ParseFromArray(data, size)) return;
  google::protobuf::io::ArrayInputStream wire(data, size);
  const uint64_t used = request.SpaceUsedLong();
  Require(
      !CheckParsedSize(*v1::LearnRequest::descriptor(), wire, {.max_bytes = used - used / 8}).ok(),
      "the size check counts all that parsing takes");
}

void Feed(const uint8_t* data, size_t size) {
  if (size == 0) return;
  CheckSize(data + 1, static_cast<int>(size - 1));
  const auto loss = static_cast<LossKind>(data[0] % 5);
  const BatchLimits limits = (data[0] & 0x80) != 0
                                 ? BatchLimits{.max_examples = 3, .max_example_features = 4}
                                 : BatchLimits{};
  const std::unique_ptr<BatchRecord> message =
      BatchRecord::Parse(SharedBytes(std::as_bytes(std::span(data + 1, size - 1)), nullptr));
  if (message == nullptr) return;
  v1::BatchError error;
  if (!message->Decode(loss, limits, error)) {
    Require(error.code() != 0 && !error.message().empty(), "errors have a code and a message");
    return;
  }
  const ExampleBatch& batch = message->examples();
  CheckColumns(batch, loss, limits);
  LearnerSpec spec;
  spec.loss = loss;
  spec.linear.bits = 10;
  const std::unique_ptr<Learner> learner = MakeLearner(spec).value();
  std::vector<float> scores(batch.size());
  const v1::LearnRequest& request = message->request();
  if (request.event_ids().empty()) {
    Require(!batch.labels.empty(), "rows to learn from have labels");
    learner->LearnBatch(batch, scores);
  } else {
    Require(batch.labels.empty(), "the labels of events come later");
    error.Clear();
    const bool good = CheckEvents(request, batch.size(), error);
    Require(good || (error.code() != 0 && !error.message().empty()),
            "errors have a code and a message");
    learner->PredictBatch(batch, scores);
  }
  for (const float score : scores) Require(std::isfinite(score), "finite scores");
  FeatureNames names;
  if (request.has_packed()) {
    names.Learn(request.packed());
  } else {
    names.Learn(request.examples());
  }
}

}  // namespace
}  // namespace freshet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  freshet::Feed(data, size);
  return 0;
}

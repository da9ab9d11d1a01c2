// Metrics of models: `freshet_model_...` with the label model, and `freshet_variant_...` with the
// labels model and variant, all of them ids.

#ifndef FRESHET_SERVER_HTTP_MODEL_METRICS_H_
#define FRESHET_SERVER_HTTP_MODEL_METRICS_H_

#include <prometheus/metric_family.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "freshet/v1/model.pb.h"
#include "server/stats/batch_counters.h"
#include "server/stats/model_counters.h"
#include "server/stats/prediction_counters.h"

namespace freshet {

// The figures of one model at one time.
struct ModelSample {
  std::string id;
  absl::Time time = absl::UnixEpoch();     // When the figures were asked for.
  std::shared_ptr<const v1::Model> model;  // As ServedModel::Describe() gives it.
  const BatchCounters* batches = nullptr;  // Must outlive the sample.
  ModelCounters counters;
  // Of the champion.
  std::shared_ptr<const PredictionCounters> predictions = std::make_shared<PredictionCounters>();
};

// Adds one family per metric, with a sample per model or variant. Figures that a model does not
// have (the AUC of a regression, the log of a model without one, any mean before the first example)
// are left out.
void AddModelMetrics(std::span<const ModelSample> samples,
                     std::vector<prometheus::MetricFamily>& page);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_MODEL_METRICS_H_

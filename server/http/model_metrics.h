// Metrics of models: `freshet_model_...` with the label model, and `freshet_variant_...` with the
// labels model and variant, all of them ids.

#ifndef FRESHET_SERVER_HTTP_MODEL_METRICS_H_
#define FRESHET_SERVER_HTTP_MODEL_METRICS_H_

#include <prometheus/metric_family.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "freshet/v1/model.pb.h"
#include "server/stats/batch_counters.h"
#include "server/stats/model_counters.h"

namespace freshet {

// What is known of one model.
struct ModelSample {
  std::string id;
  std::shared_ptr<const v1::Model> model;  // As ServedModel::Describe() gives it.
  const BatchCounters* batches = nullptr;  // Outlives the sample.
  ModelCounters counters;
};

// Adds the metrics of the models, by metric. Figures that a model does not have (the AUC of a
// regression, the log of a model without one, any mean before the first example) are left out.
void AddModelMetrics(std::span<const ModelSample> samples,
                     std::vector<prometheus::MetricFamily>& page);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_MODEL_METRICS_H_

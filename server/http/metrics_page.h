// The page /metrics, for Prometheus.

#ifndef FRESHET_SERVER_HTTP_METRICS_PAGE_H_
#define FRESHET_SERVER_HTTP_METRICS_PAGE_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/http/model_figures.h"
#include "server/net/connection_table.h"
#include "server/registry/model_registry.h"
#include "server/service/learning_service.h"
#include "server/service/rpc_metrics.h"

namespace freshet {

// All figures are read when the page is requested; only counters and late models' last answers are
// kept in between. Thread-safe.
class MetricsPage : public prometheus::Collectable {
 public:
  // How long a page waits for models whose writers are busy; see ModelFigures.
  static constexpr absl::Duration kPatience = absl::Seconds(2);

  // Keeps references to all arguments. `connections` are gRPC's.
  MetricsPage(const ModelRegistry& registry, const LearningServiceImpl& learning,
              const RpcMetrics& rpcs, const ConnectionTable& connections)
      : registry_(registry),
        learning_(learning),
        rpcs_(rpcs),
        connections_(connections),
        figures_(registry) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

  // The same in Prometheus' text format, version 0.0.4.
  std::string Text() const;

 private:
  using Page = std::vector<prometheus::MetricFamily>;

  void AddServer(Page& page) const;
  void AddRecovery(Page& page) const;
  void AddConnections(Page& page) const;
  void AddRpcs(Page& page) const;
  void AddModels(Page& page) const;

  const ModelRegistry& registry_;
  const LearningServiceImpl& learning_;
  const RpcMetrics& rpcs_;
  const ConnectionTable& connections_;
  mutable ModelFigures figures_;  // Keeps the last answer of each model, in case the next one is
                                  // late.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_METRICS_PAGE_H_

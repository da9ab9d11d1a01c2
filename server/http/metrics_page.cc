#include "server/http/metrics_page.h"

#include <prometheus/text_serializer.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "server/http/metric_family.h"
#include "server/http/model_metrics.h"
#include "server/http/process_metrics.h"
#include "server/version.h"

namespace freshet {

using prometheus::MetricFamily;
using prometheus::MetricType;

std::string MetricsPage::Text() const { return prometheus::TextSerializer().Serialize(Collect()); }

std::vector<MetricFamily> MetricsPage::Collect() const {
  Page page;
  AddServer(page);
  AddRecovery(page);
  AddModels(page);
  AddConnections(page);
  AddRpcs(page);
  AddProcessMetrics(page);
  return page;
}

void MetricsPage::AddServer(Page& page) const {
  MetricFamily build =
      MakeFamily("freshet_build_info", MetricType::Gauge, "Always 1; the label is the version.");
  AddValue(build, {{"version", kVersion}}, 1);
  AddFamily(page, std::move(build));
  MetricFamily models =
      MakeFamily("freshet_models", MetricType::Gauge, "Number of models that are served.");
  AddValue(models, {}, static_cast<double>(registry_.models()->size()));
  AddFamily(page, std::move(models));
  MetricFamily damaged = MakeFamily(
      "freshet_damaged_models", MetricType::Gauge,
      "Number of models that could not be recovered and take no calls; 'freshet models list' "
      "names them.");
  AddValue(damaged, {}, static_cast<double>(registry_.damaged()->size()));
  AddFamily(page, std::move(damaged));
  MetricFamily strays =
      MakeFamily("freshet_stray_entries", MetricType::Gauge,
                 "Number of entries in the models' folder that were not models when the server "
                 "started; its log names them.");
  AddValue(strays, {}, static_cast<double>(registry_.stray_count()));
  AddFamily(page, std::move(strays));
  MetricFamily streams = MakeFamily("freshet_learn_streams", MetricType::Gauge,
                                    "Number of open streams of Learn and Feedback.");
  AddValue(streams, {}, static_cast<double>(learning_.stream_count()));
  AddFamily(page, std::move(streams));
}

void MetricsPage::AddRecovery(Page& page) const {
  MetricFamily offset =
      MakeFamily("freshet_model_recovered_offset", MetricType::Gauge,
                 "While the server starts: records that the model's state includes so far.");
  MetricFamily end = MakeFamily(
      "freshet_model_recovery_end_offset", MetricType::Gauge,
      "While the server starts: records that the model's state will include; 0 until that is "
      "known.");
  for (const auto& [id, progress] : registry_.RecoveryProgresses()) {
    AddValue(offset, {{"model", id}}, static_cast<double>(progress.offset));
    AddValue(end, {{"model", id}}, static_cast<double>(progress.end_offset));
  }
  AddFamily(page, std::move(offset));
  AddFamily(page, std::move(end));
}

void MetricsPage::AddModels(Page& page) const {
  const std::vector<ModelFigures::Figures> all = figures_.Gather(kPatience);
  std::vector<ModelSample> samples;
  samples.reserve(all.size());
  for (const ModelFigures::Figures& figures : all) {
    ServedModel& runtime = *figures.runtime;
    samples.push_back({.id = runtime.id(),
                       .time = absl::Now(),
                       .model = figures.model,
                       .batches = &runtime.batch_counters(),
                       .counters = runtime.Counters(),
                       .predictions = runtime.Champion().variant->counters});
  }
  AddModelMetrics(samples, page);
}

void MetricsPage::AddConnections(Page& page) const {
  MetricFamily open =
      MakeFamily("freshet_grpc_connections", MetricType::Gauge, "Number of open gRPC connections.");
  AddValue(open, {}, static_cast<double>(connections_.size()));
  AddFamily(page, std::move(open));
  const ConnectionTable::Counts counts = connections_.counts();
  MetricFamily refused =
      MakeFamily("freshet_grpc_connections_refused_total", MetricType::Counter,
                 "New gRPC connections that were refused, by limit: for all connections (total) or "
                 "for their address (address).");
  AddValue(refused, {{"limit", "total"}}, static_cast<double>(counts.refused_total));
  AddValue(refused, {{"limit", "address"}}, static_cast<double>(counts.refused_by_address));
  AddFamily(page, std::move(refused));
  MetricFamily closed = MakeFamily(
      "freshet_grpc_connections_closed_total", MetricType::Counter,
      "gRPC connections that were closed before any call on them was admitted, by reason: "
      "for a newer one (room), or because no call came in time (silent).");
  AddValue(closed, {{"reason", "room"}}, static_cast<double>(counts.made_room));
  AddValue(closed, {{"reason", "silent"}}, static_cast<double>(counts.silent));
  AddFamily(page, std::move(closed));
}

void MetricsPage::AddRpcs(Page& page) const {
  MetricFamily calls = MakeFamily("freshet_rpc_requests_total", MetricType::Counter,
                                  "Unary calls answered, by the status code of the answer.");
  MetricFamily durations =
      MakeFamily("freshet_rpc_duration_seconds", MetricType::Histogram,
                 "Time from the request of a unary call to its answer, in seconds.");
  for (const auto& [name, method] : rpcs_.methods()) {
    const LatencyHistogram::Counts latency = method.latency.Read();
    if (latency.count == 0) continue;
    for (size_t code = 0; code < RpcMetrics::kCodes; ++code) {
      const uint64_t count = method.calls[code];
      if (count == 0) continue;
      const std::string text = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
      AddValue(calls, {{"method", name}, {"code", text}}, static_cast<double>(count));
    }
    AddHistogram(durations, {{"method", name}}, latency);
  }
  AddFamily(page, std::move(calls));
  AddFamily(page, std::move(durations));
}

}  // namespace freshet

#include "server/server_options.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/file_status.h"
#include "server/file/file_system.h"
#include "server/file/small_file.h"
#include "server/listen_address.h"
#include "server/text_format.h"
#include "server/view/feature_names.h"

namespace freshet {
namespace {

constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;

absl::Status CheckRange(std::string_view field, uint64_t value, uint64_t min, uint64_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(field, " is ", value, "; it must be from ", min, " to ", max));
}

// Needed because spdlog takes any unknown name for "off".
absl::Status CheckLogLevel(std::string_view level) {
  constexpr std::array<std::string_view, 7> kLevels = {"trace", "debug",    "info", "warning",
                                                       "error", "critical", "off"};
  if (std::find(kLevels.begin(), kLevels.end(), level) != kLevels.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("log_level is \"", level,
             "\"; it must be trace, debug, info, warning, error, critical or off"));
}

absl::Status CheckHttpLimits(const ServerOptions& options) {
  constexpr uint32_t kMaxConnections = 1U << 20;
  constexpr uint32_t kMaxTimeout = 3600;
  for (const absl::Status& status :
       {CheckRange("http_limits.max_connections", options.http_max_connections, 1, kMaxConnections),
        CheckRange("http_limits.max_address_connections", options.http_max_address_connections, 1,
                   kMaxConnections),
        CheckRange("http_limits.max_head_bytes", options.http_max_head_bytes, 1024, 1U << 20),
        CheckRange("http_limits.max_memory_bytes", options.http_max_memory_bytes, 1U << 20,
                   uint64_t{1} << 40),
        CheckRange("http_limits.head_timeout_s", options.http_head_timeout_s, 1, kMaxTimeout),
        CheckRange("http_limits.body_timeout_s", options.http_body_timeout_s, 1, kMaxTimeout),
        CheckRange("http_limits.answer_timeout_s", options.http_answer_timeout_s, 1, kMaxTimeout),
        CheckRange("http_limits.idle_timeout_s", options.http_idle_timeout_s, 1, kMaxTimeout)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckOptions(const ServerOptions& options) {
  constexpr uint64_t kMaxUint32 = UINT32_MAX;
  if (absl::Status status = CheckLogLevel(options.log_level); !status.ok()) return status;
  for (const absl::Status& status :
       {CheckRange("learner_threads", options.learner_threads, 0, 1024),
        CheckRange("snapshots.keep_count", options.keep_snapshot_count, 1, 1000),
        CheckRange("snapshots.keep_hourly_count", options.keep_hourly_snapshot_count, 0, 1000),
        CheckRange("snapshots.keep_daily_count", options.keep_daily_snapshot_count, 0, 1000),
        CheckRange("log.segment_bytes", options.log_segment_bytes, 4096, uint64_t{16} << 30),
        CheckRange("names.max_names", options.max_names, 0, FeatureNames::kMaxCapacity),
        CheckRange("drain_grace_s", options.drain_grace_s, 0, 3600),
        CheckRange("limits.max_message_bytes", options.max_message_bytes, 4096, 1U << 30),
        CheckRange("limits.max_batch_examples", options.max_batch_examples, 1, 1U << 24),
        CheckRange("limits.max_example_features", options.max_example_features, 1, 1U << 24),
        CheckRange("limits.max_explained_features", options.max_explained_features, 1, 65'536),
        CheckRange("limits.max_models", options.max_models, 1, kMaxUint32),
        CheckRange("limits.max_streams", options.max_streams, 1, kMaxUint32),
        CheckRange("limits.max_connections", options.max_connections, 1, 1U << 20),
        CheckRange("limits.max_receiving_bytes", options.max_receiving_bytes, 4096,
                   uint64_t{1} << 40),
        CheckRange("limits.max_queue_bytes", options.max_queue_bytes, 1, uint64_t{1} << 40),
        CheckRange("limits.max_producers", options.max_producers, 1, 10'000'000),
        CheckRange("limits.max_total_queue_bytes", options.max_total_queue_bytes, 1,
                   uint64_t{1} << 40)}) {
    if (!status.ok()) return status;
  }
  return CheckHttpLimits(options);
}

void TakeHttpLimits(const v1::HttpLimitsConfig& limits, ServerOptions& options) {
  const auto take = [](bool set, const auto& value, auto& option) {
    if (set) option = value;
  };
  take(limits.has_max_connections(), limits.max_connections(), options.http_max_connections);
  take(limits.has_max_address_connections(), limits.max_address_connections(),
       options.http_max_address_connections);
  take(limits.has_max_head_bytes(), limits.max_head_bytes(), options.http_max_head_bytes);
  take(limits.has_max_memory_bytes(), limits.max_memory_bytes(), options.http_max_memory_bytes);
  take(limits.has_head_timeout_s(), limits.head_timeout_s(), options.http_head_timeout_s);
  take(limits.has_body_timeout_s(), limits.body_timeout_s(), options.http_body_timeout_s);
  take(limits.has_answer_timeout_s(), limits.answer_timeout_s(), options.http_answer_timeout_s);
  take(limits.has_idle_timeout_s(), limits.idle_timeout_s(), options.http_idle_timeout_s);
}

// Checks the form of both addresses before anything listens. Whether others may reach them is
// checked when they are bound.
absl::Status CheckAddresses(const ServerOptions& options) {
  absl::Status status =
      ParseListenAddress("listen", options.listen, UnixSockets::kAllowed).status();
  if (!status.ok() || options.http.empty()) return status;
  return ParseListenAddress("http", options.http, UnixSockets::kRefused).status();
}

}  // namespace

absl::StatusOr<v1::ServerConfig> ReadServerConfig(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadSmallFile(PosixFileSystem(), path, kMaxConfigBytes);
  if (!text.ok()) return WithContext("cannot read the config file", text.status());
  v1::ServerConfig config;
  absl::Status status = ParseTextFormat(*text, StrCat("config file ", path), config);
  if (!status.ok()) return status;
  return config;
}

std::vector<std::string> ChangedUntilRestart(const ServerOptions& before,
                                             const ServerOptions& after) {
  std::vector<std::string> changed;
  const auto compare = [&](const char* name, const auto& a, const auto& b) {
    if (a != b) changed.emplace_back(name);
  };
  const ServerOptions& b = before;
  const ServerOptions& a = after;
  compare("listen", b.listen, a.listen);
  compare("http", b.http, a.http);
  compare("data_dir", b.data_dir, a.data_dir);
  compare("endpoints_file", b.endpoints_file, a.endpoints_file);
  compare("learner_threads", b.learner_threads, a.learner_threads);
  compare("auth.token_file", b.token_file, a.token_file);
  compare("tls.certificate_file", b.tls.certificate, a.tls.certificate);
  compare("tls.key_file", b.tls.key, a.tls.key);
  compare("tls.client_ca_file", b.tls.client_ca, a.tls.client_ca);
  compare("snapshots.keep_count", b.keep_snapshot_count, a.keep_snapshot_count);
  compare("snapshots.keep_hourly_count", b.keep_hourly_snapshot_count,
          a.keep_hourly_snapshot_count);
  compare("snapshots.keep_daily_count", b.keep_daily_snapshot_count, a.keep_daily_snapshot_count);
  compare("snapshots.log_growth_bytes", b.snapshot_log_growth_bytes, a.snapshot_log_growth_bytes);
  compare("log.segment_bytes", b.log_segment_bytes, a.log_segment_bytes);
  compare("log.retain_bytes", b.log_retain_bytes, a.log_retain_bytes);
  compare("log.retain_age_s", b.log_retain_age_s, a.log_retain_age_s);
  compare("predict_while_recovering", b.predict_while_recovering, a.predict_while_recovering);
  compare("strict", b.strict, a.strict);
  compare("insecure", b.insecure, a.insecure);
  compare("names.max_names", b.max_names, a.max_names);
  compare("limits.max_message_bytes", b.max_message_bytes, a.max_message_bytes);
  compare("limits.max_batch_examples", b.max_batch_examples, a.max_batch_examples);
  compare("limits.max_example_features", b.max_example_features, a.max_example_features);
  compare("limits.max_explained_features", b.max_explained_features, a.max_explained_features);
  compare("limits.max_models", b.max_models, a.max_models);
  compare("limits.max_receiving_bytes", b.max_receiving_bytes, a.max_receiving_bytes);
  compare("limits.max_queue_bytes", b.max_queue_bytes, a.max_queue_bytes);
  compare("limits.max_total_queue_bytes", b.max_total_queue_bytes, a.max_total_queue_bytes);
  compare("limits.max_producers", b.max_producers, a.max_producers);
  compare("http_limits.max_connections", b.http_max_connections, a.http_max_connections);
  compare("http_limits.max_address_connections", b.http_max_address_connections,
          a.http_max_address_connections);
  compare("http_limits.max_head_bytes", b.http_max_head_bytes, a.http_max_head_bytes);
  compare("http_limits.max_memory_bytes", b.http_max_memory_bytes, a.http_max_memory_bytes);
  compare("http_limits.head_timeout_s", b.http_head_timeout_s, a.http_head_timeout_s);
  compare("http_limits.body_timeout_s", b.http_body_timeout_s, a.http_body_timeout_s);
  compare("http_limits.answer_timeout_s", b.http_answer_timeout_s, a.http_answer_timeout_s);
  compare("http_limits.idle_timeout_s", b.http_idle_timeout_s, a.http_idle_timeout_s);
  return changed;
}

absl::StatusOr<ServerOptions> MakeServerOptions(const v1::ServerConfig& config) {
  ServerOptions options;
  const auto take = [](bool set, const auto& value, auto& option) {
    if (set) option = value;
  };
  take(config.has_listen(), config.listen(), options.listen);
  take(config.has_http(), config.http(), options.http);
  if (options.http == "off") options.http.clear();
  take(config.has_data_dir(), config.data_dir(), options.data_dir);
  take(config.has_endpoints_file(), config.endpoints_file(), options.endpoints_file);
  take(config.has_log_level(), config.log_level(), options.log_level);
  take(config.has_learner_threads(), config.learner_threads(), options.learner_threads);
  options.token_file = config.auth().token_file();
  options.tls = {config.tls().certificate_file(), config.tls().key_file(),
                 config.tls().client_ca_file()};
  options.insecure = config.insecure();
  options.predict_while_recovering = config.predict_while_recovering();
  options.strict = config.strict();
  const v1::SnapshotConfig& snapshots = config.snapshots();
  take(snapshots.has_interval_s(), snapshots.interval_s(), options.snapshot_interval_s);
  take(snapshots.has_keep_count(), snapshots.keep_count(), options.keep_snapshot_count);
  take(snapshots.has_keep_hourly_count(), snapshots.keep_hourly_count(),
       options.keep_hourly_snapshot_count);
  take(snapshots.has_keep_daily_count(), snapshots.keep_daily_count(),
       options.keep_daily_snapshot_count);
  take(snapshots.has_log_growth_bytes(), snapshots.log_growth_bytes(),
       options.snapshot_log_growth_bytes);
  const v1::LogConfig& log = config.log();
  take(log.has_segment_bytes(), log.segment_bytes(), options.log_segment_bytes);
  take(log.has_retain_bytes(), log.retain_bytes(), options.log_retain_bytes);
  take(log.has_retain_age_s(), log.retain_age_s(), options.log_retain_age_s);
  take(config.names().has_max_names(), config.names().max_names(), options.max_names);
  take(config.has_drain_grace_s(), config.drain_grace_s(), options.drain_grace_s);
  const v1::LimitsConfig& limits = config.limits();
  take(limits.has_max_message_bytes(), limits.max_message_bytes(), options.max_message_bytes);
  take(limits.has_max_batch_examples(), limits.max_batch_examples(), options.max_batch_examples);
  take(limits.has_max_example_features(), limits.max_example_features(),
       options.max_example_features);
  take(limits.has_max_explained_features(), limits.max_explained_features(),
       options.max_explained_features);
  take(limits.has_max_models(), limits.max_models(), options.max_models);
  take(limits.has_max_streams(), limits.max_streams(), options.max_streams);
  take(limits.has_max_connections(), limits.max_connections(), options.max_connections);
  take(limits.has_max_receiving_bytes(), limits.max_receiving_bytes(), options.max_receiving_bytes);
  take(limits.has_max_queue_bytes(), limits.max_queue_bytes(), options.max_queue_bytes);
  take(limits.has_max_total_queue_bytes(), limits.max_total_queue_bytes(),
       options.max_total_queue_bytes);
  take(limits.has_max_producers(), limits.max_producers(), options.max_producers);
  const v1::ClientLimitsConfig& client = config.client_limits();
  take(client.has_requests_per_second(), client.requests_per_second(),
       options.client_requests_per_second);
  take(client.has_examples_per_second(), client.examples_per_second(),
       options.client_examples_per_second);
  take(client.has_max_streams(), client.max_streams(), options.client_max_streams);
  take(client.has_idle_timeout_s(), client.idle_timeout_s(), options.client_idle_timeout_s);
  take(client.has_max_connections(), client.max_connections(), options.client_max_connections);
  TakeHttpLimits(config.http_limits(), options);
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  if (config.has_auth() && options.token_file.empty()) {
    return absl::InvalidArgumentError(
        "auth.token_file is empty; name the file of tokens, or leave auth out");
  }
  if (config.has_tls() && (options.tls.certificate.empty() || options.tls.key.empty())) {
    return absl::InvalidArgumentError(
        "tls needs certificate_file and key_file; name both, or leave tls out");
  }
  if (absl::Status status = CheckAddresses(options); !status.ok()) return status;
  return options;
}

}  // namespace freshet

#include "server/server_options.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include "core/base/str_cat.h"
#include "server/runtime/feature_names.h"
#include "server/text_format.h"

namespace freshet {
namespace {

absl::Status CheckRange(std::string_view field, uint64_t value, uint64_t min, uint64_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(field, " is ", value, "; it must be from ", min, " to ", max));
}

absl::Status CheckOptions(const ServerOptions& options) {
  constexpr uint64_t kMaxUint32 = UINT32_MAX;
  for (const absl::Status& status :
       {CheckRange("learner_threads", options.learner_threads, 0, 1024),
        CheckRange("snapshots.keep_count", options.keep_snapshot_count, 1, 1000),
        CheckRange("log.segment_bytes", options.log_segment_bytes, 4096, uint64_t{16} << 30),
        CheckRange("names.max_names", options.max_names, 0, FeatureNames::kMaxCapacity),
        CheckRange("limits.max_message_bytes", options.max_message_bytes, 4096, 1U << 30),
        CheckRange("limits.max_batch_examples", options.max_batch_examples, 1, 1U << 24),
        CheckRange("limits.max_example_features", options.max_example_features, 1, 1U << 24),
        CheckRange("limits.max_models", options.max_models, 1, kMaxUint32),
        CheckRange("limits.max_streams", options.max_streams, 1, kMaxUint32),
        CheckRange("limits.max_queue_bytes", options.max_queue_bytes, 1, uint64_t{1} << 40)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ServerConfig> ReadServerConfig(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return absl::NotFoundError(
        StrCat("cannot read the config file ", path, ": ", std::strerror(errno)));
  }
  std::ostringstream text;
  text << file.rdbuf();
  v1::ServerConfig config;
  absl::Status status = ParseTextFormat(text.str(), StrCat("config file ", path), config);
  if (!status.ok()) return status;
  return config;
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
  const v1::SnapshotConfig& snapshots = config.snapshots();
  take(snapshots.has_interval_s(), snapshots.interval_s(), options.snapshot_interval_s);
  take(snapshots.has_keep_count(), snapshots.keep_count(), options.keep_snapshot_count);
  take(snapshots.has_log_growth_bytes(), snapshots.log_growth_bytes(),
       options.snapshot_log_growth_bytes);
  const v1::LogConfig& log = config.log();
  take(log.has_segment_bytes(), log.segment_bytes(), options.log_segment_bytes);
  take(log.has_retain_bytes(), log.retain_bytes(), options.log_retain_bytes);
  take(log.has_retain_age_s(), log.retain_age_s(), options.log_retain_age_s);
  take(config.names().has_max_names(), config.names().max_names(), options.max_names);
  const v1::LimitsConfig& limits = config.limits();
  take(limits.has_max_message_bytes(), limits.max_message_bytes(), options.max_message_bytes);
  take(limits.has_max_batch_examples(), limits.max_batch_examples(), options.max_batch_examples);
  take(limits.has_max_example_features(), limits.max_example_features(),
       options.max_example_features);
  take(limits.has_max_models(), limits.max_models(), options.max_models);
  take(limits.has_max_streams(), limits.max_streams(), options.max_streams);
  take(limits.has_max_queue_bytes(), limits.max_queue_bytes(), options.max_queue_bytes);
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  if (config.has_auth() && options.token_file.empty()) {
    return absl::InvalidArgumentError(
        "auth.token_file is empty; name the file of tokens, or leave auth out");
  }
  return options;
}

}  // namespace freshet

// The settings of a server: flags override the config file, which overrides the defaults.

#ifndef FRESHET_SERVER_SERVER_OPTIONS_H_
#define FRESHET_SERVER_SERVER_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "freshet/v1/server_config.pb.h"
#include "server/tls/tls_identity.h"

namespace freshet {

// See v1.ServerConfig for each field's meaning, unit and default.
struct ServerOptions {
  std::string listen = "127.0.0.1:7400";
  std::string http = "127.0.0.1:7401";  // Empty: none.
  std::string data_dir = "./freshet-data";
  std::string endpoints_file;  // Empty: none.
  std::string log_level = "info";
  uint32_t learner_threads = 0;  // 0: one per core.
  std::string token_file;        // Empty: everyone may do everything.
  TlsFiles tls;                  // Empty: no encryption.
  bool insecure = false;

  uint32_t snapshot_interval_s = 300;  // 0: never.
  uint32_t keep_snapshot_count = 3;
  uint32_t keep_hourly_snapshot_count = 6;
  uint32_t keep_daily_snapshot_count = 3;
  uint64_t snapshot_log_growth_bytes = uint64_t{1} << 30;  // 0: never.

  uint64_t log_segment_bytes = uint64_t{128} << 20;
  uint64_t log_retain_bytes = uint64_t{1} << 30;
  uint64_t log_retain_age_s = 604'800;

  uint32_t max_names = 100'000;  // 0: none are kept.

  uint32_t max_message_bytes = 16U << 20;
  uint32_t max_batch_examples = 65'536;
  uint32_t max_example_features = 65'536;
  uint32_t max_explained_features = 16'384;
  uint32_t max_models = 10'000;
  uint32_t max_streams = 1000;
  uint64_t max_queue_bytes = uint64_t{64} << 20;
  uint64_t max_total_queue_bytes = uint64_t{1} << 30;
  uint32_t max_producers = 100'000;
  uint32_t max_connections = 2048;
  uint64_t max_receiving_bytes = uint64_t{512} << 20;

  uint32_t drain_grace_s = 5;
  bool predict_while_recovering = false;
  bool strict = false;

  uint32_t client_requests_per_second = 0;  // 0: no limit.
  uint64_t client_examples_per_second = 0;  // 0: no limit.
  uint32_t client_max_streams = 0;          // 0: no limit.
  uint32_t client_idle_timeout_s = 3600;    // 0: no limit.
  uint32_t client_max_connections = 1024;   // 0: no limit.

  uint32_t http_max_connections = 512;
  uint32_t http_max_address_connections = 256;
  uint32_t http_max_head_bytes = 16'384;
  uint64_t http_max_memory_bytes = uint64_t{256} << 20;
  uint32_t http_head_timeout_s = 5;
  uint32_t http_body_timeout_s = 30;
  uint32_t http_answer_timeout_s = 10;
  uint32_t http_idle_timeout_s = 60;

  friend bool operator==(const ServerOptions&, const ServerOptions&) = default;
};

// Reads a config file in Protobuf text format. INVALID_ARGUMENT names `path`, line, column and
// reason.
absl::StatusOr<v1::ServerConfig> ReadServerConfig(const std::string& path);

// The settings that differ and need a restart to change, by their names in a config.
std::vector<std::string> ChangedUntilRestart(const ServerOptions& before,
                                             const ServerOptions& after);

// The options that a config sets, over the defaults. INVALID_ARGUMENT names the field that is
// wrong.
absl::StatusOr<ServerOptions> MakeServerOptions(const v1::ServerConfig& config);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVER_OPTIONS_H_

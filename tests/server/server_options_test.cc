#include "server/server_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Writes a config file and reads it.
absl::StatusOr<v1::ServerConfig> Read(const std::string& text) {
  const std::string path = testing::TempDir() + "/config.textproto";
  std::ofstream(path) << text;
  return ReadServerConfig(path);
}

TEST(ServerOptionsTest, AnEmptyConfigGivesTheDefaults) {
  const ServerOptions options = MakeServerOptions(Read("").value()).value();
  EXPECT_EQ(options.listen, "127.0.0.1:7400");
  EXPECT_EQ(options.http, "127.0.0.1:7401");
  EXPECT_EQ(options.data_dir, "./freshet-data");
  EXPECT_EQ(options.keep_snapshot_count, 3U);
}

TEST(ServerOptionsTest, FieldsOfTheConfigWin) {
  const ServerOptions options =
      MakeServerOptions(
          Read("listen: '127.0.0.1:0' snapshots { interval_s: 0 } limits { max_models: 2 }")
              .value())
          .value();
  EXPECT_EQ(options.listen, "127.0.0.1:0");
  EXPECT_EQ(options.snapshot_interval_s, 0U);
  EXPECT_EQ(options.max_models, 2U);
}

TEST(ServerOptionsTest, OnlyWhatTakesARestartIsNamedAsChanged) {
  const ServerOptions before;
  ServerOptions after;
  after.snapshot_interval_s = 1;
  after.max_names = 5;
  after.max_queue_bytes = 6;
  EXPECT_THAT(ChangedUntilRestart(before, after),
              ElementsAre("names.max_names", "limits.max_queue_bytes"));
}

TEST(ServerOptionsTest, HttpCanBeTurnedOff) {
  EXPECT_EQ(MakeServerOptions(Read("http: 'off'").value())->http, "");
  EXPECT_EQ(MakeServerOptions(Read("http: ''").value())->http, "");
  EXPECT_EQ(MakeServerOptions(Read("http: '[::1]:0'").value())->http, "[::1]:0");
}

TEST(ServerOptionsTest, AnUnknownFieldIsNamedWithItsLine) {
  const absl::Status status = Read("listen: 'a'\nlisten_on: 'b'").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("config.textproto:2:"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("listen_on"));
}

TEST(ServerOptionsTest, AMissingFileIsNamed) {
  EXPECT_THAT(std::string(ReadServerConfig("/nowhere/config").status().message()),
              HasSubstr("/nowhere/config"));
}

TEST(ServerOptionsTest, AValueOutOfRangeIsNamedWithItsRange) {
  const absl::Status status =
      MakeServerOptions(Read("snapshots { keep_count: 0 }").value()).status();
  EXPECT_EQ(status.message(), "snapshots.keep_count is 0; it must be from 1 to 1000");
}

TEST(ServerOptionsTest, BeyondLoopbackItTakesEncryptionAndTokensOrTheWordInsecure) {
  const auto status = [](const std::string& text) {
    return MakeServerOptions(Read(text).value()).status();
  };
  const std::string tls = " tls { certificate_file: 'c' key_file: 'k' }";
  const std::string auth = " auth { token_file: 't' }";
  EXPECT_EQ(status("listen: '0.0.0.0:1'").message(),
            "listen is 0.0.0.0:1, which others can reach, and there is no encryption; set tls and "
            "auth in the configuration, or --insecure in a network you trust");
  EXPECT_THAT(std::string(status("http: '[::]:1'" + tls).message()),
              HasSubstr("http is [::]:1, which others can reach, and there are no tokens"));
  EXPECT_FALSE(status("listen: 'example.com:1'" + auth).ok());
  EXPECT_TRUE(status("listen: '0.0.0.0:1' http: '0.0.0.0:2'" + tls + auth).ok());
  EXPECT_TRUE(status("listen: '0.0.0.0:1' insecure: true").ok());
  EXPECT_TRUE(status("listen: 'localhost:1' http: 'off'").ok());
  EXPECT_FALSE(status("tls { certificate_file: 'c' }").ok());
  EXPECT_FALSE(status("auth {}").ok());
}

}  // namespace
}  // namespace freshet

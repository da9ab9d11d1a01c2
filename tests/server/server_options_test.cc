#include "server/server_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Writes a config file and reads it.
absl::StatusOr<v1::ServerConfig> Read(const std::string& text) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/config.textproto";
  std::ofstream(path) << text;
  return ReadServerConfig(path);
}

// The options of `config` with one field changed to a value that is not the default: `field` itself
// or, if `group` is given, `field` in that message. The value is 7, or more if 7 is too little.
absl::StatusOr<ServerOptions> OptionsWith(v1::ServerConfig config,
                                          const google::protobuf::FieldDescriptor* group,
                                          const google::protobuf::FieldDescriptor* field) {
  google::protobuf::Message* message = &config;
  if (group != nullptr) message = v1::ServerConfig::GetReflection()->MutableMessage(&config, group);
  const google::protobuf::Reflection& fields = *message->GetReflection();
  absl::StatusOr<ServerOptions> options = absl::UnknownError("not a field");
  for (const uint32_t value : {7, 8192, 2 << 20}) {
    switch (field->cpp_type()) {
      case google::protobuf::FieldDescriptor::CPPTYPE_BOOL:
        fields.SetBool(message, field, true);
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_UINT32:
        fields.SetUInt32(message, field, value);
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_UINT64:
        fields.SetUInt64(message, field, value);
        break;
      default:
        fields.SetString(message, field,
                         field->name() == "listen" || field->name() == "http"
                             ? "127.0.0.1:" + std::to_string(value)
                         : field->name() == "log_level" ? "debug"
                                                        : std::to_string(value));
    }
    options = MakeServerOptions(config);
    if (options.ok()) break;
  }
  return options;
}

TEST(ServerOptionsTest, EveryFieldOfAConfigIsTakenAndIsReloadedOrNamed) {
  const std::set<std::string> reloaded = {
      "log_level",
      "drain_grace_s",
      "snapshots.interval_s",
      "limits.max_streams",
      "limits.max_connections",
      "client_limits.requests_per_second",
      "client_limits.examples_per_second",
      "client_limits.max_streams",
      "client_limits.idle_timeout_s",
      "client_limits.max_connections",
  };
  const v1::ServerConfig config =
      Read("tls { certificate_file: 'c' key_file: 'k' }").value();  // Both are required.
  const ServerOptions before = MakeServerOptions(config).value();
  const auto check = [&](const google::protobuf::FieldDescriptor* group,
                         const google::protobuf::FieldDescriptor* field) {
    const std::string name = (group == nullptr ? "" : group->name() + ".") + field->name();
    SCOPED_TRACE(name);
    const absl::StatusOr<ServerOptions> after = OptionsWith(config, group, field);
    ASSERT_TRUE(after.ok()) << after.status();
    EXPECT_FALSE(*after == before);
    const std::vector<std::string> changed = ChangedUntilRestart(before, *after);
    if (reloaded.contains(name)) {
      EXPECT_THAT(changed, IsEmpty());
    } else {
      EXPECT_THAT(changed, ElementsAre(name));
    }
  };
  const google::protobuf::Descriptor& type = *v1::ServerConfig::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::Descriptor* inner = type.field(i)->message_type();
    if (inner == nullptr) check(nullptr, type.field(i));
    for (int j = 0; inner != nullptr && j < inner->field_count(); ++j) {
      check(type.field(i), inner->field(j));
    }
  }
}

TEST(ServerOptionsTest, AnEmptyConfigGivesTheDefaults) {
  const ServerOptions options = MakeServerOptions(Read("").value()).value();
  EXPECT_EQ(options.listen, "127.0.0.1:7400");
  EXPECT_EQ(options.http, "127.0.0.1:7401");
  EXPECT_EQ(options.data_dir, "./freshet-data");
  EXPECT_EQ(options.keep_snapshot_count, 3U);
  EXPECT_EQ(options.keep_hourly_snapshot_count, 6U);
  EXPECT_EQ(options.keep_daily_snapshot_count, 3U);
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

TEST(ServerOptionsTest, AddressesThatAreNoneAreNamed) {
  const auto status = [](const std::string& text) {
    return MakeServerOptions(Read(text).value()).status();
  };
  EXPECT_EQ(status("listen: '0.0.0.0'").message(),
            "listen is \"0.0.0.0\": the port is missing; it must be host:port, [IPv6]:port or "
            "unix:PATH, for example 127.0.0.1:7400 or [::1]:7400");
  EXPECT_THAT(std::string(status("http: '[::]'").message()), HasSubstr("http is \"[::]\": "));
  EXPECT_FALSE(status("http: 'unix:/x'").ok());
  EXPECT_TRUE(status("listen: 'unix:/x' http: 'off'").ok());
  // Whether others may reach it is checked when it is bound.
  EXPECT_TRUE(status("listen: '0.0.0.0:1'").ok());
}

TEST(ServerOptionsTest, HalfOfTlsOrOfAuthIsRefused) {
  const auto status = [](const std::string& text) {
    return MakeServerOptions(Read(text).value()).status();
  };
  EXPECT_FALSE(status("tls { certificate_file: 'c' }").ok());
  EXPECT_FALSE(status("auth {}").ok());
}

}  // namespace
}  // namespace freshet

#include "server/record/model_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace freshet {
namespace {

using ::testing::HasSubstr;

v1::Model Settings(v1::Durability durability, uint64_t max_bytes, uint64_t max_age_s) {
  v1::Model settings;
  settings.set_durability(durability);
  settings.mutable_log_retention()->set_max_bytes(max_bytes);
  settings.mutable_log_retention()->set_max_age_s(max_age_s);
  return settings;
}

v1::UpdateModelRequest Request(const std::vector<std::string>& fields, const v1::Model& values) {
  v1::UpdateModelRequest request;
  *request.mutable_model() = values;
  for (const std::string& field : fields) request.mutable_update_mask()->add_paths(field);
  return request;
}

std::string Updated(const std::vector<std::string>& fields, const v1::Model& values) {
  return UpdatedSettings(Settings(v1::DURABILITY_OS, 100, 200), Request(fields, values))
      ->ShortDebugString();
}

TEST(ModelSettingsTest, AnUpdateChangesTheFieldsThatItNames) {
  const v1::Model values = Settings(v1::DURABILITY_FSYNC, 7, 8);
  EXPECT_EQ(Updated({"durability"}, values),
            Settings(v1::DURABILITY_FSYNC, 100, 200).ShortDebugString());
  EXPECT_EQ(Updated({"log_retention.max_bytes"}, values),
            Settings(v1::DURABILITY_OS, 7, 200).ShortDebugString());
  EXPECT_EQ(Updated({"log_retention.max_age_s", "durability"}, values),
            Settings(v1::DURABILITY_FSYNC, 100, 8).ShortDebugString());
  EXPECT_EQ(Updated({"log_retention"}, values),
            Settings(v1::DURABILITY_OS, 7, 8).ShortDebugString());
}

TEST(ModelSettingsTest, AFieldThatIsNamedAndAbsentTakesItsDefault) {
  EXPECT_EQ(Updated({"durability", "log_retention"}, v1::Model()), "durability: DURABILITY_FSYNC");
  EXPECT_EQ(Updated({"log_retention.max_age_s"}, v1::Model()),
            "durability: DURABILITY_OS log_retention { max_bytes: 100 }");
}

TEST(ModelSettingsTest, OtherFieldsAndALogThatComesOrGoesAreRefused) {
  const v1::Model logged = Settings(v1::DURABILITY_OS, 1, 1);
  const v1::Model unlogged = Settings(v1::DURABILITY_NONE, 1, 1);
  const auto refusal = [](const v1::Model& settings, const v1::UpdateModelRequest& request) {
    return UpdatedSettings(settings, request).status();
  };
  EXPECT_EQ(refusal(logged, Request({}, logged)).code(), absl::StatusCode::kInvalidArgument);
  const absl::Status other = refusal(logged, Request({"variants"}, logged));
  EXPECT_EQ(other.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(other.message()), HasSubstr("\"variants\""));
  v1::Model strange = logged;
  strange.set_durability(static_cast<v1::Durability>(77));
  EXPECT_EQ(refusal(logged, Request({"durability"}, strange)).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(refusal(logged, Request({"durability"}, unlogged)).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(refusal(unlogged, Request({"durability"}, logged)).code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace freshet

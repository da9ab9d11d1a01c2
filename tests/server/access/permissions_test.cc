#include "server/access/permissions.h"

#include <gmock/gmock.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "freshet/v1/model_service.pb.h"
#include "tests/server/access/all_methods.h"
#include "tests/server/access/call_table.h"

namespace freshet {
namespace {

using google::protobuf::MessageFactory;
using google::protobuf::MethodDescriptor;

constexpr v1::Token::Role kRoles[] = {v1::Token::ROLE_READ, v1::Token::ROLE_PREDICT,
                                      v1::Token::ROLE_LEARN, v1::Token::ROLE_ADMIN};

Caller With(v1::Token::Role role, std::vector<std::string> models = {}) {
  return Caller(std::make_shared<Grant>(Grant{"t", {}, {role}, std::move(models)}));
}

std::unique_ptr<google::protobuf::Message> Request(const MethodDescriptor& method,
                                                   const std::string& text) {
  std::unique_ptr<google::protobuf::Message> request(
      MessageFactory::generated_factory()->GetPrototype(method.input_type())->New());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.get()))
      << method.full_name();
  return request;
}

TEST(PermissionsTest, EveryMethodTakesItsRoleAndNoOther) {
  for (const MethodDescriptor* method : AllMethods()) {
    const auto row = CallTable().find(method->full_name());
    ASSERT_NE(row, CallTable().end()) << method->full_name() << " has no row in call_table.h";
    const auto request = Request(*method, row->second.request);
    EXPECT_TRUE(CheckCall(Caller(), *request).ok()) << method->full_name();
    for (const v1::Token::Role role : kRoles) {
      const absl::Status status = CheckCall(With(role), *request);
      const bool may = role == row->second.role || role == v1::Token::ROLE_ADMIN;
      EXPECT_EQ(status.ok(), may) << method->full_name() << " " << RoleName(role);
      EXPECT_EQ(absl::IsPermissionDenied(status), !may) << status;
    }
  }
}

TEST(PermissionsTest, EveryMethodKeepsToTheModelsOfAToken) {
  for (const MethodDescriptor* method : AllMethods()) {
    const auto& [role, text] = CallTable().at(method->full_name());
    const auto request = Request(*method, text);
    EXPECT_TRUE(CheckCall(With(role, {"ours"}), *request).ok()) << method->full_name();
    EXPECT_TRUE(CheckCall(With(role, {"ou*"}), *request).ok()) << method->full_name();
    const bool lists_all = text.empty();
    EXPECT_EQ(CheckCall(With(role, {"theirs"}), *request).ok(), lists_all) << method->full_name();
    const auto empty = Request(*method, "");
    EXPECT_EQ(CheckCall(With(role, {"theirs"}), *empty).ok(), lists_all) << method->full_name();
  }
}

TEST(PermissionsTest, ASecondModelOfARequestIsLookedAtToo) {
  v1::CreateModelRequest create;
  create.set_model_id("ours");
  EXPECT_TRUE(CheckCall(With(v1::Token::ROLE_ADMIN, {"ours"}), create).ok());
  create.set_source_snapshot("models/theirs/snapshots/s");
  EXPECT_FALSE(CheckCall(With(v1::Token::ROLE_ADMIN, {"ours"}), create).ok());
  v1::CompareSnapshotsRequest compare;
  compare.set_old_name("models/ours/snapshots/s");
  compare.set_new_name("models/theirs/snapshots/s");
  EXPECT_FALSE(CheckCall(With(v1::Token::ROLE_READ, {"ours"}), compare).ok());
}

TEST(PermissionsTest, ARequestWithoutARowIsForAdminsOfAllModels) {
  const google::protobuf::StringValue unknown;
  EXPECT_FALSE(CheckCall(With(v1::Token::ROLE_READ), unknown).ok());
  EXPECT_FALSE(CheckCall(With(v1::Token::ROLE_ADMIN, {"ours"}), unknown).ok());
  EXPECT_TRUE(CheckCall(With(v1::Token::ROLE_ADMIN), unknown).ok());
}

TEST(PermissionsTest, PagesWithFiguresTakeReadOverAllModels) {
  EXPECT_EQ(PageAccessOf("/metrics"), PageAccess::kRead);
  EXPECT_TRUE(CheckPage(With(v1::Token::ROLE_READ), PageAccess::kRead).ok());
  EXPECT_TRUE(CheckPage(With(v1::Token::ROLE_READ, {"*"}), PageAccess::kRead).ok());
  EXPECT_FALSE(CheckPage(With(v1::Token::ROLE_READ, {"ours"}), PageAccess::kRead).ok());
  EXPECT_FALSE(CheckPage(With(v1::Token::ROLE_LEARN), PageAccess::kRead).ok());
}

TEST(PermissionsTest, APageWithoutARowIsForAdmins) {
  EXPECT_EQ(PageAccessOf("/nowhere"), PageAccess::kUnknown);
  EXPECT_FALSE(CheckPage(With(v1::Token::ROLE_READ), PageAccess::kUnknown).ok());
  EXPECT_TRUE(CheckPage(With(v1::Token::ROLE_ADMIN), PageAccess::kUnknown).ok());
}

}  // namespace
}  // namespace freshet

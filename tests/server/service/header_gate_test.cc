#include "server/service/header_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/str_cat.h"
#include "server/access/secret.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

constexpr std::string_view kPredict = "/freshet.v1.LearningService/Predict";

TEST(HeaderGateTest, CallersWithoutATokenMayAskForHealthAlone) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/tokens";
  std::ofstream(path) << "tokens { name: 'a' roles: ROLE_READ sha256: '" << ToHex(DigestOf("s"))
                      << "' }";
  const auto access = AccessControl::Load(path).value();
  const HeaderGate gate(*access);
  EXPECT_TRUE(gate.Check({.path = kPredict, .authorization = "Bearer s", .encoding = ""}).ok());
  for (const std::string_view authorization : {"", "Bearer ", "Bearer t", "s"}) {
    EXPECT_TRUE(absl::IsUnauthenticated(
        gate.Check({.path = kPredict, .authorization = authorization, .encoding = ""})));
    EXPECT_TRUE(gate.Check({.path = "/grpc.health.v1.Health/Check",
                            .authorization = authorization,
                            .encoding = ""})
                    .ok());
  }
  for (const std::string_view other : {"", "/grpc.health.v1.Healthy/Check", "/x", "grpc.health"}) {
    EXPECT_FALSE(gate.Check({.path = other, .authorization = "", .encoding = ""}).ok()) << other;
  }
}

TEST(HeaderGateTest, NobodyCompresses) {
  const AccessControl open;
  const HeaderGate gate(open);
  for (const std::string_view encoding : {"", "identity"}) {
    EXPECT_TRUE(gate.Check({.path = kPredict, .authorization = "", .encoding = encoding}).ok());
  }
  for (const std::string_view encoding : {"gzip", "deflate", "br", "Identity", "identity,gzip"}) {
    EXPECT_TRUE(absl::IsUnimplemented(
        gate.Check({.path = kPredict, .authorization = "", .encoding = encoding})));
  }
  EXPECT_FALSE(
      gate.Check({.path = "/grpc.health.v1.Health/Check", .authorization = "", .encoding = "gzip"})
          .ok());
}

}  // namespace
}  // namespace freshet

#include "client/server_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

using ::testing::HasSubstr;

TEST(ServerAddressTest, AHostAloneMeansTheDefaultPort) {
  EXPECT_EQ(ServerAddress("localhost").value(), "localhost:7400");
  EXPECT_EQ(ServerAddress("localhost:80").value(), "localhost:80");
  EXPECT_EQ(ServerAddress("::1").value(), "[::1]:7400");
  EXPECT_EQ(ServerAddress("[::1]:80").value(), "[::1]:80");
}

TEST(ServerAddressTest, OtherKindsOfAddressesAreLeftToGrpc) {
  EXPECT_EQ(ServerAddress("unix:/run/freshet.sock").value(), "unix:/run/freshet.sock");
  EXPECT_EQ(ServerAddress("dns:///freshet:7400").value(), "dns:///freshet:7400");
}

TEST(ServerAddressTest, AWrongAddressIsNamedWithTheRightForm) {
  struct Case {
    const char* text;
    const char* wrong;
  };
  for (const Case& bad :
       {Case{"", "the host is missing"}, Case{"7400", "the host is missing"},
        Case{":7400", "the host is missing"}, Case{"localhost:", "is not a number"},
        Case{"localhost:grpc", "is not a number"}, Case{"localhost:0", "port 0"},
        Case{"http://localhost:7400", "leave 'http://' out"}, Case{"a b", "neither a name"},
        Case{"unix:", ""}}) {
    const absl::Status status = ServerAddress(bad.text).status();
    ASSERT_TRUE(absl::IsInvalidArgument(status)) << bad.text;
    const std::string message(status.message());
    EXPECT_THAT(message, HasSubstr(std::string("the server address is \"") + bad.text + "\""));
    EXPECT_THAT(message, HasSubstr(bad.wrong));
    EXPECT_THAT(message, HasSubstr("write host, host:port, [IPv6]:port or unix:PATH"));
  }
}

}  // namespace
}  // namespace freshet

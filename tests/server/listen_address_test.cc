#include "server/listen_address.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(ListenAddressTest, HostsAndPortsAreTakenApart) {
  EXPECT_EQ(ParseHostPort("127.0.0.1:7400")->host, "127.0.0.1");
  EXPECT_EQ(ParseHostPort("127.0.0.1:7400")->port, 7400);
  EXPECT_EQ(ParseHostPort("[::1]:0")->host, "::1");
  for (const char* text :
       {"", "7400", ":7400", "host", "host:", "host:http", "host:-1", "h:65536"}) {
    EXPECT_FALSE(ParseHostPort(text)) << text;
  }
}

TEST(ListenAddressTest, OnlyWhatIsSurelyLoopbackIsLoopback) {
  for (const char* address : {"127.0.0.1:0", "127.1.2.3:7400", "localhost:7400", "[::1]:7400"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
  for (const char* address :
       {"0.0.0.0:7400", "[::]:7400", "10.0.0.1:7400", "127.example.com:7400", "localhost.org:7400",
        "128.0.0.1:7400", "[::2]:7400", "*:7400", "127.0.0.1", ""}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

}  // namespace
}  // namespace freshet

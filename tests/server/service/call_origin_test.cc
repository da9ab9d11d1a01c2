#include "server/service/call_origin.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(CallOriginTest, APeerIsItsAddressWithoutThePort) {
  EXPECT_EQ(PeerAddress("ipv4:127.0.0.1:4711"), "127.0.0.1");
  EXPECT_EQ(PeerAddress("ipv6:[::1]:4711"), "[::1]");
  EXPECT_EQ(PeerAddress("ipv6:%5B::1%5D:4711"), "[::1]");
  EXPECT_EQ(PeerAddress("inproc"), "inproc");
  EXPECT_EQ(PeerAddress(""), "");
}

}  // namespace
}  // namespace freshet

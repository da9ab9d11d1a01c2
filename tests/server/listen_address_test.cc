#include "server/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::StatusOr<ListenAddress> Parse(std::string_view text) {
  return ParseListenAddress("listen", text, UnixSockets::kAllowed);
}

TEST(ListenAddressTest, HostsAndPortsAreTakenApart) {
  struct Good {
    const char* text;
    const char* host;
    uint16_t port;
  };
  for (const Good& good :
       {Good{"127.0.0.1:7400", "127.0.0.1", 7400}, Good{"localhost:0", "localhost", 0},
        Good{"[::1]:65535", "::1", 65535}, Good{"[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1},
        Good{"[fe80::1%eth0]:7400", "fe80::1%eth0", 7400}, Good{"0.0.0.0:007", "0.0.0.0", 7},
        Good{"a-b_c.example.com:80", "a-b_c.example.com", 80}}) {
    const absl::StatusOr<ListenAddress> address = Parse(good.text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->host, good.host);
    EXPECT_EQ(address->port, good.port);
    EXPECT_FALSE(address->is_unix());
    EXPECT_EQ(Parse(TextOf(*address))->host, good.host);
    EXPECT_EQ(Parse(TextOf(*address))->port, good.port);
  }
}

TEST(ListenAddressTest, UnixSocketsArePaths) {
  for (const char* path : {"/run/freshet.sock", "relative.sock", "/a/b:80", "/with space"}) {
    const absl::StatusOr<ListenAddress> address = Parse(std::string("unix:") + path);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_TRUE(address->is_unix());
    EXPECT_EQ(address->path, path);
    EXPECT_EQ(TextOf(*address), std::string("unix:") + path);
  }
  EXPECT_EQ(Parse("unix:" + std::string(107, 'x'))->path.size(), 107U);
  EXPECT_FALSE(Parse("unix:" + std::string(108, 'x')).ok());
  EXPECT_FALSE(ParseListenAddress("http", "unix:/x", UnixSockets::kRefused).ok());
}

TEST(ListenAddressTest, WhatIsSomethingElseIsRefusedWithTheRightForm) {
  struct Bad {
    const char* text;
    const char* wrong;
  };
  for (const Bad& bad : {Bad{"", "the port is missing"},
                         Bad{"0.0.0.0", "the port is missing"},
                         Bad{"localhost", "the port is missing"},
                         Bad{"7400", "the port is missing"},
                         Bad{"[::]", "the port is missing"},
                         Bad{"[::1]7400", "the port is missing"},
                         Bad{"[::1", "the port is missing"},
                         Bad{":7400", "the host is missing"},
                         Bad{"::", "in brackets"},
                         Bad{"::1", "in brackets"},
                         Bad{"::1:7400", "in brackets"},
                         Bad{"fe80::1:7400", "in brackets"},
                         Bad{"[]:7400", "not an IPv6 address"},
                         Bad{"[127.0.0.1]:7400", "not an IPv6 address"},
                         Bad{"[::g]:1", "not an IPv6 address"},
                         Bad{"host:", "a number from 0 to 65535"},
                         Bad{"0.0.0.0:http", "a number from 0 to 65535"},
                         Bad{"0.0.0.0:99999", "a number from 0 to 65535"},
                         Bad{"0.0.0.0:65536", "a number from 0 to 65535"},
                         Bad{"host:-1", "a number from 0 to 65535"},
                         Bad{"host:+1", "a number from 0 to 65535"},
                         Bad{"host: 1", "a number from 0 to 65535"},
                         Bad{"host:1 ", "a number from 0 to 65535"},
                         Bad{"host:0x50", "a number from 0 to 65535"},
                         Bad{"host:1.5", "a number from 0 to 65535"},
                         Bad{"host:1\n", "a number from 0 to 65535"},
                         Bad{"dns:localhost:7400", "neither a name nor an address"},
                         Bad{"dns:///localhost:7400", "neither a name nor an address"},
                         Bad{"ipv4:0.0.0.0:7400", "neither a name nor an address"},
                         Bad{"ipv6:[::]:7400", "neither a name nor an address"},
                         Bad{"vsock:2:7400", "neither a name nor an address"},
                         Bad{"http://0.0.0.0:80", "neither a name nor an address"},
                         Bad{"127.0.0.1:1,0.0.0.0:2", "neither a name nor an address"},
                         Bad{"*:7400", "neither a name nor an address"},
                         Bad{" :7400", "neither a name nor"},
                         Bad{"unix-abstract:x", "a number from 0 to 65535"},
                         Bad{"unix:", "path of the socket"},
                         Bad{"unix:@x", "abstract sockets"},
                         Bad{"unix:///run/x", "slashes of a URL"}}) {
    const absl::Status status = Parse(bad.text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad.text;
    EXPECT_THAT(std::string(status.message()), StartsWith("listen is \"")) << bad.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(bad.wrong)) << bad.text;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("it must be host:port, [IPv6]:port or unix:PATH"));
  }
  const std::string zero("unix:/x\0y", 9);
  EXPECT_THAT(std::string(Parse(zero).status().message()), HasSubstr("abstract sockets"));
}

}  // namespace
}  // namespace freshet

#include "core/base/host_port.h"

#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

constexpr uint16_t kDefault = 7400;

TEST(HostPortTest, ThePortMayBeLeftOutIfThereIsADefault) {
  struct Case {
    const char* text;
    const char* address;
  };
  for (const Case& good :
       {Case{"db1", "db1:7400"}, Case{"10.0.0.1", "10.0.0.1:7400"}, Case{"::1", "[::1]:7400"},
        Case{"[::1]", "[::1]:7400"}, Case{"[::1]:80", "[::1]:80"}, Case{"db1:0", "db1:0"},
        Case{"a-b.example.com:65535", "a-b.example.com:65535"}}) {
    const absl::StatusOr<HostPort> address = ParseHostPort(good.text, kDefault);
    ASSERT_TRUE(address.ok()) << good.text << address.status();
    EXPECT_EQ(address->ToString(), good.address);
  }
  for (const char* text : {"db1", "::1", "[::1]", "10.0.0.1"}) {
    EXPECT_FALSE(ParseHostPort(text).ok()) << text;
  }
}

TEST(HostPortTest, WhatIsNoAddressIsRefusedAlsoWithADefaultPort) {
  for (const char* text : {"", ":80", "db1:", "db1:x", "[::1", "[::1]80", "[db1]", "::1:x", "a b",
                           "a/b", "db1:80:81", "db1:70000", "[]", "["}) {
    const absl::Status status = ParseHostPort(text, kDefault).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_FALSE(status.message().empty());
  }
}

}  // namespace
}  // namespace freshet

#include "server/http/request_origin.h"

#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

bool Allowed(const std::string& host, const std::string& origin, bool local_hosts_only) {
  HttpRequest head;
  head.headers.emplace("host", host);
  if (!origin.empty()) head.headers.emplace("origin", origin);
  return CheckOrigin(head, local_hosts_only).ok();
}

TEST(RequestOriginTest, PagesOfOtherOriginsAreRefused) {
  EXPECT_TRUE(Allowed("127.0.0.1:7401", "", true));
  EXPECT_TRUE(Allowed("127.0.0.1:7401", "http://127.0.0.1:7401", true));
  EXPECT_TRUE(Allowed("Learn.example", "https://learn.example", false));
  for (const char* origin :
       {"http://evil.example", "http://127.0.0.1", "http://127.0.0.1:7402", "null",
        "http://localhost:7401", "http://127.0.0.1:7401.evil.example", "127.0.0.1:7401"}) {
    EXPECT_FALSE(Allowed("127.0.0.1:7401", origin, true)) << origin;
    EXPECT_FALSE(Allowed("127.0.0.1:7401", origin, false)) << origin;
  }
}

// A page at http://evil.example:7401 whose host name resolves to 127.0.0.1 has the server's origin
// (DNS rebinding).
TEST(RequestOriginTest, HostNamesThatLeadHereAreRefusedWhereNothingElseGuards) {
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:7401", "localhost:7401", "LOCALHOST", "[::1]:7401"}) {
    EXPECT_TRUE(Allowed(host, "", true)) << host;
  }
  for (const char* host :
       {"evil.example:7401", "127.0.0.1.evil.example", "localhost.evil", "1e100"}) {
    EXPECT_FALSE(Allowed(host, "", true)) << host;
    EXPECT_TRUE(Allowed(host, "", false)) << host;
  }
}

}  // namespace
}  // namespace freshet

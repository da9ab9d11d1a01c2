// Misbehaving clients of the HTTP endpoint: others are answered at once meanwhile, and the server's
// memory and file descriptors stay within their bounds.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "tests/support/gzip.h"
#include "tests/support/process_usage.h"
#include "tests/support/raw_client.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int64_t kMiB = 1 << 20;

class HostileHttpTest : public ServerFixture {
 protected:
  static void SetUpTestSuite() {  // Needs as many descriptors as it has clients.
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 16'384);
    setrlimit(RLIMIT_NOFILE, &limit);
  }

  void StartWithModel(const std::string& config = "") {
    ASSERT_NO_FATAL_FAILURE(StartWithConfig(config));
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  }

  // The resident memory of the server in MiB, now and at its peak.
  int64_t MemoryMiB() const { return MebibytesOf(MemoryBytes(server_->pid())); }
  int64_t PeakMemoryMiB() const { return MebibytesOf(PeakMemoryBytes(server_->pid())); }
  static int64_t MebibytesOf(uint64_t bytes) {
    EXPECT_GT(bytes, 0U) << "the server is gone";
    return static_cast<int64_t>(bytes >> 20);
  }

  uint64_t OpenDescriptors() const { return DescriptorCount(server_->pid()); }

  httplib::Client Connect() const {
    httplib::Client http("http://" + server_->http_address());
    http.set_connection_timeout(std::chrono::seconds(60));
    http.set_read_timeout(std::chrono::seconds(60));
    return http;
  }

  // How long the slowest of several probes takes, each on its own connection.
  absl::Duration SlowestProbe(int count = 10) const {
    absl::Duration slowest;
    for (int i = 0; i < count; ++i) {
      for (const char* path : {"/healthz", "/readyz", "/metrics"}) {
        const absl::Time begin = absl::Now();
        const auto answer = Connect().Get(path);
        EXPECT_TRUE(answer && answer->status == 200) << path;
        slowest = std::max(slowest, absl::Now() - begin);
      }
    }
    return slowest;
  }

  // Expects an ordinary client to get its answers, and snapshots to be written.
  void ExpectHealthy() const {
    const auto learned = Connect().Post(
        "/v1/models/ctr:learn", R"({"examples":{"examples":[{"label":1}]}})", "application/json");
    ASSERT_TRUE(learned);
    EXPECT_EQ(learned->status, 200) << learned->body;
    const auto taken = Connect().Post("/v1/models/ctr/snapshots", "{}", "application/json");
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->status, 200) << taken->body;
    const auto snapshot = client_->CreateSnapshot("ctr");
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
  }

  std::vector<RawClient> ConnectMany(int count) const {
    std::vector<RawClient> clients;
    clients.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) clients.emplace_back(server_->http_address());
    return clients;
  }
};

// With the usual limit of 1,024 descriptors, silent connections used to take all of them: snapshots
// failed, and nobody else could connect.
TEST_F(HostileHttpTest, SilentConnectionsTakeNeitherTheDescriptorsNorThePlaceOfOthers) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel("http_limits { head_timeout_s: 60 }"));
  const std::vector<RawClient> silent = ConnectMany(1100);
  EXPECT_LT(SlowestProbe(), absl::Seconds(1));
  EXPECT_LT(OpenDescriptors(), 400U);
  ExpectHealthy();
  // Connections that have sent part of a request head have no advantage.
  for (const RawClient& client : silent) client.SendSome("GET /heal");
  EXPECT_LT(SlowestProbe(), absl::Seconds(1));
  ExpectHealthy();
}

// Probes used to take 5 to 8 seconds.
TEST_F(HostileHttpTest, TricklingConnectionsDoNotDelayProbes) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  std::atomic<bool> done{false};
  std::thread trickling([&] {
    std::vector<RawClient> clients = ConnectMany(100);
    const std::string text =
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(1'000'000, 'x');
    for (size_t sent = 0; !done; ++sent) {
      for (RawClient& client : clients) {
        if (client.SendSome(std::string_view(text).substr(sent % text.size(), 1)) < 0) {
          client = RawClient(server_->http_address());
          client.SendSome("GET /");
        }
      }
      absl::SleepFor(absl::Milliseconds(20));
    }
  });
  EXPECT_LT(SlowestProbe(50), absl::Seconds(1));
  ExpectHealthy();
  done = true;
  trickling.join();
}

// A page of a few thousand bytes used to become an answer of half a gigabyte.
TEST_F(HostileHttpTest, RangesMakeNoAnswerLonger) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  std::string ranges = "bytes=0-";
  while (ranges.size() < 7900) ranges += ",0-";
  const size_t whole = Connect().Get("/metrics")->body.size();
  const auto answer = Connect().Get("/metrics", {{"Range", ranges}});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_LT(answer->body.size(), 2 * whole);
  EXPECT_LT(PeakMemoryMiB(), 200);
}

// 15 kB on the wire used to take 600 MB each, most of which was never freed.
TEST_F(HostileHttpTest, MessagesWithoutContentTakeNoMoreMemoryThanAllowed) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  const auto body_of = [](const std::string& begin, const std::string& item,
                          const std::string& end) {
    std::string text = begin + item;
    while (text.size() < 15 * kMiB) text += "," + item;
    return Gzip(text + end);
  };
  const int64_t before = MemoryMiB();
  std::vector<std::string> bodies;
  bodies.push_back(body_of(R"({"examples":{"examples":[)", "{}", "]}}"));
  bodies.push_back(body_of(R"({"examples":{"examples":[{"namespaces":[)", "{}", "]}]}}"));
  bodies.push_back(
      body_of(R"({"examples":{"examples":[{"namespaces":[{"features":[)", "{}", "]}]}]}}"));
  bodies.push_back(body_of(R"({"packed":{"namespaces":[)", R"("")", "]}}"));
  bodies.push_back(body_of(R"({"packed":{"featureIds":[)", "1", "]}}"));
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    for (const std::string& body : bodies) {
      clients.emplace_back([this, &body, i] {
        const auto answer =
            Connect().Post(i % 2 == 0 ? "/v1/models/ctr:predict" : "/v1/models/ctr:learn",
                           {{"Content-Encoding", "gzip"}}, body, "application/json");
        ASSERT_TRUE(answer);
        EXPECT_THAT(answer->status, testing::AnyOf(400, 413, 429, 503)) << answer->body;
        EXPECT_THAT(answer->body, StartsWith("{\"code\":"));
      });
    }
  }
  EXPECT_LT(SlowestProbe(5), absl::Seconds(1));
  for (std::thread& client : clients) client.join();
  // The limit of 256 MiB, plus what else the process needs.
  EXPECT_LT(PeakMemoryMiB() - before, 400);
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (MemoryMiB() - before > 100 && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(50));
  }
  EXPECT_LT(MemoryMiB() - before, 100);
  ExpectHealthy();
}

TEST_F(HostileHttpTest, BodiesThatDoNotEndTakeNoMoreMemoryThanAllowed) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  const int64_t before = MemoryMiB();
  std::vector<RawClient> clients = ConnectMany(60);
  const std::string head = StrCat(
      "POST /v1/models/ctr:learn HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Type: application/json\r\nContent-Length: ",
      15 * kMiB, "\r\n\r\n");
  const std::string part(kMiB, ' ');
  for (const RawClient& client : clients) client.SendSome(head);
  for (int i = 0; i < 14 * 20; ++i) {
    for (const RawClient& client : clients) client.SendSome(part);
  }
  EXPECT_LT(SlowestProbe(), absl::Seconds(1));
  ExpectHealthy();  // Short requests have their own memory.
  EXPECT_LT(PeakMemoryMiB() - before, 400);
}

TEST_F(HostileHttpTest, AnswersThatNobodyReadsTakeNoMoreMemoryThanAllowed) {
  ASSERT_NO_FATAL_FAILURE(
      StartWithModel("http_limits { max_memory_bytes: 67108864 answer_timeout_s: 1 }"));
  const std::string rows = [] {
    std::string text;
    for (int i = 0; i < 60'000; ++i) text += "{}\n";
    return text;
  }();
  const int64_t before = MemoryMiB();
  const std::string request = StrCat(
      "POST /v1/models/ctr:predict HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Type: application/x-ndjson\r\nContent-Length: ",
      rows.size(), "\r\n\r\n", rows);
  // Each answer has a megabyte, and the next request is read only once the last answer is written.
  std::vector<RawClient> clients = ConnectMany(100);
  for (int i = 0; i < 30; ++i) {
    for (const RawClient& client : clients) client.SendSome(request);
  }
  EXPECT_LT(SlowestProbe(), absl::Seconds(2));
  EXPECT_LT(PeakMemoryMiB() - before, 250);
  // Clients that do not take their answers are cut off.
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (OpenDescriptors() > 60 && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(50));
  EXPECT_LT(OpenDescriptors(), 60U);
  ExpectHealthy();
}

// To a browser, a page at http://evil.com whose name resolves to 127.0.0.1 has the server's origin.
TEST_F(HostileHttpTest, OtherPeoplesPagesGetNoPage) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  httplib::Client http = Connect();
  for (const char* path : {"/", "/metrics", "/history?model=ctr", "/healthz", "/readyz", "/main.js",
                           "/nothing", "/v1/models"}) {
    for (const char* host :
         {"evil.com", "evil.com:7401", "localhost.evil.com", "127.0.0.1.evil.com"}) {
      EXPECT_EQ(http.Get(path, {{"Host", host}})->status, 403) << path << " " << host;
    }
    EXPECT_EQ(http.Get(path, {{"Origin", "http://evil.com"}})->status, 403) << path;
    EXPECT_NE(http.Get(path, {{"Host", "LOCALHOST:1"}})->status, 403) << path;
  }
  const RawClient absolute(server_->http_address());
  absolute.Send(
      "GET http://evil.com/metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(absolute.ReadAll(), StartsWith("HTTP/1.1 403 "));
}

// Connections are kept open, because a new one for each request used to take most of its time.
TEST_F(HostileHttpTest, ConnectionsStayOpenAcrossManyRequests) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  const RawClient client(server_->http_address());
  const std::string body = R"({"examples":{"examples":[{}]}})";
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(
        client.Send(StrCat("POST /v1/models/ctr:predict HTTP/1.1\r\nHost: localhost\r\n"
                           "content-type: Application/JSON;charset=UTF-8\r\n"
                           "CONTENT-LENGTH: ",
                           body.size(), "\r\n\r\n", body)));
    EXPECT_THAT(client.ReadTo("\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(client.ReadTo("}\n"), HasSubstr("\"offset\":\"0\""));
  }
}

TEST_F(HostileHttpTest, StopsInTimeWhateverClientsDo) {
  ASSERT_NO_FATAL_FAILURE(StartWithModel());
  const std::vector<RawClient> silent = ConnectMany(50);
  const std::vector<RawClient> slow = ConnectMany(50);
  for (const RawClient& client : slow) {
    client.SendSome(
        "POST /v1/models/ctr:learn HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/json\r\nContent-Length: 10\r\n\r\nslow");
  }
  EXPECT_LT(SlowestProbe(1), absl::Seconds(1));
  const absl::Time begin = absl::Now();
  const ExitState end = server_->Stop();
  EXPECT_EQ(end.code, 0) << end.log;
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
}

}  // namespace
}  // namespace freshet

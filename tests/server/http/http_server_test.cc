#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "tests/support/raw_client.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<HttpRoute> Routes() {
  return {{.path = "/page",
           .respond =
               [](const HttpRequest&) {
                 return HttpAnswer{.content_type = "text/test", .body = "0123456789"};
               }},
          {.path = "/broken", .respond = [](const HttpRequest&) {
             return HttpAnswer{.status = 503, .body = "why\n"};
           }}};
}

std::unique_ptr<HttpServer> StartServer(HttpOptions options = {}) {
  auto server = HttpServer::Start(std::move(options), Routes());
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

// Echoes requests. Refuses the path /api/refused, and answers /api/slow when the test says so.
class EchoApi : public HttpApi {
 public:
  bool Owns(std::string_view path) const override { return path.starts_with("/api/"); }
  std::optional<HttpAnswer> Refuse(const HttpRequest& head) const override {
    if (head.path != "/api/refused") return std::nullopt;
    return HttpAnswer{.status = 403, .body = "refused"};
  }
  void Respond(HttpRequest request, HttpDone done) override {
    if (request.path == "/api/slow") {
      const absl::MutexLock lock(&mu_);
      waiting_.push_back(std::move(done));
      return;
    }
    HttpAnswer answer = {.body = request.method + " " + request.path + " " + request.body};
    for (const auto& [name, value] : request.query) answer.body += StrCat(" ", name, "=", value);
    answer.body += " " + std::string(request.Header("x-test"));
    answer.headers.emplace("X-Answer", "yes");
    done(std::move(answer));
  }
  HttpAnswer AnswerOf(HttpRefusal refusal) const override {
    switch (refusal) {
      case HttpRefusal::kBodyTooLong:
      case HttpRefusal::kBodyTooCostly:
        return {.status = 413, .body = "too much"};
      case HttpRefusal::kBodyMalformed:
        return {.status = 400, .body = "bad body"};
      case HttpRefusal::kUnknownEncoding:
        return {.status = 415, .body = "unknown encoding"};
      case HttpRefusal::kBusy:
        break;
    }
    return {.status = 503, .body = "busy", .headers = {{"Retry-After", "1"}}};
  }

  // Waits until `count` requests to /api/slow are in progress.
  void AwaitSlow(size_t count) {
    const auto arrived = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return waiting_.size() >= count; };
    const absl::MutexLock lock(&mu_, absl::Condition(&arrived));
  }

  // Answers all requests to /api/slow.
  void AnswerSlow() {
    const absl::MutexLock lock(&mu_);
    for (const HttpDone& done : waiting_) done({.body = "at last"});
    waiting_.clear();
  }

 private:
  absl::Mutex mu_;
  std::vector<HttpDone> waiting_ ABSL_GUARDED_BY(mu_);
};

TEST(HttpServerTest, EndsThoughAClientDoesNot) {
  auto server =
      StartServer({.request_timeout = absl::Seconds(60), .stop_grace = absl::Milliseconds(1)});
  const RawClient slow(server->address());
  ASSERT_TRUE(slow.Send("GET /pa"));
  server.reset();
  EXPECT_THAT(slow.ReadAll(), IsEmpty());
}

TEST(HttpServerTest, AnswersGetAndHeadOfItsRoutes) {
  const auto server = StartServer();
  httplib::Client client("http://" + server->address());
  auto answer = client.Get("/page?query=ignored");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "0123456789");
  EXPECT_EQ(answer->get_header_value("Content-Type"), "text/test");
  EXPECT_EQ(answer->get_header_value("Cache-Control"), "no-store");
  answer = client.Head("/page");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->get_header_value("Content-Length"), "10");
  EXPECT_THAT(answer->body, IsEmpty());
  answer = client.Get("/broken");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "why\n");
}

TEST(HttpServerTest, OtherPathsAndMethodsAreRefused) {
  const auto server = StartServer();
  httplib::Client client("http://" + server->address());
  for (const char* path : {"/pages", "/page/", "/PAGE", "//page", "/../page"}) {
    auto answer = client.Get(path);
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 404) << path;
  }
  std::vector<httplib::Result> refused;
  refused.push_back(client.Post("/page", "body", "text/plain"));
  refused.push_back(client.Put("/page", "", "text/plain"));
  refused.push_back(client.Delete("/page"));
  refused.push_back(client.Options("/page"));
  for (const httplib::Result& answer : refused) {
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 405);
    EXPECT_EQ(answer->get_header_value("Allow"), "GET, HEAD");
  }
}

// A list of ranges used to make an answer many times as long as the page.
TEST(HttpServerTest, RangesAreNotServed) {
  const auto server = StartServer();
  httplib::Client client("http://" + server->address());
  for (const char* ranges : {"bytes=2-4", "bytes=0-,0-,0-,0-,0-"}) {
    auto answer = client.Get("/page", {{"Range", ranges}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "0123456789");
  }
}

TEST(HttpServerTest, ARequestWithoutEndIsCutOff) {
  const auto server = StartServer({.max_request_bytes = 4096});
  const RawClient endless(server->address());
  ASSERT_TRUE(endless.Send("GET /page HTTP/1.1\r\n"));
  const std::string header = "X-Filler: " + std::string(90, 'x') + "\r\n";
  int sent = 0;
  while (sent < 1'000'000 && endless.Send(header)) ++sent;
  EXPECT_LT(sent, 1'000'000);
  EXPECT_THAT(endless.ReadAll(), Not(HasSubstr("200 OK")));
  EXPECT_EQ(httplib::Client("http://" + server->address()).Get("/page")->status, 200);
}

TEST(HttpServerTest, ClientsThatSayNothingHoldNobodyUpForLong) {
  const auto server = StartServer({.request_timeout = absl::Milliseconds(50)});
  std::vector<std::unique_ptr<RawClient>> silent(8);
  for (auto& client : silent) client = std::make_unique<RawClient>(server->address());
  EXPECT_TRUE(silent.back()->Send("GET /page HT"));
  auto answer = httplib::Client("http://" + server->address()).Get("/page");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  for (const auto& client : silent) EXPECT_THAT(client->ReadAll(), Not(HasSubstr("200 OK")));
}

TEST(HttpServerTest, ServesManyAtATime) {
  const auto server = StartServer();
  std::vector<std::thread> clients(8);
  for (std::thread& thread : clients) {
    thread = std::thread([&] {
      httplib::Client client("http://" + server->address());
      for (int j = 0; j < 20; ++j) {
        auto answer = client.Get("/page");
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->body, "0123456789");
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

constexpr char kGetPage[] = "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST(HttpServerTest, AConnectionServesManyRequestsAlsoWhenTheyComeAtOnce) {
  const auto server = StartServer();
  const RawClient client(server->address());
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += kGetPage;
  requests += "HEAD /page HTTP/1.1\r\nHost: localhost\r\n\r\n";
  requests += "GET /broken HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  ASSERT_TRUE(client.Send(requests));
  std::string all = client.ReadAll();
  for (int i = 0; i < 100; ++i) {
    ASSERT_THAT(all, StartsWith("HTTP/1.1 200 OK\r\n"));
    const size_t end = all.find("0123456789");
    ASSERT_NE(end, std::string::npos);
    all.erase(0, end + 10);
  }
  EXPECT_THAT(all, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(all, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_THAT(all, HasSubstr("\r\n\r\nHTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(all, HasSubstr("Connection: close\r\n"));
}

TEST(HttpServerTest, AnOldClientKeepsItsConnectionWhereItAsksForThat) {
  const auto server = StartServer();
  const RawClient client(server->address());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send("GET /page HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    EXPECT_THAT(client.ReadTo("\r\n\r\n"), HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_EQ(client.ReadTo("9"), "0123456789");
  }
  ASSERT_TRUE(client.Send("GET /page HTTP/1.0\r\n\r\n"));
  EXPECT_THAT(client.ReadAll(), HasSubstr("Connection: close\r\n"));
}

TEST(HttpServerTest, AnIdleConnectionIsClosed) {
  const auto server = StartServer({.idle_timeout = absl::Milliseconds(50)});
  const RawClient client(server->address());
  ASSERT_TRUE(client.Send(kGetPage));
  EXPECT_THAT(client.ReadAll(), HasSubstr("0123456789"));
}

TEST(HttpServerTest, WhatIsNoRequestIsAnsweredAndEndsTheConnection) {
  const auto server = StartServer();
  const RawClient client(server->address());
  ASSERT_TRUE(client.Send(std::string(kGetPage) + "nonsense\r\n\r\n" + kGetPage));
  const std::string all = client.ReadAll();
  EXPECT_THAT(all, HasSubstr("0123456789HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_EQ(all.find("0123456789", all.find("400")), std::string::npos);
}

TEST(HttpServerTest, AnAnswerIsCompressedForThoseWhoTakeThat) {
  const std::string page(10'000, 'x');
  auto server = HttpServer::Start(
      {},
      {{.path = "/long", .respond = [&](const HttpRequest&) { return HttpAnswer{.body = page}; }}});
  ASSERT_TRUE(server.ok());
  httplib::Client client("http://" + (*server)->address());
  client.set_decompress(false);
  for (const char* accepted : {"gzip", "GZIP", "deflate, gzip;q=0.5", "*", "*;q=0, X-Gzip; Q=1"}) {
    const auto answer = client.Get("/long", {{"Accept-Encoding", accepted}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->get_header_value("Content-Encoding"), "gzip") << accepted;
    EXPECT_LT(answer->body.size(), 1000U);
  }
  for (const char* accepted : {"", "br", "gzip;q=0", "xgzip", "*, gzip; Q=0"}) {
    const auto answer = client.Get("/long", {{"Accept-Encoding", accepted}});
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->has_header("Content-Encoding")) << accepted;
    EXPECT_EQ(answer->body, page);
  }
  client.set_decompress(true);
  EXPECT_EQ(client.Get("/long", {{"Accept-Encoding", "gzip"}})->body, page);
}

// If there is no room, the connection that has been silent longest is closed.
TEST(HttpServerTest, ANewConnectionIsWorthMoreThanASilentOne) {
  const auto server = StartServer({.max_connections = 4});
  const RawClient known(server->address());
  ASSERT_TRUE(known.Send(kGetPage));
  EXPECT_THAT(known.ReadTo("0123456789"), HasSubstr("200 OK"));
  std::vector<std::unique_ptr<RawClient>> silent(50);
  for (auto& client : silent) {
    client = std::make_unique<RawClient>(server->address());
    client->SendSome("GET");
  }
  ASSERT_TRUE(silent.back()->Send(" /page HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_THAT(silent.back()->ReadTo("0123456789"), HasSubstr("200 OK"));
  EXPECT_THAT(silent.front()->ReadAll(), IsEmpty());
  // A client that has sent a request before is worth more than one that has not.
  ASSERT_TRUE(known.Send(kGetPage));
  EXPECT_THAT(known.ReadTo("0123456789"), HasSubstr("200 OK"));
}

class HttpServerApiTest : public testing::Test {
 protected:
  void Start(HttpOptions options = {}) {
    auto server = HttpServer::Start(std::move(options), Routes(), &api_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  httplib::Client Connect() const {
    httplib::Client client("http://" + server_->address());
    client.set_read_timeout(std::chrono::minutes(1));
    return client;
  }

  EchoApi api_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerApiTest, AnswersEveryMethodBelowItsPath) {
  Start();
  httplib::Client client = Connect();
  EXPECT_EQ(client.Get("/api/a%20b?x=1&y=%26", {{"X-Test", "t"}})->body, "GET /api/a b  x=1 y=& t");
  EXPECT_EQ(client.Post("/api/x", "body", "text/plain")->body, "POST /api/x body ");
  EXPECT_EQ(client.Put("/api/x", "body", "text/plain")->body, "PUT /api/x body ");
  EXPECT_EQ(client.Patch("/api/x", "body", "text/plain")->body, "PATCH /api/x body ");
  EXPECT_EQ(client.Delete("/api/x")->body, "DELETE /api/x  ");
  EXPECT_EQ(client.Post("/api/x")->body, "POST /api/x  ");
  EXPECT_EQ(client.Head("/api/x")->get_header_value("Content-Length"), "12");
  const auto answer = client.Get("/api/x");
  EXPECT_EQ(answer->get_header_value("X-Answer"), "yes");
  EXPECT_EQ(answer->get_header_value("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(client.Get("/page")->body, "0123456789");
}

TEST_F(HttpServerApiTest, ABodyInChunksOrCompressedIsReadWhole) {
  Start();
  httplib::Client client = Connect();
  int parts = 3;
  const auto chunked = client.Post(
      "/api/x",
      [&](size_t, httplib::DataSink& sink) {
        if (parts-- == 0) {
          sink.done();
          return true;
        }
        return sink.write("part ", 5);
      },
      "text/plain");
  EXPECT_EQ(chunked->body, "POST /api/x part part part  ");
  client.set_compress(true);
  EXPECT_EQ(client.Post("/api/x", std::string(5000, 'x'), "text/plain")->body,
            "POST /api/x " + std::string(5000, 'x') + " ");
}

TEST_F(HttpServerApiTest, ARefusedRequestIsAnsweredWithoutItsBody) {
  Start();
  const RawClient raw(server_->address());
  ASSERT_TRUE(raw.Send("POST /api/refused HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nbegin"));
  EXPECT_THAT(raw.ReadAll(), HasSubstr("403 Forbidden"));
  const RawClient polite(server_->address());
  ASSERT_TRUE(polite.Send(
      "POST /api/refused HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"));
  const std::string answer = polite.ReadAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 Forbidden"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nrefused"));
  // A client that is still sending gets to see the answer.
  EXPECT_EQ(Connect().Post("/api/refused", std::string(8'000'000, 'x'), "text/plain")->status, 403);
}

TEST_F(HttpServerApiTest, ABodyBeyondTheLimitIsRefusedHoweverItComes) {
  Start({.max_body_bytes = 10'000});
  httplib::Client client = Connect();
  EXPECT_EQ(client.Post("/api/x", std::string(10'000, 'x'), "text/plain")->status, 200);
  EXPECT_EQ(client.Post("/api/x", std::string(10'001, 'x'), "text/plain")->status, 413);
  client.set_compress(true);
  EXPECT_EQ(client.Post("/api/x", std::string(8'000'000, 'x'), "text/plain")->status, 413);
  const RawClient liar(server_->address());
  ASSERT_TRUE(liar.Send("POST /api/x HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"));
  EXPECT_THAT(liar.ReadAll(), HasSubstr(" 413 "));
  const RawClient endless(server_->address());
  ASSERT_TRUE(endless.Send("POST /api/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"));
  int sent = 0;
  while (sent < 1'000'000 && endless.Send("5\r\n01234\r\n")) ++sent;
  EXPECT_LT(sent, 1'000'000);
}

TEST_F(HttpServerApiTest, ABodyThatDoesNotComeIsGivenUp) {
  Start({.body_timeout = absl::Milliseconds(50)});
  const RawClient slow(server_->address());
  ASSERT_TRUE(slow.Send("POST /api/x HTTP/1.1\r\nContent-Length: 10\r\n\r\nbegin"));
  EXPECT_THAT(slow.ReadAll(), HasSubstr(" 400 "));
  const RawClient wrong(server_->address());
  ASSERT_TRUE(
      wrong.Send("POST /api/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n"));
  EXPECT_THAT(wrong.ReadAll(), HasSubstr(" 400 "));
}

TEST_F(HttpServerApiTest, ABodyComesWhenItIsAskedFor) {
  Start();
  const RawClient client(server_->address());
  for (const char* name : {"a", "b"}) {
    ASSERT_TRUE(client.Send(StrCat("POST /api/", name,
                                   " HTTP/1.1\r\nHost: localhost\r\n"
                                   "Expect: 100-Continue\r\nContent-Length: 4\r\n\r\n")));
    EXPECT_EQ(client.ReadTo("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    ASSERT_TRUE(client.Send("body"));
    EXPECT_THAT(client.ReadTo("\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(client.ReadTo("body "), StrCat("POST /api/", name, " body "));
  }
}

// A proxy that reads another length than the server could let the hidden request through.
TEST_F(HttpServerApiTest, NoRequestIsSmuggledInTheBodyOfAnother) {
  Start();
  for (const char* lengths :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 50\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n"}) {
    const RawClient client(server_->address());
    ASSERT_TRUE(client.Send(StrCat("POST /api/x HTTP/1.1\r\nHost: localhost\r\n", lengths,
                                   "\r\n0\r\n\r\nGET /api/hidden HTTP/1.1\r\nHost: x\r\n\r\n")));
    const std::string all = client.ReadAll();
    EXPECT_THAT(all, testing::AnyOf(StartsWith("HTTP/1.1 400 "), StartsWith("HTTP/1.1 501 ")))
        << lengths;
    EXPECT_THAT(all, Not(HasSubstr("hidden"))) << lengths;
  }
}

TEST_F(HttpServerApiTest, BodiesWithoutAMethodForThemEndTheConnection) {
  Start();
  const RawClient client(server_->address());
  ASSERT_TRUE(
      client.Send("GET /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 46\r\n\r\n"
                  "GET /api/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const std::string all = client.ReadAll();
  EXPECT_THAT(all, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(all, Not(HasSubstr("hidden")));
}

TEST_F(HttpServerApiTest, UnknownEncodingsOfABodyAreRefused) {
  Start();
  EXPECT_EQ(Connect().Post("/api/x", {{"Content-Encoding", "br"}}, "body", "text/plain")->status,
            415);
  EXPECT_EQ(Connect().Post("/api/x", {{"Content-Encoding", "gzip"}}, "body", "text/plain")->status,
            400);
}

// A message that has two bytes in JSON takes about a hundred in memory.
TEST_F(HttpServerApiTest, ABodyOfMoreMessagesThanThereIsMemoryForIsRefused) {
  Start({.max_memory_bytes = uint64_t{1} << 20});
  std::string list = "[";
  for (int i = 0; i < 20'000; ++i) list += "{},";
  EXPECT_EQ(Connect().Post("/api/x", list, "application/json")->status, 413);
  EXPECT_EQ(Connect().Post("/api/x", std::string(60'000, ' '), "application/json")->status, 200);
}

TEST_F(HttpServerApiTest, WhatDoesNotFitIntoMemoryWaitsAndIsTurnedAway) {
  Start({.memory_timeout = absl::Milliseconds(50), .max_memory_bytes = uint64_t{1} << 20});
  const auto post = [&](const char* path) {
    return Connect().Post(path, std::string(200'000, ' '), "application/json");
  };
  std::thread first([&] { EXPECT_EQ(post("/api/slow")->body, "at last"); });
  api_.AwaitSlow(1);
  const auto refused = post("/api/x");
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->get_header_value("Retry-After"), "1");
  EXPECT_EQ(Connect().Post("/api/x", "short", "application/json")->status, 200);
  api_.AnswerSlow();
  first.join();
  EXPECT_EQ(post("/api/x")->status, 200);
}

TEST_F(HttpServerApiTest, WhatWaitsForMemoryGoesOnWhenThereIsSome) {
  Start({.memory_timeout = absl::Minutes(1), .max_memory_bytes = uint64_t{1} << 20});
  const auto post = [&](const char* path) {
    return Connect().Post(path, std::string(200'000, ' '), "application/json");
  };
  std::thread first([&] { EXPECT_EQ(post("/api/slow")->body, "at last"); });
  api_.AwaitSlow(1);
  const RawClient waiting(server_->address());
  ASSERT_TRUE(waiting.Send(
      StrCat("POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n",
             std::string(200'000, ' '))));
  api_.AnswerSlow();
  first.join();
  EXPECT_THAT(waiting.ReadTo("\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

// If all connections are busy, probes are still answered.
TEST_F(HttpServerApiTest, ProbesAreAnsweredBeyondTheLimitOfConnections) {
  auto server =
      HttpServer::Start({.max_address_connections = 2},
                        {{.path = "/probe",
                          .respond = [](const HttpRequest&) { return HttpAnswer{.body = "ok"}; },
                          .at_once = true}},
                        &api_);
  ASSERT_TRUE(server.ok());
  server_ = *std::move(server);
  std::vector<std::thread> busy(2);
  for (std::thread& client : busy) {
    client = std::thread([&] { EXPECT_EQ(Connect().Get("/api/slow")->status, 200); });
  }
  api_.AwaitSlow(2);
  EXPECT_EQ(Connect().Get("/probe")->status, 200);
  EXPECT_EQ(Connect().Get("/api/x")->status, 503);
  api_.AnswerSlow();
  for (std::thread& client : busy) client.join();
}

TEST_F(HttpServerApiTest, PagesAreServedWhileTheApiIsBusy) {
  Start();
  std::vector<std::thread> clients(50);
  for (std::thread& client : clients) {
    client = std::thread([&] { EXPECT_EQ(Connect().Get("/api/slow")->body, "at last"); });
  }
  api_.AwaitSlow(clients.size());
  EXPECT_EQ(Connect().Get("/page")->status, 200);
  EXPECT_EQ(Connect().Get("/api/x")->status, 200);
  api_.AnswerSlow();
  for (std::thread& client : clients) client.join();
}

TEST_F(HttpServerApiTest, AnAnswerThatComesAfterTheEndIsDropped) {
  Start({.stop_grace = absl::Milliseconds(1)});
  const RawClient client(server_->address());
  ASSERT_TRUE(client.Send("GET /api/slow HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  api_.AwaitSlow(1);
  server_.reset();
  EXPECT_THAT(client.ReadAll(), IsEmpty());
  api_.AnswerSlow();
}

TEST_F(HttpServerApiTest, TheRequestUnderWayIsAnsweredBeforeTheEnd) {
  Start({.stop_grace = absl::Minutes(1)});
  const RawClient client(server_->address());
  ASSERT_TRUE(client.Send("GET /api/slow HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  api_.AwaitSlow(1);
  std::thread stopping([&] { server_.reset(); });
  api_.AnswerSlow();
  const std::string answer = client.ReadAll();
  EXPECT_THAT(answer, HasSubstr("at last"));
  stopping.join();
}

TEST(HttpServerTest, ATakenPortIsAnErrorAndFreeOnceItsServerHasEnded) {
  auto first = StartServer();
  const std::string address = first->address();
  const absl::Status second = HttpServer::Start({.listen = address}, Routes()).status();
  EXPECT_TRUE(absl::IsUnavailable(second)) << second;
  EXPECT_THAT(std::string(second.message()), StartsWith("cannot listen on " + address));
  EXPECT_THAT(std::string(second.message()),
              HasSubstr("choose another address with --http, or --http=off"));
  EXPECT_EQ(httplib::Client("http://" + address).Get("/page")->status, 200);
  first.reset();
  EXPECT_TRUE(HttpServer::Start({.listen = address}, Routes()).ok());
}

TEST(HttpServerTest, AnAddressThatIsNoneIsNamed) {
  for (const char* listen : {"7401", "host", ":7401", "127.0.0.1:", "127.0.0.1:http",
                             "127.0.0.1:-1", "127.0.0.1:65536"}) {
    const absl::Status status = HttpServer::Start({.listen = listen}, {}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << listen << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string("\"") + listen + '"'));
  }
}

}  // namespace
}  // namespace freshet

#include "server/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"

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

// Says what it was asked; refuses the path /api/refused.
class EchoApi : public HttpApi {
 public:
  bool Owns(std::string_view path) const override { return path.starts_with("/api/"); }
  std::optional<HttpAnswer> Refuse(const HttpRequest& head) const override {
    if (head.path != "/api/refused") return std::nullopt;
    return HttpAnswer{.status = 403, .body = "refused"};
  }
  HttpAnswer Respond(const HttpRequest& request) override {
    if (blocked_ != nullptr) {
      arrived_->count_down();
      blocked_->WaitForNotification();
    }
    HttpAnswer answer = {.body = request.method + " " + request.path + " " + request.body};
    for (const auto& [name, value] : request.query) answer.body += StrCat(" ", name, "=", value);
    answer.body += " " + std::string(request.Header("x-test"));
    answer.headers.emplace("X-Answer", "yes");
    return answer;
  }
  HttpAnswer Busy() const override { return {.status = 429, .body = "busy"}; }
  HttpAnswer BadBody(bool too_long) const override {
    return {.status = too_long ? 413 : 400, .body = "bad body"};
  }

  // Holds requests up once so many have come.
  void Block(std::latch* arrived, absl::Notification* blocked) {
    arrived_ = arrived;
    blocked_ = blocked;
  }

 private:
  std::latch* arrived_ = nullptr;
  absl::Notification* blocked_ = nullptr;
};

// A bare connection to the server.
class RawClient {
 public:
  explicit RawClient(const HttpServer& server) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const std::string& address = server.address();
    sockaddr_in target = {};
    target.sin_family = AF_INET;
    target.sin_port =
        htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&target), sizeof(target)), 0);
  }
  ~RawClient() { close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False where the server has closed the connection.
  bool Send(const std::string& text) const {
    return send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  // All that comes until the server closes the connection.
  std::string ReadAll() const {
    std::string all;
    char buffer[1024];
    ssize_t count;
    while ((count = recv(socket_, buffer, sizeof(buffer), 0)) > 0) {
      all.append(buffer, static_cast<size_t>(count));
    }
    return all;
  }

 private:
  const int socket_;
};

TEST(HttpServerTest, EndsThoughAClientDoesNot) {
  auto server =
      StartServer({.request_timeout = absl::Seconds(60), .stop_grace = absl::Milliseconds(1)});
  const RawClient slow(*server);
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

TEST(HttpServerTest, ARangeIsServedAsOne) {
  const auto server = StartServer();
  auto answer = httplib::Client("http://" + server->address())
                    .Get("/page", {httplib::make_range_header({{2, 4}})});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 206);
  EXPECT_EQ(answer->body, "234");
}

TEST(HttpServerTest, ARequestWithoutEndIsCutOff) {
  const auto server = StartServer({.max_request_bytes = 4096});
  const RawClient endless(*server);
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
  for (auto& client : silent) client = std::make_unique<RawClient>(*server);
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
  const RawClient raw(*server_);
  ASSERT_TRUE(raw.Send("POST /api/refused HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nbegin"));
  EXPECT_THAT(raw.ReadAll(), HasSubstr("403 Forbidden"));
  const RawClient polite(*server_);
  ASSERT_TRUE(polite.Send(
      "POST /api/refused HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"));
  const std::string answer = polite.ReadAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 Forbidden"));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\nrefused"));
  // A client that is still sending gets to see it.
  EXPECT_EQ(Connect().Post("/api/refused", std::string(8'000'000, 'x'), "text/plain")->status, 403);
}

TEST_F(HttpServerApiTest, ABodyBeyondTheLimitIsRefusedHoweverItComes) {
  Start({.max_body_bytes = 10'000});
  httplib::Client client = Connect();
  EXPECT_EQ(client.Post("/api/x", std::string(10'000, 'x'), "text/plain")->status, 200);
  EXPECT_EQ(client.Post("/api/x", std::string(10'001, 'x'), "text/plain")->status, 413);
  client.set_compress(true);
  EXPECT_EQ(client.Post("/api/x", std::string(8'000'000, 'x'), "text/plain")->status, 413);
  const RawClient liar(*server_);
  ASSERT_TRUE(liar.Send("POST /api/x HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"));
  EXPECT_THAT(liar.ReadAll(), HasSubstr(" 413 "));
  const RawClient endless(*server_);
  ASSERT_TRUE(endless.Send("POST /api/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"));
  int sent = 0;
  while (sent < 1'000'000 && endless.Send("5\r\n01234\r\n")) ++sent;
  EXPECT_LT(sent, 1'000'000);
}

TEST_F(HttpServerApiTest, ABodyThatDoesNotComeIsGivenUp) {
  Start({.body_timeout = absl::Milliseconds(50)});
  const RawClient slow(*server_);
  ASSERT_TRUE(slow.Send("POST /api/x HTTP/1.1\r\nContent-Length: 10\r\n\r\nbegin"));
  EXPECT_THAT(slow.ReadAll(), HasSubstr(" 400 "));
  const RawClient wrong(*server_);
  ASSERT_TRUE(
      wrong.Send("POST /api/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n"));
  EXPECT_THAT(wrong.ReadAll(), HasSubstr(" 400 "));
}

TEST_F(HttpServerApiTest, PagesAreServedWhileTheApiIsBusy) {
  Start();
  std::latch arrived(12);
  absl::Notification blocked;
  api_.Block(&arrived, &blocked);
  std::vector<std::thread> clients(12);
  for (std::thread& client : clients) {
    client = std::thread([&] { EXPECT_EQ(Connect().Get("/api/x")->status, 200); });
  }
  arrived.wait();
  EXPECT_EQ(Connect().Get("/api/x")->status, 429);
  EXPECT_EQ(Connect().Get("/page")->status, 200);
  blocked.Notify();
  for (std::thread& client : clients) client.join();
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

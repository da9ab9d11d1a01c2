#include "server/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<HttpRoute> Routes() {
  return {{.path = "/page",
           .summary = "a <page>",
           .respond = [] { return HttpAnswer{.content_type = "text/test", .body = "0123456789"}; }},
          {.path = "/broken", .summary = "fails", .respond = [] {
             return HttpAnswer{.status = 503, .body = "why\n"};
           }}};
}

std::unique_ptr<HttpServer> StartServer(HttpOptions options = {}) {
  auto server = HttpServer::Start(std::move(options), Routes());
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

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

TEST(HttpServerTest, TheRootListsTheRoutes) {
  const auto server = StartServer();
  auto answer = httplib::Client("http://" + server->address()).Get("/");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Content-Type"), StartsWith("text/html"));
  EXPECT_THAT(answer->body, HasSubstr("<a href=\"/page\">/page</a>: a &lt;page>"));
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
  refused.push_back(client.Put("/", "", "text/plain"));
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
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 8; ++i) silent.push_back(std::make_unique<RawClient>(*server));
  EXPECT_TRUE(silent.back()->Send("GET /page HT"));
  auto answer = httplib::Client("http://" + server->address()).Get("/page");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  for (const auto& client : silent) EXPECT_THAT(client->ReadAll(), Not(HasSubstr("200 OK")));
}

TEST(HttpServerTest, ServesManyAtATime) {
  const auto server = StartServer();
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
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

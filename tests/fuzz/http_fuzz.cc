// Feeds bytes to the HTTP request parser, and checks what it guarantees: it never crashes; bodies
// stay within their limit and costs cover them; the requests are the same however the bytes are
// split.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/body_reader.h"
#include "server/http/request_parser.h"
#include "tests/fuzz/require.h"

namespace freshet {
namespace {

constexpr size_t kMaxHeadBytes = 1024;
constexpr size_t kMaxBodyBytes = 4096;
constexpr size_t kMaxUnreadBytes = 4096;

struct Request {
  std::string method;
  std::string path;
  std::multimap<std::string, std::string> query;
  std::map<std::string, std::string, std::less<>> headers;
  std::string raw_body;

  friend bool operator==(const Request&, const Request&) = default;
};

// Decodes the body of a request as its Content-Encoding says.
void Decode(const Request& request) {
  const auto field = request.headers.find("content-encoding");
  const auto encoding = BodyReader::EncodingOf(field == request.headers.end() ? "" : field->second);
  if (!encoding) return;
  BodyReader reader(*encoding, kMaxBodyBytes, request.raw_body.size());
  std::string_view rest = request.raw_body;
  while (reader.state() == BodyReader::State::kGood && (!rest.empty() || reader.has_pending())) {
    const size_t before = rest.size();
    reader.Take(rest);
    Require(rest.size() < before || before == 0, "each step takes something");
  }
  const size_t cost = reader.cost_bytes();
  const std::string body = reader.TakeBody();
  Require(body.size() <= kMaxBodyBytes, "a body is within its limit");
  Require(cost >= body.size(), "a body costs at least its bytes");
}

// The requests in a connection's bytes, which arrive in pieces of `step` bytes.
std::vector<Request> Parse(std::string_view bytes, size_t step) {
  std::vector<Request> requests;
  std::string input;
  while (requests.size() < 16) {
    RequestParser parser(kMaxHeadBytes);
    Request request;
    while (parser.head() == nullptr || !parser.is_done()) {
      std::string_view piece;
      size_t taken = 0;
      if (!input.empty()) {
        taken = parser.head() == nullptr ? parser.ReadHead(input) : parser.ReadBody(input, piece);
        request.raw_body += piece;
      }
      if (parser.fault()) {
        Require(parser.fault()->status >= 400 && !parser.fault()->reason.empty(),
                "a fault has a status and a reason");
        return requests;
      }
      Require(taken <= input.size(), "no more is taken than there is");
      input.erase(0, taken);
      if (taken > 0) continue;
      if (bytes.empty() || input.size() > kMaxUnreadBytes) return requests;
      input += bytes.substr(0, step);
      bytes.remove_prefix(std::min(step, bytes.size()));
    }
    const HttpRequest& head = parser.head()->request;
    request.method = head.method;
    request.path = head.path;
    request.query = head.query;
    request.headers = head.headers;
    Require(request.path == "*" || request.path.starts_with('/'), "a path begins with a slash");
    Require(request.path.find('\0') == std::string::npos, "a path has no byte 0");
    requests.push_back(request);
    Decode(request);
  }
  return requests;
}

}  // namespace
}  // namespace freshet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<freshet::Request> whole = freshet::Parse(bytes, SIZE_MAX);
  for (const size_t step : {size_t{1}, size_t{5}, size_t{64}}) {
    freshet::Require(freshet::Parse(bytes, step) == whole,
                     "the same requests, however the bytes are split");
  }
  return 0;
}

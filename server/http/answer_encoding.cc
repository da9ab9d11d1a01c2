#include "server/http/answer_encoding.h"

#include <zlib.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// Shorter bodies fit into a packet or two even uncompressed.
constexpr size_t kLeastCompressedBytes = 1024;

constexpr int kNotModified = 304;

bool IsText(std::string_view content_type) {
  return content_type.starts_with("text/") || content_type.starts_with("application/json") ||
         content_type.starts_with("application/javascript") ||
         content_type.starts_with("image/svg+xml");
}

// Whether Accept-Encoding, such as `gzip, deflate;q=0.5`, allows gzip, ignoring case; `q=0` forbids
// it. `*` counts only where gzip is not named.
bool TakesGzip(std::string_view accept_encoding) {
  bool takes_any = false;
  for (absl::string_view item : absl::StrSplit(ToAbsl(accept_encoding), ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(item, ';');
    const absl::string_view name = absl::StripAsciiWhitespace(parts[0]);
    const bool is_gzip =
        absl::EqualsIgnoreCase(name, "gzip") || absl::EqualsIgnoreCase(name, "x-gzip");
    if (!is_gzip && name != "*") continue;
    double quality = 1;
    for (size_t i = 1; i < parts.size(); ++i) {
      const absl::string_view part = absl::StripAsciiWhitespace(parts[i]);
      if (absl::StartsWithIgnoreCase(part, "q=") && !absl::SimpleAtod(part.substr(2), &quality)) {
        quality = 0;
      }
    }
    if (is_gzip) return quality > 0;
    takes_any = quality > 0;
  }
  return takes_any;
}

// Compresses `text`; empty if that fails.
std::string Gzip(std::string_view text) {
  constexpr int kGzipWindow = 15 + 16;
  constexpr int kMemoryLevel = 8;
  constexpr int kFast = 3;  // Of 9: takes a third of the time of the default 6, for a tenth more
                            // bytes.
  z_stream stream = {};
  if (deflateInit2(&stream, kFast, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return "";
  }
  std::string compressed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  compressed.resize(whole ? stream.total_out : 0);
  deflateEnd(&stream);
  return compressed;
}

std::string_view ReasonOf(int status) {
  static constexpr std::pair<int, std::string_view> kReasons[] = {
      {200, "OK"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {499, "Client Closed Request"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  for (const auto& [code, reason] : kReasons) {
    if (code == status) return reason;
  }
  return "Status";
}

}  // namespace

void CompressAnswer(std::string_view accept_encoding, HttpAnswer& answer) {
  if (answer.body.size() < kLeastCompressedBytes || answer.body.size() > UINT32_MAX ||
      !IsText(answer.content_type)) {
    return;
  }
  answer.headers.emplace("Vary", "Accept-Encoding");
  if (!TakesGzip(accept_encoding)) return;
  std::string compressed = Gzip(answer.body);
  if (compressed.empty()) return;
  answer.body = std::move(compressed);
  answer.headers.emplace("Content-Encoding", "gzip");
}

std::string AnswerHead(const HttpAnswer& answer, AfterAnswer after) {
  std::string head = StrCat("HTTP/1.1 ", answer.status, " ", ReasonOf(answer.status), "\r\n");
  if (answer.status != kNotModified) {
    head += StrCat("Content-Type: ", answer.content_type,
                   "\r\nContent-Length: ", answer.body.size(), "\r\n");
  }
  if (!answer.headers.contains("Cache-Control")) head += "Cache-Control: no-store\r\n";
  head += "X-Content-Type-Options: nosniff\r\n";
  for (const auto& [name, value] : answer.headers) head += StrCat(name, ": ", value, "\r\n");
  if (after == AfterAnswer::kClose) head += "Connection: close\r\n";
  if (after == AfterAnswer::kSayStay) head += "Connection: keep-alive\r\n";
  return head += "\r\n";
}

}  // namespace freshet

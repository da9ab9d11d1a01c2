#include "server/http/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "core/base/str_cat.h"
#include "server/http/request_target.h"

namespace freshet {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// Beast parses the end of a chunked body only from five bytes at once: `0` and two line ends. At
// least this many bytes are still to come of every incomplete chunked body.
constexpr size_t kLeastChunkBytes = 5;

// A limit because each field takes a map node besides its bytes.
constexpr size_t kMaxFields = 100;

std::string_view ToStdView(beast::string_view text) { return {text.data(), text.size()}; }

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(ToAbsl(a), ToAbsl(b));
}

// Fields that may occur only once. A second occurrence of any other field continues the first.
bool IsSingle(http::field field) {
  switch (field) {
    case http::field::host:
    case http::field::authorization:
    case http::field::content_length:
    case http::field::content_type:
    case http::field::content_encoding:
    case http::field::transfer_encoding:
    case http::field::origin:
    case http::field::expect:
      return true;
    default:
      return false;
  }
}

ParseFault FaultOf(const beast::error_code& error) {
  if (error == http::error::bad_version) {
    return {505, "the request is neither HTTP/1.1 nor HTTP/1.0"};
  }
  if (error == http::error::bad_content_length || error == http::error::bad_transfer_encoding) {
    return {400,
            "Content-Length or Transfer-Encoding of the request is malformed or contradictory"};
  }
  return {400, StrCat("the request is not valid HTTP/1.1 (", error.message(), ")")};
}

}  // namespace

class RequestParser::Impl final : public http::basic_parser<true> {
 public:
  explicit Impl(size_t max_head_bytes) : max_head_bytes_(max_head_bytes) {
    header_limit(static_cast<uint32_t>(max_head_bytes));
    body_limit(UINT64_MAX);  // Checked by the reader of the body.
  }

  RequestHead* head() { return is_header_done() && !fault ? &head_ : nullptr; }

  // Beast applies the limit to each line; this applies it to the whole head.
  size_t PutHead(std::string_view input) {
    const size_t taken = Put(input);
    head_bytes_ += taken;
    const size_t seen = head_bytes_ + (is_header_done() ? 0 : input.size() - taken);
    if (seen > max_head_bytes_ && !fault) fault = TooLong(input);
    return taken;
  }

  size_t Put(std::string_view input) {
    piece = {};
    if (chunks_begun_ && input.size() < kLeastChunkBytes) return 0;
    beast::error_code error;
    const size_t taken = put(boost::asio::const_buffer(input.data(), input.size()), error);
    if (error && error != http::error::need_more && !fault) {
      fault = error == http::error::header_limit ? TooLong(input) : FaultOf(error);
    }
    if (is_header_done() && chunked()) chunks_begun_ = true;
    return taken;
  }

  std::optional<ParseFault> fault;
  std::string_view piece;  // Part of the body found by the last Put().

 private:
  ParseFault TooLong(std::string_view input) const {
    const std::string_view seen = input.substr(0, max_head_bytes_);
    if (has_first_line_ || seen.find('\n') != std::string_view::npos) {
      return {431, "the head of the request is too long"};
    }
    return {414, "the URL is too long"};
  }

  // Ends parsing with a fault.
  void Fail(ParseFault why, beast::error_code& error) {
    fault = std::move(why);
    error = http::error::bad_field;
  }

  void on_request_impl(http::verb /*verb*/, beast::string_view method, beast::string_view target,
                       int version, beast::error_code& error) override {
    has_first_line_ = true;
    head_.is_version_1_0 = version == 10;
    head_.is_head = method == "HEAD";
    head_.request.method = head_.is_head ? "GET" : std::string(ToStdView(method));
    std::optional<RequestTarget> parsed = ParseTarget(ToStdView(target));
    if (!parsed) {
      Fail({400, "the URL of the request is malformed"}, error);
      return;
    }
    authority_ = std::move(parsed->authority);
    head_.request.path = std::move(parsed->path);
    head_.request.query = std::move(parsed->query);
  }

  void on_field_impl(http::field field, beast::string_view name, beast::string_view value,
                     beast::error_code& error) override {
    if (is_header_done()) return;  // A trailer field.
    if (++field_count_ > kMaxFields) {
      Fail({431, "the head of the request has too many fields"}, error);
      return;
    }
    if (field == http::field::content_length &&
        !std::all_of(value.begin(), value.end(), absl::ascii_isdigit)) {
      error = http::error::bad_content_length;  // Beast accepts `5, 5`.
      return;
    }
    if (field == http::field::transfer_encoding &&
        (head_.is_version_1_0 || !EqualsIgnoreCase(ToStdView(value), "chunked"))) {
      Fail({501, "the only supported Transfer-Encoding is chunked, in HTTP/1.1"}, error);
      return;
    }
    std::string small(ToStdView(name));
    absl::AsciiStrToLower(&small);
    const auto [entry, is_new] = head_.request.headers.emplace(std::move(small), ToStdView(value));
    if (is_new) return;
    if (IsSingle(field)) {
      Fail({400, StrCat("the request has the field ", entry->first, " twice")}, error);
      return;
    }
    entry->second.append(", ").append(ToStdView(value));
  }

  void on_header_impl(beast::error_code& error) override {
    head_.keep_alive = keep_alive();
    head_.has_body = !is_done();
    if (const auto length = content_length()) head_.content_length = *length;
    const std::string_view expect = head_.request.Header("expect");
    head_.expects_continue = EqualsIgnoreCase(expect, "100-continue") && !head_.is_version_1_0;
    if (!expect.empty() && !head_.expects_continue && !head_.is_version_1_0) {
      Fail({417, "the only supported value of Expect is 100-continue"}, error);
    }
    if (!authority_.empty()) head_.request.headers.insert_or_assign("host", std::move(authority_));
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/,
                         beast::error_code& /*error*/) override {}
  size_t on_body_impl(beast::string_view bytes, beast::error_code& /*error*/) override {
    piece = ToStdView(bytes);
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t /*size*/, beast::string_view /*extensions*/,
                            beast::error_code& /*error*/) override {}
  size_t on_chunk_body_impl(std::uint64_t /*remain*/, beast::string_view bytes,
                            beast::error_code& /*error*/) override {
    piece = ToStdView(bytes);
    return bytes.size();
  }
  void on_finish_impl(beast::error_code& /*error*/) override {}
  void on_response_impl(int /*status*/, beast::string_view /*reason*/, int /*version*/,
                        beast::error_code& /*error*/) override {}

  const size_t max_head_bytes_;
  RequestHead head_;
  size_t head_bytes_ = 0;  // Consumed bytes of the head.
  std::string authority_;  // From the first line.
  size_t field_count_ = 0;
  bool has_first_line_ = false;
  bool chunks_begun_ = false;
};

RequestParser::RequestParser(size_t max_head_bytes)
    : impl_(std::make_unique<Impl>(max_head_bytes)) {}

RequestParser::~RequestParser() = default;

size_t RequestParser::ReadHead(std::string_view input) {
  size_t skipped = 0;
  if (!impl_->got_some()) {
    // Skips empty lines before a request, which some clients send after the previous one.
    while (input.substr(skipped).starts_with("\r\n")) skipped += 2;
    if (input.substr(skipped) == "\r") return skipped;
  }
  return skipped + impl_->PutHead(input.substr(skipped));
}

size_t RequestParser::ReadBody(std::string_view input, std::string_view& piece) {
  const size_t taken = impl_->Put(input);
  piece = impl_->piece;
  return taken;
}

RequestHead* RequestParser::head() { return impl_->head(); }
bool RequestParser::is_done() const { return impl_->is_done(); }
bool RequestParser::has_begun() const { return impl_->got_some(); }
const std::optional<ParseFault>& RequestParser::fault() const { return impl_->fault; }

}  // namespace freshet

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

// Beast reads the end of chunks from five bytes at a time: `0`, and two line ends. Every body in
// chunks that is not whole has so many still to come.
constexpr size_t kLeastChunkBytes = 5;

// Each costs a place in a map beside its bytes.
constexpr size_t kMaxFields = 100;

std::string_view ToStdView(beast::string_view text) { return {text.data(), text.size()}; }

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(ToAbsl(a), ToAbsl(b));
}

// Fields of which there may be one alone; a second one of others continues the first.
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
    return {505, "the request is not one of HTTP/1.1 or HTTP/1.0"};
  }
  if (error == http::error::bad_content_length || error == http::error::bad_transfer_encoding) {
    return {400, "the request does not say without contradiction how long its body is"};
  }
  return {400, StrCat("the request is not as HTTP/1.1 has it (", error.message(), ")")};
}

}  // namespace

class RequestParser::Impl final : public http::basic_parser<true> {
 public:
  explicit Impl(size_t max_head_bytes) : max_head_bytes_(max_head_bytes) {
    header_limit(static_cast<uint32_t>(max_head_bytes));
    body_limit(UINT64_MAX);  // Whoever takes the body sees to that.
  }

  RequestHead* head() { return is_header_done() && !fault ? &head_ : nullptr; }

  // Beast holds each line to the limit; this holds all of them to it.
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
  std::string_view piece;  // Of the body, from the last Put().

 private:
  ParseFault TooLong(std::string_view input) const {
    const std::string_view seen = input.substr(0, max_head_bytes_);
    if (has_first_line_ || seen.find('\n') != std::string_view::npos) {
      return {431, "the head of the request is too long"};
    }
    return {414, "the address is too long"};
  }

  // Ends the parsing.
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
      Fail({400, "the address of the request is malformed"}, error);
      return;
    }
    authority_ = std::move(parsed->authority);
    head_.request.path = std::move(parsed->path);
    head_.request.query = std::move(parsed->query);
  }

  void on_field_impl(http::field field, beast::string_view name, beast::string_view value,
                     beast::error_code& error) override {
    if (is_header_done()) return;  // It trails the body.
    if (++field_count_ > kMaxFields) {
      Fail({431, "the head of the request has too many fields"}, error);
      return;
    }
    if (field == http::field::content_length &&
        !std::all_of(value.begin(), value.end(), absl::ascii_isdigit)) {
      error = http::error::bad_content_length;  // Beast takes `5, 5`.
      return;
    }
    if (field == http::field::transfer_encoding &&
        (head_.is_version_1_0 || !EqualsIgnoreCase(ToStdView(value), "chunked"))) {
      Fail({501, "the only encoding of the transfer that is understood is chunked, of HTTP/1.1"},
           error);
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
      Fail({417, "the only expectation that is understood is 100-continue"}, error);
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
  size_t head_bytes_ = 0;  // Taken.
  std::string authority_;  // Of the first line.
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
    // Empty lines after the last request, as some clients send them, mean nothing.
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

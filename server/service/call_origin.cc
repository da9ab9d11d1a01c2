#include "server/service/call_origin.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/str_replace.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr size_t kMaxRequestIdChars = 128;
constexpr size_t kMaxMessageChars = 500;

// Whether this is gRPC's name for a peer within the process: "inproc" in newer versions, "unknown"
// in older ones. Other peers have addresses.
bool IsWithinProcess(std::string_view peer) { return peer == "inproc" || peer == "unknown"; }

std::string_view Metadata(const grpc::ServerContextBase& context, const char* name) {
  const auto found = context.client_metadata().find(name);
  if (found == context.client_metadata().end()) return {};
  return {found->second.data(), found->second.size()};
}

bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// The trace id in `00-{32 digits}-{16 digits}-{2 digits}`; empty if `traceparent` has another form.
std::string_view TraceId(std::string_view traceparent) {
  constexpr size_t kSize = 55;
  if (traceparent.size() < kSize || traceparent[2] != '-' || traceparent[35] != '-' ||
      traceparent[52] != '-') {
    return {};
  }
  const std::string_view id = traceparent.substr(3, 32);
  return IsHex(id) && id.find_first_not_of('0') != std::string_view::npos ? id : std::string_view();
}

}  // namespace

std::string PeerAddress(std::string_view peer) {
  const size_t scheme = peer.find(':');
  if (scheme == std::string_view::npos) return std::string(peer);
  const std::string_view address = peer.substr(scheme + 1);
  return absl::StrReplaceAll(std::string(address.substr(0, address.rfind(':'))),
                             {{"%5B", "["}, {"%5D", "]"}});
}

std::string CallerAddress(const grpc::ServerContextBase& context) {
  const std::string peer = context.peer();
  if (IsWithinProcess(peer)) {  // Other peers could fake the metadata.
    const std::string_view client = Metadata(context, kHttpClientMetadata);
    if (!client.empty()) return std::string(client);
  }
  return PeerAddress(peer);
}

std::string TraceOf(const grpc::ServerContextBase& context) {
  std::string text;
  const std::string_view request_id = Metadata(context, "x-request-id");
  if (!request_id.empty() && request_id.size() <= kMaxRequestIdChars && IsPlain(request_id)) {
    text += StrCat(" request_id=", request_id);
  }
  const std::string_view trace_id = TraceId(Metadata(context, "traceparent"));
  if (!trace_id.empty()) text += StrCat(" trace_id=", trace_id);
  return text;
}

void LogFailedCall(std::string_view method, const grpc::ServerContextBase& context,
                   const grpc::Status& status) {
  if (status.ok() || status.error_code() == grpc::StatusCode::CANCELLED) return;
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  const bool ours = code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
                    code == absl::StatusCode::kDataLoss;
  spdlog::log(ours ? spdlog::level::err : spdlog::level::info,
              "event=call_failed method={} code={} peer={}{} error={}", method,
              absl::StatusCodeToString(code), CallerAddress(context), TraceOf(context),
              JsonString(status.error_message().substr(0, kMaxMessageChars)));
}

}  // namespace freshet

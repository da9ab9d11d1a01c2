#include "server/service/header_gate.h"

#include <grpc/slice.h>

#include <cstddef>
#include <span>
#include <string>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr std::string_view kHealthPath = "/grpc.health.v1.Health/";
constexpr std::string_view kNotCompressed = "identity";

std::string_view TextOf(const grpc_slice& slice) {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)), GRPC_SLICE_LENGTH(slice)};
}

HeaderGate::Headers HeadersOf(std::span<const grpc_metadata> metadata) {
  HeaderGate::Headers headers;
  for (const grpc_metadata& entry : metadata) {
    const std::string_view key = TextOf(entry.key);
    if (key == ":path") headers.path = TextOf(entry.value);
    if (key == "authorization") headers.authorization = TextOf(entry.value);
    if (key == "grpc-encoding") headers.encoding = TextOf(entry.value);
  }
  return headers;
}

// Called by gRPC with each call's headers, from many threads.
void Process(void* gate, grpc_auth_context* /*context*/, const grpc_metadata* metadata,
             size_t count, grpc_process_auth_metadata_done_cb done, void* user_data) {
  const absl::Status status =
      static_cast<const HeaderGate*>(gate)->Check(HeadersOf({metadata, count}));
  done(user_data, nullptr, 0, nullptr, 0, static_cast<grpc_status_code>(status.code()),
       status.ok() ? nullptr : std::string(status.message()).c_str());
}

}  // namespace

absl::Status HeaderGate::Check(const Headers& headers) const {
  if (!headers.encoding.empty() && headers.encoding != kNotCompressed) {
    return absl::UnimplementedError(
        StrCat("the server accepts no compressed messages (grpc-encoding: ",
               headers.encoding.substr(0, 16), "); send them uncompressed"));
  }
  if (headers.path.starts_with(kHealthPath)) return absl::OkStatus();
  return access_.Identify(headers.authorization).status();
}

grpc_auth_metadata_processor HeaderGate::processor() const {
  return {.process = &Process, .destroy = nullptr, .state = const_cast<HeaderGate*>(this)};
}

}  // namespace freshet

#include "server/endpoints_file.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <filesystem>
#include <system_error>

#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "server/file/file_system.h"
#include "server/file/small_file.h"

namespace freshet {
namespace {

constexpr uint64_t kMaxFileBytes = 4096;

}  // namespace

absl::Status CheckEndpointsFile(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::file_type type = std::filesystem::symlink_status(path, ignored).type();
  if (type == std::filesystem::file_type::not_found ||
      type == std::filesystem::file_type::regular || type == std::filesystem::file_type::none) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      StrCat("endpoints_file is ", path,
             ", which exists and is not a regular file; name a file that may be replaced"));
}

absl::Status WriteEndpointsFile(const std::string& path, const Endpoints& endpoints) {
  if (absl::Status status = CheckEndpointsFile(path); !status.ok()) return status;
  JsonObject object;
  object.Add("grpc", endpoints.grpc);
  if (!endpoints.http.empty()) object.Add("http", endpoints.http);
  object.AddJson("tls", endpoints.tls ? "true" : "false");
  object.Add("pid", static_cast<uint64_t>(endpoints.pid));
  return WriteFileAtomically(PosixFileSystem(), path, object.ToString() + "\n");
}

absl::StatusOr<Endpoints> ReadEndpointsFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadSmallFile(PosixFileSystem(), path, kMaxFileBytes);
  if (!text.ok()) return text.status();
  google::protobuf::Struct json;
  if (!google::protobuf::util::JsonStringToMessage(*text, &json).ok()) {
    return absl::InvalidArgumentError(StrCat(path, ": not an endpoints file written by freshetd"));
  }
  const auto& fields = json.fields();
  const auto field = [&fields](const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? google::protobuf::Value() : found->second;
  };
  return Endpoints{.grpc = field("grpc").string_value(),
                   .http = field("http").string_value(),
                   .tls = field("tls").bool_value(),
                   .pid = static_cast<pid_t>(field("pid").number_value())};
}

}  // namespace freshet

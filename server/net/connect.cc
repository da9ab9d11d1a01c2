#include "server/net/connect.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/time/time.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Clock = std::chrono::steady_clock;

// The timeout of a socket when no time is left; 0 would mean none.
constexpr absl::Duration kLeastTimeout = absl::Milliseconds(1);

void SetTimeout(int descriptor, Clock::duration timeout) {
  const timeval limit = absl::ToTimeval(std::max(absl::FromChrono(timeout), kLeastTimeout));
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

}  // namespace

absl::StatusOr<FileDescriptor> ConnectToAny(const std::vector<SocketAddress>& addresses,
                                            Clock::time_point deadline) {
  std::string failures;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const SocketAddress& address = addresses[i];
    FileDescriptor descriptor(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto left = static_cast<int64_t>(addresses.size() - i);
    SetTimeout(descriptor.get(), (deadline - Clock::now()) / left);
    if (connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address.storage),
                address.size) == 0) {
      SetTimeout(descriptor.get(), deadline - Clock::now());
      return descriptor;
    }
    failures += StrCat(i == 0 ? "" : ", nor to ", address.host_port(), ": ",
                       errno == EINPROGRESS ? "no answer" : std::strerror(errno));
  }
  return absl::UnavailableError(StrCat("cannot connect to ", failures));
}

}  // namespace freshet

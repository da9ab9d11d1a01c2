#include "server/net/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace freshet {
namespace {

// Reserved for logs, snapshots, waiting threads, and HTTP, whose connections have a limit of their
// own.
constexpr rlim_t kOtherDescriptors = 512;
constexpr rlim_t kDescriptorsPerConnection = 2;  // See Acceptor.

}  // namespace

void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

uint32_t AffordableConnections() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT32_MAX;
  // With a low limit, at most half of the descriptors are reserved.
  const rlim_t others = std::min(kOtherDescriptors, limit.rlim_cur / 2);
  const rlim_t connections = (limit.rlim_cur - others) / kDescriptorsPerConnection;
  return static_cast<uint32_t>(std::clamp<rlim_t>(connections, 1, UINT32_MAX));
}

}  // namespace freshet

#include "server/net/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace freshet {
namespace {

// For logs, snapshots, threads that wait, and HTTP, whose connections have a limit of their own.
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
  // A process that may have few has to do with less beside its connections.
  const rlim_t others = std::min(kOtherDescriptors, limit.rlim_cur / 2);
  const rlim_t connections = (limit.rlim_cur - others) / kDescriptorsPerConnection;
  return static_cast<uint32_t>(std::clamp<rlim_t>(connections, 1, UINT32_MAX));
}

}  // namespace freshet

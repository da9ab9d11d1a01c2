#include "server/http/request_producers.h"

#include <random>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {

RequestProducers::RequestProducers()
    : prefix_([] {
        std::random_device random;
        return StrCat("http-", absl::Hex(random(), absl::kZeroPad8),
                      absl::Hex(random(), absl::kZeroPad8), "-");
      }()) {}

RequestProducers::Producer RequestProducers::Take(std::string user) {
  {
    const absl::MutexLock lock(&mu_);
    const auto found = free_.find(user);
    if (found != free_.end() && !found->second.empty()) {
      Producer producer = std::move(found->second.back());
      found->second.pop_back();
      ++producer.sequence;
      return producer;
    }
  }
  return TakeNew(std::move(user));
}

RequestProducers::Producer RequestProducers::TakeNew(std::string user) {
  const absl::MutexLock lock(&mu_);
  return {.user = std::move(user), .id = StrCat(prefix_, ++made_count_), .sequence = 1};
}

void RequestProducers::GiveBack(Producer producer, bool used) {
  if (!used && --producer.sequence == 0) return;
  const absl::MutexLock lock(&mu_);
  if (free_.size() >= kMaxUsers) free_.clear();
  free_[producer.user].push_back(std::move(producer));
}

}  // namespace freshet

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

RequestProducers::Producer RequestProducers::Take() {
  const absl::MutexLock lock(&mu_);
  Producer producer;
  if (free_.empty()) {
    producer.id = StrCat(prefix_, ++made_count_);
  } else {
    producer = std::move(free_.back());
    free_.pop_back();
  }
  ++producer.sequence;
  return producer;
}

void RequestProducers::GiveBack(Producer producer) {
  const absl::MutexLock lock(&mu_);
  free_.push_back(std::move(producer));
}

}  // namespace freshet

// Producer ids and sequences for batches that come without.

#ifndef FRESHET_SERVER_HTTP_REQUEST_PRODUCERS_H_
#define FRESHET_SERVER_HTTP_REQUEST_PRODUCERS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace freshet {

// Gives out as few producers as batches are under way at a time, since a model remembers each.
// Their ids are not those of another run of the server. Thread-safe.
class RequestProducers {
 public:
  struct Producer {
    std::string id;
    uint64_t sequence = 0;  // Of the batch that it is taken for.
  };

  RequestProducers();

  // A producer that nobody else has until it is given back.
  Producer Take();
  void GiveBack(Producer producer);

 private:
  const std::string prefix_;
  absl::Mutex mu_;
  size_t made_count_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<Producer> free_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_PRODUCERS_H_

// Producer ids and sequences for batches that come without.

#ifndef FRESHET_SERVER_HTTP_REQUEST_PRODUCERS_H_
#define FRESHET_SERVER_HTTP_REQUEST_PRODUCERS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace freshet {

// Gives out as few producers as batches are under way at a time, since a model remembers each. A
// producer is one user's: of one model and, where there are tokens, one token. Ids are not those of
// another run of the server. Thread-safe.
class RequestProducers {
 public:
  struct Producer {
    std::string user;
    std::string id;
    uint64_t sequence = 0;  // Of the batch that it is taken for.
  };

  RequestProducers();

  // A producer that nobody else has until it is given back.
  Producer Take(std::string user);
  // One that no model knows, with sequence 1.
  Producer TakeNew(std::string user);
  // The batch was acknowledged, or, where not `used`, rejected, which uses up no sequence. A
  // producer of whose batch neither is known is not to be given back.
  void GiveBack(Producer producer, bool used);

 private:
  // Users whose producers are kept; then all are dropped, and made anew.
  static constexpr size_t kMaxUsers = 10'000;

  const std::string prefix_;
  absl::Mutex mu_;
  size_t made_count_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, std::vector<Producer>> free_ ABSL_GUARDED_BY(mu_);  // By user.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_PRODUCERS_H_

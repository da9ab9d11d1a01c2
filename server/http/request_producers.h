// Producer ids and sequences for batches that come without them over HTTP.

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

// Uses only as many producers as there are batches in progress at a time, since a model remembers
// each producer. A producer belongs to one user, that is to one model and, if there are tokens, one
// token. Ids are never those of another run of the server. Thread-safe.
class RequestProducers {
 public:
  struct Producer {
    std::string user;
    std::string id;
    uint64_t sequence = 0;  // Sequence of the batch that it is taken for.
  };

  RequestProducers();

  // A producer for one batch. Nobody else gets it until it is given back.
  Producer Take(std::string user);
  // A new producer, which no model knows, with sequence 1.
  Producer TakeNew(std::string user);
  // Gives a producer back once its batch was acknowledged (`used`) or rejected (not `used`), which
  // uses up no sequence. If it is unknown which, the producer must not be given back.
  void GiveBack(Producer producer, bool used);

 private:
  // How many users' free producers are kept. Beyond that, all free producers are dropped and new
  // ones are made.
  static constexpr size_t kMaxUsers = 10'000;

  const std::string prefix_;
  absl::Mutex mu_;
  size_t made_count_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, std::vector<Producer>> free_ ABSL_GUARDED_BY(mu_);  // By user.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_REQUEST_PRODUCERS_H_

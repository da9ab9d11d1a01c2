// Many Learn streams at once, without a thread for each.

#ifndef FRESHET_TESTS_BENCH_STREAM_SWARM_H_
#define FRESHET_TESTS_BENCH_STREAM_SWARM_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// Streams, each on its own connection, which push from Start() to Stop() and are idle otherwise.
// Any failure ends the process with a message.
class StreamSwarm {
 public:
  // Opens `count` streams, stream i to models[i % models.size()], pushes one batch on each, and
  // waits until all are acknowledged. The batches come from `requests`, which must outlive this
  // object.
  StreamSwarm(const std::string& address, const std::vector<std::string>& models, int count,
              const std::vector<v1::LearnRequest>& requests);
  ~StreamSwarm();
  StreamSwarm(const StreamSwarm&) = delete;
  StreamSwarm& operator=(const StreamSwarm&) = delete;

  // Makes all streams push, each with `in_flight` batches in flight, until Stop().
  void Start(int in_flight);
  // Stops pushing and waits until everything is acknowledged.
  void Stop();

  // The number of examples acknowledged so far. May be called at any time.
  uint64_t acknowledged() const { return acknowledged_.load(std::memory_order_relaxed); }

 private:
  class Stream;

  std::atomic<uint64_t> acknowledged_{0};
  std::vector<std::unique_ptr<Stream>> streams_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_STREAM_SWARM_H_

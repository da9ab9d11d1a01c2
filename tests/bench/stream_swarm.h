// Many Learn streams at once, without a thread each.

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

// Streams that are idle but while Run() runs, each on a connection of its own. Any failure ends the
// process with a message.
class StreamSwarm {
 public:
  // Opens `count` streams, stream i to models[i % models.size()], pushes one batch on each and
  // waits until all are acknowledged. The batches are those of `requests`, which must outlive this.
  StreamSwarm(const std::string& address, const std::vector<std::string>& models, int count,
              const std::vector<v1::LearnRequest>& requests);
  ~StreamSwarm();
  StreamSwarm(const StreamSwarm&) = delete;
  StreamSwarm& operator=(const StreamSwarm&) = delete;

  // Lets all streams push, each with `in_flight` batches under way, until Stop().
  void Start(int in_flight);
  // Waits until everything is acknowledged.
  void Stop();

  // Examples so far. May be called at any time.
  uint64_t acknowledged() const { return acknowledged_.load(std::memory_order_relaxed); }

 private:
  class Stream;

  std::atomic<uint64_t> acknowledged_{0};
  std::vector<std::unique_ptr<Stream>> streams_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_STREAM_SWARM_H_

// The examples that the benchmarks push: 30 features, one for each of 30 fields, whose values are
// Zipf-distributed (exponent 1) over a million each.

#ifndef FRESHET_TESTS_BENCH_BENCH_STREAM_H_
#define FRESHET_TESTS_BENCH_BENCH_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "client/example.h"
#include "freshet/v1/example.pb.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// Endless and deterministic. Not thread-safe.
class BenchStream {
 public:
  explicit BenchStream(uint32_t seed) : random_(seed) {}

  // The next `rows` examples as columns, all in one namespace.
  v1::PackedBatch NextBatch(int rows);

  // The same for prediction, without labels.
  v1::PackedBatch NextUnlabelledBatch(int rows);

  // The next `rows` examples as text, in three namespaces.
  v1::ExampleList NextReadableBatch(int rows);

  // The next example in the form in which a program builds it for the client library.
  Example NextExample();

 private:
  uint64_t NextRank();
  uint32_t NextId(uint64_t field);
  float NextLabel() { return random_() % 7 == 0 ? 1.0f : 0.0f; }

  std::mt19937_64 random_;
};

// Requests of `rows` examples each, enough of them that their features do not all fit in a
// processor's caches. The sender fills in the other fields.
std::vector<v1::LearnRequest> MakeLearnRequests(int rows);

// The same as events: without labels, and with room for an id of each example.
std::vector<v1::LearnRequest> MakeEventRequests(int rows);

// The same as MakeLearnRequests() with readable examples, but fewer of them.
std::vector<v1::LearnRequest> MakeReadableRequests(int rows);

// Requests of `rows` examples each whose features together hit every slot of a table of 2^bits.
std::vector<v1::LearnRequest> MakeFillingRequests(int rows, int bits);

// The number of examples in a request.
size_t RowCount(const v1::LearnRequest& request);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BENCH_STREAM_H_

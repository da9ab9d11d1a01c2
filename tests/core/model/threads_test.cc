// Readers run while the writer learns. Mainly for the thread sanitizer.

#include <atomic>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"

namespace freshet {
namespace {

TEST(ThreadsTest, ReadersPredictWhileTheWriterLearnsAndChangeNothing) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    const std::vector<StreamExample> examples =
        MakeStream({.loss = spec.loss, .example_count = 1500, .importance_weights = true});
    const std::unique_ptr<Learner> alone = NewLearner(spec);
    const std::vector<float> expected = Learn(*alone, examples);

    const std::unique_ptr<Learner> shared = NewLearner(spec);
    std::atomic<bool> done = false;
    std::atomic<int> ready = 0;
    std::vector<std::thread> readers;
    readers.reserve(3);
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        const ExampleBatchBuilder builder = BatchOf(std::span(examples).first(50));
        std::vector<float> scores(50);
        bool finite = true;
        do {
          shared->PredictBatch(builder.View(), scores);
          for (const float score : scores) finite &= std::isfinite(score);
          finite &= shared->CountUsedSlots() <= 1024;
          finite &= shared->skipped_count() <= shared->example_count();
          ready.fetch_add(1);
        } while (!done.load());
        EXPECT_TRUE(finite);
      });
    }
    while (ready.load() == 0) std::this_thread::yield();
    EXPECT_EQ(Learn(*shared, examples), expected);
    done.store(true);
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(StateOf(*shared), StateOf(*alone));
  }
}

}  // namespace
}  // namespace freshet

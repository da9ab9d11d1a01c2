#include "server/codec/batch_rows.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "core/model/factory.h"

namespace freshet {
namespace {

// Rows of three namespaces and unlike shapes; of one shape where `alike`.
ExampleBatchBuilder MakeRows(bool alike, bool unit_values) {
  std::mt19937 random(7);
  ExampleBatchBuilder builder;
  for (int row = 0; row < 50; ++row) {
    builder.BeginRow(static_cast<float>(row % 2), 1 + static_cast<float>(row % 3));
    for (const char* name : {"a", "b", "c"}) {
      const uint32_t count = alike ? 2 : random() % 4;
      for (uint32_t i = 0; i < count; ++i) {
        builder.AddFeature(builder.Namespace(name), random() % 100,
                           unit_values ? 1.0f : 0.5f + static_cast<float>(random() % 8));
      }
    }
    builder.EndRow();
  }
  return builder;
}

TEST(BatchRowsTest, ArePredictedAsInTheWholeBatch) {
  LearnerSpec spec;
  spec.linear.bits = 10;
  spec.features.interactions = {{{"a", "b"}}};
  const std::unique_ptr<Learner> learner = MakeLearner(spec).value();
  for (const bool alike : {false, true}) {
    for (const bool unit_values : {false, true}) {
      const ExampleBatchBuilder builder = MakeRows(alike, unit_values);
      const ExampleBatch batch = builder.View();
      std::vector<float> scores(batch.size());
      learner->LearnBatch(batch, scores);
      learner->PredictBatch(batch, scores);
      for (const size_t step : {1U, 3U, 7U, 50U}) {
        std::vector<float> in_parts(batch.size());
        BatchRows rows;
        for (size_t begin = 0; begin < batch.size(); begin += step) {
          const size_t end = std::min(begin + step, batch.size());
          learner->PredictBatch(rows.View(batch, begin, end),
                                std::span(in_parts).subspan(begin, end - begin));
        }
        EXPECT_EQ(in_parts, scores) << step;
      }
    }
  }
}

}  // namespace
}  // namespace freshet

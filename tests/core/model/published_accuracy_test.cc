// Compares the accuracy on a real stream with the one published for another library.
//
// The stream is not part of the project: set FRESHET_DATA to the folder that has it, or this test
// is skipped.

#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/feature/example_batch.h"
#include "core/feature/hash.h"
#include "core/model/learner.h"
#include "core/model/spec.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"

namespace freshet {
namespace {

// Lines of "LABEL |f NAME:VALUE ...".
void ReadStream(const std::string& path, ExampleBatchBuilder& builder) {
  gzFile file = gzopen(path.c_str(), "rb");
  ASSERT_NE(file, nullptr) << path;
  const uint32_t hash = HashNamespace("f");
  std::string line(1 << 12, '\0');
  while (gzgets(file, line.data(), static_cast<int>(line.size())) != nullptr) {
    char* cursor = line.data();
    builder.BeginRow(std::strtof(cursor, &cursor), 1);
    const size_t index = builder.Namespace("f");
    while (*cursor != '|') ++cursor;
    for (cursor += 2; *cursor == ' ';) {
      const char* const name = ++cursor;
      while (*cursor != ':') ++cursor;
      const uint32_t id = HashFeature({name, static_cast<size_t>(cursor - name)}, hash);
      builder.AddFeature(index, id, std::strtof(cursor + 1, &cursor));
    }
    builder.EndRow();
  }
  gzclose(file);
}

TEST(PublishedAccuracyTest, OfStandardisedSgdOnElectricityPricesIsReproduced) {
  const char* const folder = std::getenv("FRESHET_DATA");
  const auto path = std::filesystem::path(folder == nullptr ? "" : folder) / "elec2.vw.gz";
  if (folder == nullptr || !std::filesystem::exists(path)) {
    GTEST_SKIP() << "set FRESHET_DATA to the folder that has elec2.vw.gz to run this test";
  }
  ExampleBatchBuilder builder;
  ReadStream(path, builder);
  ASSERT_EQ(builder.row_count(), 45'312u);
  LearnerSpec spec;
  spec.optimizer = Sgd::Options{};
  spec.linear.learning_rate = 0.005;
  spec.linear.intercept_learning_rate = 0.01;
  spec.features.numerics = {{"f", NumericKind::kStandardize}};
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  const ExampleBatch batch = builder.View();
  std::vector<float> scores(batch.size());
  learner->LearnBatch(batch, scores);
  size_t right = 0;
  for (size_t i = 0; i < scores.size(); ++i) right += (scores[i] > 0) == (batch.labels[i] > 0);
  EXPECT_NEAR(static_cast<double>(right) / static_cast<double>(batch.size()), 0.822144, 5e-7);
}

}  // namespace
}  // namespace freshet

// A deterministic stream of sparse examples for tests.

#ifndef FRESHET_TESTS_SUPPORT_RANDOM_EXAMPLES_H_
#define FRESHET_TESTS_SUPPORT_RANDOM_EXAMPLES_H_

#include <cstdint>
#include <random>

#include "core/feature/example_batch.h"

namespace freshet {

// Examples of 1 to 12 features of three namespaces, some numeric, with labels that depend on them.
class RandomExamples {
 public:
  explicit RandomExamples(uint32_t seed) : random_(seed) {}

  // Adds `count` examples to `batch`.
  void Append(int count, ExampleBatchBuilder& batch) {
    for (int i = 0; i < count; ++i) {
      const uint32_t user = random_() % 50;
      const uint32_t item = random_() % 200;
      const bool positive = user % 10 < 3 || random_() % 10 == 0;
      batch.BeginRow(positive ? 1.0f : 0.0f, 1.0f + static_cast<float>(random_() % 3));
      batch.AddFeature(batch.Namespace("user"), user * 2654435761U, 1.0f);
      batch.AddFeature(batch.Namespace("item"), item * 2246822519U, 1.0f);
      const uint32_t extra = random_() % 11;
      for (uint32_t k = 0; k < extra; ++k) {
        batch.AddFeature(batch.Namespace("x"), random_() % 1000,
                         static_cast<float>(random_() % 1000) / 500.0f - 1.0f);
      }
      batch.EndRow();
    }
  }

 private:
  std::mt19937 random_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_RANDOM_EXAMPLES_H_

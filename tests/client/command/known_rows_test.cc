#include "client/command/known_rows.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(KnownRowsTest, KnowsAllUpToTheLastButWhatIsMissing) {
  v1::GetProducerResponse producer;
  producer.set_last_sequence(100);
  for (const auto& [first, last] : {std::pair{11, 20}, std::pair{31, 31}}) {
    v1::SequenceRange& range = *producer.add_missing();
    range.set_first(first);
    range.set_last(last);
  }
  const KnownRows known(producer);
  EXPECT_EQ(known.last(), 100U);
  for (const uint64_t number : {1, 10, 21, 30, 32, 100}) EXPECT_TRUE(known.Contains(number));
  for (const uint64_t number : {11, 15, 20, 31, 101}) EXPECT_FALSE(known.Contains(number));
}

TEST(KnownRowsTest, KnowsNothingOfANewProducer) {
  EXPECT_EQ(KnownRows().last(), 0U);
  EXPECT_FALSE(KnownRows().Contains(1));
}

}  // namespace
}  // namespace freshet

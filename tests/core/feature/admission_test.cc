#include "core/feature/admission.h"

#include <cstddef>
#include <random>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"

namespace freshet {
namespace {

Admission Make(const Admission::Options& options) {
  absl::StatusOr<Admission> admission = Admission::Create(options);
  EXPECT_TRUE(admission.ok()) << admission.status();
  return *std::move(admission);
}

std::vector<std::byte> StateOf(const Admission& admission) {
  StateWriter writer;
  admission.SaveState(writer);
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

TEST(AdmissionTest, LetsAFeatureInAtTheSightingThatItSays) {
  for (const uint32_t threshold : {2U, 3U, 127U}) {
    Admission admission = Make({.bits = 16, .threshold = threshold});
    for (uint32_t i = 1; i < threshold; ++i) {
      EXPECT_FALSE(admission.Count(9));
      EXPECT_FALSE(admission.IsAdmitted(9));
    }
    EXPECT_TRUE(admission.Count(9));
    EXPECT_TRUE(admission.IsAdmitted(9));
    EXPECT_FALSE(admission.IsAdmitted(10));
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(admission.Count(9));
  }
}

TEST(AdmissionTest, NeverCountsTooLittleAndSeldomTooMuch) {
  Admission admission = Make({.bits = 14, .threshold = 3});
  std::mt19937 random(1);
  std::unordered_map<uint32_t, uint32_t> counts;
  int early = 0;
  for (int i = 0; i < 3000; ++i) {  // Too few sightings for counts to be halved.
    const uint32_t id = random() % 2 == 0 ? random() % 200 : random();
    const bool admitted = admission.Count(id);
    const bool due = ++counts[id] >= 3;
    EXPECT_TRUE(admitted || !due) << i;
    early += admitted && !due ? 1 : 0;
  }
  EXPECT_LT(early, 10);
}

TEST(AdmissionTest, AStreamOfFeaturesThatComeOnceDoesNotFillIt) {
  Admission admission = Make({.bits = 12, .threshold = 3});
  std::mt19937 random(2);
  for (int i = 0; i < 3; ++i) admission.Count(77);
  int admitted = 0;
  for (int i = 0; i < 200'000; ++i) {
    admitted += admission.Count(random()) ? 1 : 0;
    admission.EndExample();
  }
  EXPECT_LT(admitted, 2000);
  EXPECT_TRUE(admission.IsAdmitted(77));  // Stays.
}

TEST(AdmissionTest, WithALifetimeAFeatureThatIsNotSeenAnyMoreIsForgotten) {
  Admission admission = Make({.bits = 12, .threshold = 2, .lifetime_examples = 100});
  admission.Count(7);
  admission.Count(7);
  admission.Count(8);
  admission.Count(8);
  for (int i = 0; i < 1000; ++i) {
    if (i % 90 == 0) admission.Count(8);
    if (i < 99 || i >= 200) {
      EXPECT_EQ(admission.IsAdmitted(7), i < 99) << i;
    }
    EXPECT_TRUE(admission.IsAdmitted(8)) << i;
    admission.EndExample();
  }
}

TEST(AdmissionTest, GoesOnExactlyWhereItWasSaved) {
  for (const uint64_t lifetime : {0, 100}) {
    const Admission::Options options = {.bits = 11, .threshold = 4, .lifetime_examples = lifetime};
    Admission whole = Make(options);
    Admission first = Make(options);
    std::mt19937 random(3);
    std::vector<uint32_t> ids(5000);
    for (uint32_t& id : ids) id = random() % 3000;
    const auto count = [&](Admission& admission, size_t begin, size_t end) {
      for (; begin < end; ++begin) {
        admission.Count(ids[begin]);
        admission.EndExample();
      }
    };
    count(whole, 0, 5000);
    count(first, 0, 2345);
    const std::vector<std::byte> state = StateOf(first);
    Admission second = Make(options);
    StateReader reader(state);
    ASSERT_TRUE(second.LoadState(reader).ok());
    EXPECT_EQ(reader.remaining_bytes(), 0u);
    count(second, 2345, 5000);
    EXPECT_EQ(StateOf(second), StateOf(whole));
  }
}

}  // namespace
}  // namespace freshet

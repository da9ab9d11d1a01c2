#include "core/feature/slot_ages.h"

#include <cstddef>
#include <map>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace freshet {
namespace {

SlotAges Make(int bits, uint64_t lifetime) {
  absl::StatusOr<SlotAges> ages = SlotAges::Create(bits, lifetime);
  EXPECT_TRUE(ages.ok()) << ages.status();
  return *std::move(ages);
}

std::vector<std::byte> StateOf(const SlotAges& ages) {
  StateWriter writer;
  ages.SaveState(writer);
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

// Compares with the exact number of the example that last touched each slot.
TEST(SlotAgesTest, SlotsExpireAfterOneLifetimeAndAnEighthAtMost) {
  for (const uint64_t lifetime : {1, 8, 20, 160}) {
    const uint64_t period = (lifetime + 7) / 8;
    SlotAges ages = Make(10, lifetime);
    std::mt19937 random(5);
    std::map<uint32_t, uint64_t> last_seen;
    std::vector<uint32_t> expired;
    uint64_t expired_count = 0;
    for (uint64_t example = 0; example < 10'000; ++example) {  // Period numbers wrap many times.
      const uint32_t id = random() % 3 == 0 ? random() % 1024 : random() % 8;
      ages.Touch(id + 1024 * (random() % 5));
      last_seen[id] = example;
      if (!ages.EndExample()) continue;
      ages.TakeExpired(expired);
      expired_count += expired.size();
      for (const uint32_t index : expired) {
        ASSERT_TRUE(last_seen.contains(index));
        EXPECT_GE(example - last_seen[index], lifetime);
        last_seen.erase(index);
      }
      for (const auto& [index, seen] : last_seen) ASSERT_LT(example - seen, 9 * period) << index;
    }
    EXPECT_GT(expired_count, 100u);
  }
}

TEST(SlotAgesTest, GoesOnExactlyWhereItWasSaved) {
  SlotAges whole = Make(11, 100);
  SlotAges first = Make(11, 100);
  std::mt19937 random(6);
  std::vector<uint32_t> ids(2000);
  for (uint32_t& id : ids) id = random();
  const auto run = [&](SlotAges& ages, size_t begin, size_t end) {
    std::vector<uint32_t> expired;
    std::vector<uint32_t> all;
    for (; begin < end; ++begin) {
      ages.Touch(ids[begin]);
      if (!ages.EndExample()) continue;
      ages.TakeExpired(expired);
      all.insert(all.end(), expired.begin(), expired.end());
    }
    return all;
  };
  std::vector<uint32_t> expected = run(whole, 0, 777);
  EXPECT_EQ(run(first, 0, 777), expected);
  const std::vector<std::byte> state = StateOf(first);
  SlotAges second = Make(11, 100);
  StateReader reader(state);
  ASSERT_TRUE(second.LoadState(reader).ok());
  EXPECT_EQ(reader.remaining_bytes(), 0u);
  EXPECT_EQ(run(second, 777, 2000), run(whole, 777, 2000));
  EXPECT_EQ(StateOf(second), StateOf(whole));
}

}  // namespace
}  // namespace freshet

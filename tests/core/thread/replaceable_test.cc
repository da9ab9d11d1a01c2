#include "core/thread/replaceable.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(ReplaceableTest, GivesWhatItWasMadeOfAndWhatReplacedIt) {
  Replaceable<std::unique_ptr<int>> value(std::make_unique<int>(1));
  EXPECT_EQ(**value.Read(), 1);
  EXPECT_EQ(*value.Replace(std::make_unique<int>(2)), 1);
  EXPECT_EQ(**value.Read(), 2);
  EXPECT_EQ(*value.Replace(std::make_unique<int>(3)), 2);
  EXPECT_EQ(**value.Read(), 3);
}

TEST(ReplaceableTest, AReadingCanBeMovedAndThenCountsOnce) {
  Replaceable<int> value(1);
  {
    auto first = value.Read();
    const auto second = std::move(first);
    EXPECT_EQ(*second, 1);
  }
  EXPECT_EQ(value.Replace(2), 1);  // Would wait for ever if a reader were still announced.
  EXPECT_EQ(value.Replace(3), 2);
}

// A reader would find a number that has been overwritten, and the address sanitizer memory that has
// been freed, if Replace() returned while it still reads.
TEST(ReplaceableTest, ReadersAreDoneWithAnObjectWhenItHasBeenReplaced) {
  using Numbers = std::vector<size_t>;
  constexpr size_t kSize = 100;
  Replaceable<std::unique_ptr<Numbers>> value(std::make_unique<Numbers>(kSize, 1));
  std::atomic<bool> done{false};
  std::atomic<int> ready{0};
  std::vector<std::thread> readers;
  readers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      size_t last = 0;
      bool right = true;
      do {
        {
          const auto reading = value.Read();
          const Numbers& numbers = **reading;
          for (const size_t number : numbers) right &= number == numbers.front() && number >= last;
          last = numbers.front();
        }
        ready.fetch_add(1);
        std::this_thread::yield();
      } while (!done.load());
      EXPECT_TRUE(right);
      EXPECT_GT(last, 0u);
    });
  }
  while (ready.load() < 3) std::this_thread::yield();
  for (size_t number = 2; number < 200; ++number) {
    const std::unique_ptr<Numbers> old = value.Replace(std::make_unique<Numbers>(kSize, number));
    EXPECT_EQ(old->front(), number - 1);
    old->assign(kSize, 0);  // Nobody may see this.
  }
  done.store(true);
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace freshet

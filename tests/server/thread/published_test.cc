#include "server/thread/published.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace freshet {
namespace {

// Counts those that live, and knows whether it does.
struct Counted {
  explicit Counted(uint64_t value) : number(value), check(~value) { ++living; }
  ~Counted() {
    number = 0;
    check = 0;
    --living;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  uint64_t number;
  uint64_t check;  // The complement of the number while it lives.

  static inline std::atomic<int> living{0};
};

TEST(PublishedTest, IsNullUntilSomethingIsStored) {
  Published<const int> published;
  EXPECT_EQ(published.Load(), nullptr);
  published.Store(std::make_shared<const int>(7));
  EXPECT_EQ(*published.Load(), 7);
  published.Store(nullptr);
  EXPECT_EQ(published.Load(), nullptr);
}

TEST(PublishedTest, ReleasesWhatItIsAskedToReplaceAndWhatItHoldsAtTheEnd) {
  {
    Published<Counted> published(std::make_shared<Counted>(1));
    published.Store(std::make_shared<Counted>(2));
    EXPECT_EQ(Counted::living, 1);
    const std::shared_ptr<Counted> held = published.Load();
    published.Store(std::make_shared<Counted>(3));
    EXPECT_EQ(Counted::living, 2);
    EXPECT_EQ(held->number, 2U);
  }
  EXPECT_EQ(Counted::living, 0);
}

// Its real judges are the thread sanitizer and the address sanitizer.
TEST(PublishedTest, ReadersSeeWholeObjectsInTheOrderInWhichTheyWereStored) {
  constexpr uint64_t kStores = 20'000;
  {
    Published<Counted> published(std::make_shared<Counted>(0));
    std::atomic<bool> done{false};
    std::vector<std::thread> readers;
    readers.reserve(4);
    std::atomic<int> ready{0};
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&] {
        ++ready;
        uint64_t last = 0;
        bool good = true;
        while (!done) {
          const std::shared_ptr<Counted> seen = published.Load();
          good &= seen->check == ~seen->number && seen->number >= last;
          last = seen->number;
        }
        EXPECT_TRUE(good);
      });
    }
    while (ready < 4) std::this_thread::yield();
    for (uint64_t i = 1; i <= kStores; ++i) {
      published.Store(std::make_shared<Counted>(i));
      EXPECT_EQ(published.Load()->number, i);
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(Counted::living, 1);
  }
  EXPECT_EQ(Counted::living, 0);
}

TEST(PublishedTest, SeveralMayStore) {
  {
    Published<Counted> published(std::make_shared<Counted>(0));
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&published] {
        for (uint64_t k = 0; k < 3000; ++k) {
          published.Store(std::make_shared<Counted>(k));
          const std::shared_ptr<Counted> seen = published.Load();
          EXPECT_EQ(seen->check, ~seen->number);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(Counted::living, 1);
  }
  EXPECT_EQ(Counted::living, 0);
}

}  // namespace
}  // namespace freshet

#include "server/service/event_id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "absl/time/time.h"

namespace freshet {
namespace {

TEST(EventIdTest, IsAUlid) {
  // The time of the example in the specification is 1469918176385.
  EventIdBits random{};
  EXPECT_EQ(FormatEventId(absl::FromUnixMillis(1469918176385), random),
            "01ARYZ6S410000000000000000");
  random.fill(0xff);
  EXPECT_EQ(FormatEventId(absl::UnixEpoch(), random), "0000000000ZZZZZZZZZZZZZZZZ");
  random = {0, 0, 0, 0, 1, 0x80, 0, 0, 0, 2};
  EXPECT_EQ(FormatEventId(absl::UnixEpoch(), random), "000000000000000001G0000002");
}

TEST(EventIdTest, ClocksThatAreFarOffDoNoHarm) {
  const EventIdBits random{};
  EXPECT_EQ(FormatEventId(absl::FromUnixMillis(-1), random), std::string(26, '0'));
  EXPECT_EQ(FormatEventId(absl::InfiniteFuture(), random), "7ZZZZZZZZZ" + std::string(16, '0'));
}

TEST(EventIdTest, IdsOfOneCallDiffer) {
  const auto ids = NewEventIds(absl::FromUnixMillis(1469918176385), 5000);
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_EQ(std::set<std::string>(ids->begin(), ids->end()).size(), 5000U);
  EXPECT_TRUE(std::all_of(ids->begin(), ids->end(), [](const std::string& id) {
    return id.size() == 26 && id.starts_with("01ARYZ6S41") &&
           id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") == std::string::npos;
  }));
  EXPECT_TRUE(NewEventIds(absl::UnixEpoch(), 0)->empty());
}

}  // namespace
}  // namespace freshet

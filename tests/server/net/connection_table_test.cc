#include "server/net/connection_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Clock = ConnectionTable::Clock;
using Id = ConnectionTable::Id;

class ConnectionTableTest : public testing::Test {
 protected:
  static Clock::time_point At(int seconds) {
    return Clock::time_point() + std::chrono::hours(1) + std::chrono::seconds(seconds);
  }

  // Admits a connection from `address` at `second`; its peer is the address and `number`.
  ConnectionTable::Admission Admit(const std::string& address, int number, int second) {
    return table_.Admit(address, address + ":" + std::to_string(number), At(second));
  }

  ConnectionTable table_{{.total = 4, .by_address = 3}};
};

TEST_F(ConnectionTableTest, TheOldestThatIsNoClientMakesRoom) {
  const Id first = *Admit("a", 1, 0).admitted;
  const Id second = *Admit("a", 2, 1).admitted;
  const Id third = *Admit("a", 3, 2).admitted;
  table_.MarkClient("a:1");
  const ConnectionTable::Admission fourth = Admit("a", 4, 5);
  EXPECT_TRUE(fourth.admitted);
  EXPECT_EQ(fourth.closes, second);
  EXPECT_EQ(Admit("a", 5, 5).closes, third);
  EXPECT_EQ(table_.size(), 3U);
  table_.Remove(first);
  table_.Remove(second);
  table_.Remove(third);
  EXPECT_EQ(table_.size(), 2U);
}

TEST_F(ConnectionTableTest, ClientsMakeNoRoomAndOtherAddressesAreNotTouched) {
  const Id other = *Admit("b", 1, 0).admitted;
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(Admit("a", i, 0).admitted);
    table_.MarkClient("a:" + std::to_string(i));
  }
  const ConnectionTable::Admission refused = Admit("a", 4, 100);
  EXPECT_FALSE(refused.admitted);
  EXPECT_FALSE(refused.closes);
  // The total limit of four is reached, so the stranger from another address makes room for one
  // from a third.
  EXPECT_EQ(Admit("c", 1, 100).closes, other);
}

TEST_F(ConnectionTableTest, ANewConnectionHasItsChance) {
  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(Admit("a", i, 10).admitted);
  EXPECT_FALSE(Admit("a", 4, 10).admitted);
  EXPECT_TRUE(Admit("a", 5, 11).admitted);
}

TEST_F(ConnectionTableTest, OnlyTheSilentAreClosedForSilence) {
  const Id silent = *Admit("a", 1, 0).admitted;
  Admit("a", 2, 0);
  Admit("a", 3, 0);
  table_.MarkAnswered("a:2");
  table_.MarkClient("a:3");
  EXPECT_THAT(table_.TakeSilentSince(At(-1)), IsEmpty());
  EXPECT_THAT(table_.TakeSilentSince(At(0)), ElementsAre(silent));
  EXPECT_THAT(table_.TakeSilentSince(At(0)), IsEmpty());
  // A connection that only asked for the server's health still makes room for others.
  Admit("a", 4, 1);
  EXPECT_TRUE(Admit("a", 5, 9).closes);
}

TEST_F(ConnectionTableTest, ClientsCostNothing) {
  EXPECT_TRUE(table_.all_are_clients());
  const Id first = *Admit("a", 1, 0).admitted;
  EXPECT_FALSE(table_.all_are_clients());
  table_.MarkClient("a:1");
  EXPECT_TRUE(table_.all_are_clients());
  Admit("a", 2, 0);
  table_.Remove(first);
  EXPECT_FALSE(table_.all_are_clients());
}

TEST_F(ConnectionTableTest, APeerWithoutANameIsAClientFromTheBeginning) {
  EXPECT_TRUE(table_.Admit("", "", At(0)).admitted);
  EXPECT_TRUE(table_.all_are_clients());
  EXPECT_THAT(table_.TakeSilentSince(At(9)), IsEmpty());
}

TEST_F(ConnectionTableTest, APortThatIsUsedAgainIsThatOfTheNewConnection) {
  const Id old = *Admit("a", 1, 0).admitted;
  Admit("a", 1, 1);
  table_.Remove(old);
  table_.MarkClient("a:1");
  EXPECT_TRUE(table_.all_are_clients());
}

TEST_F(ConnectionTableTest, NewLimitsCountForNewConnections) {
  for (int i = 1; i <= 3; ++i) Admit("a", i, 0);
  table_.SetLimits({.total = 1, .by_address = 0});
  EXPECT_EQ(table_.size(), 3U);
  EXPECT_FALSE(Admit("b", 1, 0).admitted);
  table_.SetLimits({.total = 9, .by_address = 0});
  EXPECT_TRUE(Admit("a", 4, 0).admitted);
}

TEST_F(ConnectionTableTest, CountsWhatItRefusesAndCloses) {
  EXPECT_TRUE(Admit("b", 1, 0).admitted);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_TRUE(Admit("a", i, 0).admitted);
    table_.MarkClient("a:" + std::to_string(i));
  }
  EXPECT_FALSE(Admit("a", 4, 100).admitted);
  EXPECT_TRUE(Admit("c", 1, 100).closes);
  EXPECT_FALSE(Admit("d", 1, 100).admitted);  // The last one has not had its second yet.
  EXPECT_EQ(table_.TakeSilentSince(At(200)).size(), 1U);
  const ConnectionTable::Counts counts = table_.counts();
  EXPECT_EQ(counts.refused_by_address, 1U);
  EXPECT_EQ(counts.refused_total, 1U);
  EXPECT_EQ(counts.made_room, 1U);
  EXPECT_EQ(counts.silent, 1U);
}

}  // namespace
}  // namespace freshet

#include "server/http/request_producers.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace freshet {
namespace {

TEST(RequestProducersTest, AProducerThatIsGivenBackGoesOnWithItsSequence) {
  RequestProducers producers;
  RequestProducers::Producer first = producers.Take("ctr");
  EXPECT_EQ(first.sequence, 1U);
  const RequestProducers::Producer second = producers.Take("ctr");
  EXPECT_NE(second.id, first.id);
  const std::string id = first.id;
  producers.GiveBack(std::move(first), /*used=*/true);
  const RequestProducers::Producer again = producers.Take("ctr");
  EXPECT_EQ(again.id, id);
  EXPECT_EQ(again.sequence, 2U);
}

TEST(RequestProducersTest, ARejectedBatchUsesUpNoSequence) {
  RequestProducers producers;
  producers.GiveBack(producers.Take("ctr"), /*used=*/true);
  const std::string id = producers.Take("ctr").id;
  RequestProducers::Producer second{.user = "ctr", .id = id, .sequence = 2};
  producers.GiveBack(std::move(second), /*used=*/false);
  const RequestProducers::Producer again = producers.Take("ctr");
  EXPECT_EQ(again.id, id);
  EXPECT_EQ(again.sequence, 2U);
  // A model does not know a producer whose first batch it has rejected.
  RequestProducers::Producer first = producers.Take("other");
  const std::string first_id = first.id;
  producers.GiveBack(std::move(first), /*used=*/false);
  EXPECT_EQ(producers.Take("other").sequence, 1U);
}

TEST(RequestProducersTest, UsersShareNone) {
  RequestProducers producers;
  RequestProducers::Producer first = producers.Take("ctr");
  const std::string id = first.id;
  producers.GiveBack(std::move(first), /*used=*/true);
  EXPECT_NE(producers.Take("other").id, id);
  EXPECT_NE(producers.TakeNew("ctr").id, id);
  EXPECT_EQ(producers.Take("ctr").id, id);
}

TEST(RequestProducersTest, AnotherRunOfTheServerHasOthers) {
  EXPECT_NE(RequestProducers().Take("ctr").id, RequestProducers().Take("ctr").id);
}

}  // namespace
}  // namespace freshet

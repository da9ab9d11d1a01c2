#include "server/http/request_producers.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace freshet {
namespace {

TEST(RequestProducersTest, AProducerThatIsGivenBackGoesOnWithItsSequence) {
  RequestProducers producers;
  RequestProducers::Producer first = producers.Take();
  EXPECT_EQ(first.sequence, 1U);
  const RequestProducers::Producer second = producers.Take();
  EXPECT_NE(second.id, first.id);
  const std::string id = first.id;
  producers.GiveBack(std::move(first));
  const RequestProducers::Producer again = producers.Take();
  EXPECT_EQ(again.id, id);
  EXPECT_EQ(again.sequence, 2U);
}

TEST(RequestProducersTest, AnotherRunOfTheServerHasOthers) {
  EXPECT_NE(RequestProducers().Take().id, RequestProducers().Take().id);
}

}  // namespace
}  // namespace freshet

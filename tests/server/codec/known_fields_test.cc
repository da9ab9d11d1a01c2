#include "server/codec/known_fields.h"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>

#include "freshet/v1/learning_service.pb.h"

namespace freshet {
namespace {

constexpr std::array<int, 1> kItemsField = {v1::FeedbackRequest::kItemsFieldNumber};

bool ParseWithoutItems(const std::string& wire, v1::FeedbackRequest& request) {
  return ParseFieldsExcept(std::as_bytes(std::span(wire)), kItemsField, request);
}

TEST(KnownFieldsTest, AllFieldsButTheSkippedOnesAreParsed) {
  v1::FeedbackRequest sent;
  sent.set_producer_id("p");
  sent.add_items()->set_event_id("a");
  sent.set_sequence(7);
  v1::FeedbackRequest parsed;
  ASSERT_TRUE(ParseWithoutItems(sent.SerializeAsString(), parsed));
  EXPECT_EQ(parsed.producer_id(), "p");
  EXPECT_EQ(parsed.sequence(), 7U);
  EXPECT_EQ(parsed.items_size(), 0);
}

TEST(KnownFieldsTest, FieldsThatTheMessageLacksAreLeftOut) {
  v1::LearnRequest other;
  other.set_producer_id("p");
  other.add_event_ids("a");  // No field of a FeedbackRequest has this number.
  v1::FeedbackRequest parsed;
  ASSERT_TRUE(ParseWithoutItems(other.SerializeAsString(), parsed));
  EXPECT_EQ(parsed.producer_id(), "p");
  EXPECT_TRUE(parsed.GetReflection()->GetUnknownFields(parsed).empty());
}

TEST(KnownFieldsTest, WhatIsNoMessageIsRefused) {
  v1::FeedbackRequest parsed;
  EXPECT_FALSE(ParseWithoutItems("\x22\x7f", parsed));
  EXPECT_FALSE(ParseWithoutItems("not a message", parsed));
}

}  // namespace
}  // namespace freshet

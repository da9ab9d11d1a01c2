#include "server/log/batch_envelope.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>

namespace freshet {
namespace {

using std::string_view_literals::operator""sv;

ByteSpan BytesOf(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string BytesAsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// These bytes stand in logs and never change; see server/log/FORMAT.md.
TEST(BatchEnvelopeTest, HasTheBytesOfTheFormat) {
  EXPECT_EQ(FormatBatchEnvelope({.sender = "alice", .max_producers = 100'000}),
            "\xa0\x86\x01\x00\x05"
            "alice"sv);
  EXPECT_EQ(FormatBatchEnvelope({.sender = "", .max_producers = 1}), "\x01\x00\x00\x00\x00"sv);
}

TEST(BatchEnvelopeTest, IsReadBackWithTheRequestBehindIt) {
  for (const std::string& sender : {std::string(), std::string("a"), std::string(255, 'x')}) {
    const std::string payload =
        FormatBatchEnvelope({.sender = sender, .max_producers = 7}) + "the request";
    const auto read = ParseEnvelopedBatch(BytesOf(payload));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->envelope.sender, sender);
    EXPECT_EQ(read->envelope.max_producers, 7U);
    EXPECT_EQ(BytesAsText(read->request), "the request");
  }
}

TEST(BatchEnvelopeTest, WhatIsNoneIsNotTakenForOne) {
  const std::string payload = FormatBatchEnvelope({.sender = "alice", .max_producers = 7});
  for (size_t size = 0; size < payload.size(); ++size) {
    EXPECT_FALSE(ParseEnvelopedBatch(BytesOf(payload).first(size)).has_value()) << size;
  }
  EXPECT_FALSE(ParseEnvelopedBatch(BytesOf("\x00\x00\x00\x00\x00 no producers"sv)).has_value());
}

}  // namespace
}  // namespace freshet

#include "server/codec/parsed_size.h"

#include <gmock/gmock.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "freshet/v1/learning_service.pb.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr int kManyFields = 40'000;

absl::Status CheckWire(const std::string& wire, const ParsedLimits& limits, int block_bytes = -1) {
  google::protobuf::io::ArrayInputStream bytes(wire.data(), static_cast<int>(wire.size()),
                                               block_bytes);
  return CheckParsedSize(*v1::LearnRequest::descriptor(), bytes, limits);
}

// What the message takes once it is parsed, on an arena or off it.
uint64_t ParsedBytesOf(const std::string& wire) {
  v1::LearnRequest request;
  EXPECT_TRUE(request.ParseFromString(wire));
  google::protobuf::Arena arena;
  auto* const on_arena = google::protobuf::Arena::CreateMessage<v1::LearnRequest>(&arena);
  EXPECT_TRUE(on_arena->ParseFromString(wire));
  return std::max<uint64_t>(request.SpaceUsedLong(), arena.SpaceAllocated());
}

std::string WireOf(const std::function<void(v1::LearnRequest&)>& fill) {
  v1::LearnRequest request;
  fill(request);
  return request.SerializeAsString();
}

google::protobuf::UnknownFieldSet& UnknownFieldsOf(google::protobuf::Message& message) {
  return *message.GetReflection()->MutableUnknownFields(&message);
}

std::string ManyFeatures(const std::function<void(v1::Feature&, int)>& fill) {
  return WireOf([&](v1::LearnRequest& request) {
    v1::Namespace& group = *request.mutable_examples()->add_examples()->add_namespaces();
    for (int i = 0; i < kManyFields; ++i) fill(*group.add_features(), i);
  });
}

void ExpectCounted(const std::string& what, const std::string& wire, double most = 2) {
  const uint64_t bytes = ParsedBytesOf(wire);
  EXPECT_FALSE(CheckWire(wire, {.max_bytes = bytes}).ok()) << what << ": takes " << bytes;
  EXPECT_TRUE(
      CheckWire(wire, {.max_bytes = static_cast<uint64_t>(most * static_cast<double>(bytes))}).ok())
      << what << ": takes " << bytes;
  EXPECT_TRUE(CheckWire(wire, {.max_bytes = kWorstParsedGrowth * wire.size() + 1024}).ok()) << what;
  // However the bytes come.
  EXPECT_FALSE(CheckWire(wire, {.max_bytes = bytes}, 7).ok()) << what;
}

TEST(ParsedSizeTest, CountsWhatIsMadeOfEmptyMessages) {
  ExpectCounted("examples", WireOf([](v1::LearnRequest& request) {
                  for (int i = 0; i < kManyFields; ++i) request.mutable_examples()->add_examples();
                }));
  ExpectCounted("namespaces", WireOf([](v1::LearnRequest& request) {
                  v1::Example& example = *request.mutable_examples()->add_examples();
                  for (int i = 0; i < kManyFields; ++i) example.add_namespaces();
                }));
  ExpectCounted("features", ManyFeatures([](v1::Feature&, int) {}));
  ExpectCounted("names", WireOf([](v1::LearnRequest& request) {
                  for (int i = 0; i < kManyFields; ++i) request.mutable_packed()->add_names();
                }));
  ExpectCounted("strings", WireOf([](v1::LearnRequest& request) {
                  for (int i = 0; i < kManyFields; ++i) request.mutable_packed()->add_namespaces();
                }));
}

TEST(ParsedSizeTest, CountsWhatIsMadeOfUsualRows) {
  ExpectCounted("short names", ManyFeatures([](v1::Feature& feature, int i) {
                  feature.set_name("u" + std::to_string(i));
                  feature.set_value(1);
                }));
  ExpectCounted("long names", ManyFeatures([](v1::Feature& feature, int i) {
                  feature.set_name("a name of more letters than fit " + std::to_string(i));
                }));
  ExpectCounted("columns", WireOf([](v1::LearnRequest& request) {
                  v1::PackedBatch& packed = *request.mutable_packed();
                  for (uint32_t i = 0; i < kManyFields; ++i) {
                    packed.add_labels(1);
                    packed.add_feature_ids(i);
                    packed.add_segment_sizes(1);
                  }
                }),
                3);
}

TEST(ParsedSizeTest, CountsFieldsThatAreNotKnown) {
  const auto fill = [](google::protobuf::UnknownFieldSet& fields, bool is_string) {
    for (int i = 0; i < kManyFields; ++i) {
      if (is_string) {
        fields.AddLengthDelimited(15, "");
      } else {
        fields.AddVarint(15, 1);
      }
    }
  };
  for (const bool is_string : {false, true}) {
    ExpectCounted(
        "unknown fields",
        WireOf([&](v1::LearnRequest& request) { fill(UnknownFieldsOf(request), is_string); }), 4);
  }
  ExpectCounted("unknown groups", WireOf([](v1::LearnRequest& request) {
                  for (int i = 0; i < kManyFields; ++i) UnknownFieldsOf(request).AddGroup(15);
                }),
                4);
  ExpectCounted("an unknown field each", ManyFeatures([](v1::Feature& feature, int) {
                  UnknownFieldsOf(feature).AddLengthDelimited(15, "");
                }));
}

TEST(ParsedSizeTest, SaysWhatThereIsTooMuchOf) {
  const std::string features = ManyFeatures([](v1::Feature&, int) {});
  EXPECT_THAT(CheckWire(features, {.max_bytes = 100'000}).message(),
              HasSubstr(" freshet.v1.Namespace.features"));
  const absl::Status examples = CheckWire(WireOf([](v1::LearnRequest& request) {
                                            for (int i = 0; i < 11; ++i) {
                                              request.mutable_examples()->add_examples();
                                            }
                                          }),
                                          {.max_examples = 10});
  EXPECT_TRUE(absl::IsResourceExhausted(examples));
  EXPECT_THAT(examples.message(), HasSubstr("more than 10 examples"));
}

TEST(ParsedSizeTest, LeavesWhatIsNoMessageToTheParser) {
  const std::string features = ManyFeatures([](v1::Feature&, int) {});
  EXPECT_TRUE(CheckWire(features.substr(0, 100), {.max_bytes = 100'000}).ok());
  EXPECT_FALSE(CheckWire(features.substr(0, features.size() / 2), {.max_bytes = 100'000}).ok());
  EXPECT_TRUE(CheckWire("no message", {.max_bytes = 100'000}).ok());
  EXPECT_TRUE(
      CheckWire(std::string(1000, '\x0b'), {.max_bytes = 100'000}).ok());  // Groups in groups.
}

}  // namespace
}  // namespace freshet

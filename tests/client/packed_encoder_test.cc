#include "client/packed_encoder.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "client/example.h"
#include "core/feature/hash.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

template <typename T>
std::vector<T> List(const google::protobuf::RepeatedField<T>& column) {
  return {column.begin(), column.end()};
}

using Ids = std::vector<uint32_t>;
using Floats = std::vector<float>;

TEST(PackedEncoderTest, LeavesOutColumnsThatSayNothing) {
  ExampleBatchBuilder batch;
  for (uint32_t row = 0; row < 3; ++row) {
    Example example;
    example.label = static_cast<float>(row);
    example.AddId("a", 10 + row);
    example.AddId("b", 20 + row);
    example.AddId("a", 30 + row);
    example.AppendTo(&batch);
  }
  v1::PackedBatch packed;
  EncodePackedBatch(batch, PackedLabels::kKeep, &packed);
  EXPECT_EQ(List(packed.labels()), (Floats{0, 1, 2}));
  EXPECT_EQ(packed.weights_size(), 0);
  EXPECT_EQ(packed.values_size(), 0);
  EXPECT_EQ(List(packed.segment_sizes()), (Ids{2, 1}));
  EXPECT_EQ(List(packed.feature_ids()), (Ids{10, 30, 20, 11, 31, 21, 12, 32, 22}));
  EXPECT_EQ(packed.row_count(), 0u);
}

TEST(PackedEncoderTest, KeepsWeightsValuesAndShapesThatDiffer) {
  ExampleBatchBuilder batch;
  Example first;
  first.AddId("a", 1, 0.5f);
  first.AppendTo(&batch);
  Example second;
  second.weight = 2;
  second.AddId("b", 2);
  second.AddId("b", 3, 0.0f);  // Not encoded.
  second.AppendTo(&batch);
  v1::PackedBatch packed;
  EncodePackedBatch(batch, PackedLabels::kKeep, &packed);
  EXPECT_EQ(List(packed.weights()), (Floats{1, 2}));
  EXPECT_EQ(List(packed.values()), (Floats{0.5f, 1}));
  EXPECT_EQ(List(packed.segment_sizes()), (Ids{1, 0, 0, 1}));
  EXPECT_EQ(packed.namespaces(1), "b");
}

// Sums of floats depend on their order, so the client sends features in the order in which the
// server learns them.
TEST(PackedEncoderTest, NamespacesComeInTheOrderOfTheirHashes) {
  for (const bool same_shape : {true, false}) {
    ExampleBatchBuilder batch;
    for (uint32_t row = 0; row < 3; ++row) {
      Example example;
      for (const char* name : {"d", "a", "c", "b"}) example.AddId(name, 10 * row + name[0]);
      if (!same_shape && row == 1) example.AddId("c", 5, 0.5f);
      example.AppendTo(&batch);
    }
    v1::PackedBatch packed;
    EncodePackedBatch(batch, PackedLabels::kKeep, &packed);
    ASSERT_EQ(packed.namespaces_size(), 4);
    std::vector<uint32_t> hashes;
    for (const std::string& name : packed.namespaces()) hashes.push_back(HashNamespace(name));
    EXPECT_TRUE(std::is_sorted(hashes.begin(), hashes.end()));
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(packed.feature_ids(i), static_cast<uint32_t>(packed.namespaces(i)[0]));
    }
    EXPECT_EQ(packed.segment_sizes_size(), same_shape ? 4 : 12);
    EXPECT_EQ(packed.feature_ids_size(), same_shape ? 12 : 13);
  }
}

// 512 rows of 4,000 features used to exceed the maximum size of a message.
TEST(PackedEncoderTest, ABatchIsFullByItsBytesToo) {
  for (const uint32_t features : {100U, 4'000U, 65'536U}) {
    ExampleBatchBuilder batch;
    while (!IsFull(batch, 512)) {
      batch.BeginRow(1, 1);
      const size_t index = batch.Namespace("a");
      for (uint32_t i = 0; i < features; ++i) batch.AddFeature(index, i, 0.5f);
      batch.EndRow();
    }
    EXPECT_EQ(batch.row_count() == 512, features == 100);
    v1::PackedBatch packed;
    EncodePackedBatch(batch, PackedLabels::kKeep, &packed);
    EXPECT_LT(packed.ByteSizeLong(), size_t{5} << 20);
  }
}

TEST(PackedEncoderTest, OverwritesWhatWasThere) {
  ExampleBatchBuilder batch;
  Example example;
  example.weight = 3;
  example.AddId("a", 1, 0.5f);
  example.AppendTo(&batch);
  v1::PackedBatch packed;
  EncodePackedBatch(batch, PackedLabels::kKeep, &packed);
  batch.Clear();
  Example().AppendTo(&batch);
  EncodePackedBatch(batch, PackedLabels::kLeaveOut, &packed);
  EXPECT_EQ(packed.labels_size() + packed.weights_size() + packed.values_size(), 0);
  EXPECT_EQ(packed.feature_ids_size(), 0);
  EXPECT_EQ(packed.row_count(), 1u);
  ASSERT_EQ(packed.namespaces_size(), 1);  // The contract requires at least one.
  EXPECT_EQ(List(packed.segment_sizes()), (Ids{0}));
}

// The result equals the encoding of only the remaining rows.
TEST(PackedEncoderTest, DroppedRowsLeaveNoTrace) {
  for (const bool same_shape : {true, false}) {
    ExampleBatchBuilder all;
    ExampleBatchBuilder kept;
    const std::array<uint32_t, 3> dropped = {0, 3, 4};
    for (uint32_t row = 0; row < 6; ++row) {
      Example example;
      example.label = static_cast<float>(row);
      example.weight = row % 2 == 0 ? 1.0f : 2.0f;
      example.AddId("a", row, 0.5f);
      for (uint32_t i = 0; i < (same_shape ? 2 : row); ++i) example.AddId("b", 10 * row + i);
      example.AppendTo(&all);
      if (row == 1 || row == 2 || row == 5) example.AppendTo(&kept);
    }
    v1::PackedBatch packed;
    EncodePackedBatch(all, PackedLabels::kKeep, &packed);
    DropRows(dropped, &packed);
    v1::PackedBatch expected;
    EncodePackedBatch(kept, PackedLabels::kKeep, &expected);
    EXPECT_EQ(packed.DebugString(), expected.DebugString());
  }
}

TEST(ExampleTest, HashesNamesAsTheServerDoes) {
  Example example;
  example.Add("user", "u42");
  example.Add("stats", "age", 0.3f);
  example.Add("stats", "17");
  ExampleBatchBuilder batch;
  example.AppendTo(&batch);
  const ExampleBatch view = batch.View();
  ASSERT_EQ(view.feature_ids.size(), 3u);
  EXPECT_EQ(view.feature_ids[0], HashFeature("u42", HashNamespace("user")));
  EXPECT_EQ(view.feature_ids[1], HashFeature("age", HashNamespace("stats")));
  EXPECT_EQ(view.feature_ids[2], HashNamespace("stats") + 17);
  EXPECT_EQ(view.values[1], 0.3f);
}

TEST(ExampleTest, ClearForgetsFeaturesLabelAndWeight) {
  Example example;
  example.label = 1;
  example.weight = 5;
  example.Add("user", "u42");
  example.Clear();
  EXPECT_EQ(example.feature_count(), 0u);
  EXPECT_EQ(example.label, 0);
  EXPECT_EQ(example.weight, 1);
}

TEST(EncodeNamesTest, SendsNamesOfNamespacesInTheBatchOnce) {
  NewNames names;
  names.Note("a", "one", 1);
  names.Note("c", "elsewhere", 2);
  names.Note("b", "three", 3);
  const std::vector<std::string> namespaces = {"b", "a"};
  ExampleBatchBuilder batch;
  Example example;
  for (const std::string& name : namespaces) example.AddId(name, 7);
  example.AppendTo(&batch);
  v1::PackedBatch packed;
  packed.add_names()->set_name("of the batch before");
  EncodePackedBatch(batch, PackedLabels::kKeep, &packed);
  EncodeNames(namespaces, &names, &packed);
  ASSERT_EQ(packed.names_size(), 2);
  EXPECT_EQ(packed.names(0).id(), 1u);
  EXPECT_EQ(packed.namespaces(static_cast<int>(packed.names(0).namespace_index())), "a");
  EXPECT_EQ(packed.names(0).name(), "one");
  EXPECT_EQ(packed.names(1).name(), "three");
  EXPECT_EQ(packed.namespaces(static_cast<int>(packed.names(1).namespace_index())), "b");
  EncodeNames(namespaces, &names, &packed);
  EXPECT_EQ(packed.names_size(), 0);
  EncodeNames(std::vector<std::string>{"c"}, &names, &packed);
  ASSERT_EQ(packed.names_size(), 1);
  EXPECT_EQ(packed.names(0).name(), "elsewhere");
}

TEST(EncodeNamesTest, LeavesRoomInTheMessage) {
  NewNames names;
  for (uint32_t id = 0; id < 20'000; ++id) names.Note("a", std::string(200, 'x'), id);
  const std::vector<std::string> namespaces = {"a"};
  v1::PackedBatch packed;
  size_t sent = 0;
  for (int i = 0; i < 5; ++i) {
    EncodeNames(namespaces, &names, &packed);
    EXPECT_LE(packed.ByteSizeLong(), size_t{1} << 20);
    sent += static_cast<size_t>(packed.names_size());
  }
  EXPECT_EQ(sent, 20'000u);
}

TEST(ExampleTest, TellsTheNamesOfItsFeatures) {
  Example example;
  example.Add("user", "u42");
  example.AddId("user", 7);
  example.Add("stats", "age", 0.3f);
  NewNames names;
  ExampleBatchBuilder batch;
  batch.KeepNames(&names);
  example.AppendTo(&batch);
  example.Clear();
  example.Add("user", "u1");
  example.AppendTo(&batch);
  v1::PackedBatch packed;
  EncodePackedBatch(batch, PackedLabels::kKeep, &packed);
  EncodeNames(batch.namespaces(), &names, &packed);
  ASSERT_EQ(packed.names_size(), 3);
  EXPECT_EQ(packed.names(0).name(), "u42");
  EXPECT_EQ(packed.names(0).id(), HashFeature("u42", HashNamespace("user")));
  EXPECT_EQ(packed.names(1).name(), "age");
  EXPECT_EQ(packed.namespaces(static_cast<int>(packed.names(1).namespace_index())), "stats");
  EXPECT_EQ(packed.names(2).name(), "u1");
}

}  // namespace
}  // namespace freshet

// Equal streams have equal digests: the same rows, readable or packed, with their namespaces in any
// order and their zeros kept or left out, cut into any batches, lead every learner to the same
// bits.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "server/record/batch_record.h"
#include "server/view/learner_spec.h"
#include "server/view/model_state.h"
#include "tests/e2e/all_learners.h"

namespace freshet {
namespace {

struct TestFeature {
  std::string name_space;
  std::string name;
  float value = 1;
};

struct TestRow {
  float label = 0;
  std::optional<float> weight;
  std::vector<TestFeature> features;  // Namespaces come in any order, and again.
};

// Two of the names have the same hash. Values are 1, 0, of either sign, or others; some features
// come twice in a row, and some rows are empty.
std::vector<TestRow> RandomRows(uint32_t seed, int count) {
  std::mt19937 random(seed);
  const std::vector<std::string> namespaces = {"user", "x", "item", "", "0", "größe"};
  std::vector<TestRow> rows;
  for (int i = 0; i < count; ++i) {
    TestRow row;
    row.label = static_cast<float>(random() % 2);
    if (random() % 3 == 0) row.weight = static_cast<float>(random() % 5) / 2;
    for (uint32_t k = random() % 9; k > 0; --k) {
      TestFeature feature;
      feature.name_space = namespaces[random() % namespaces.size()];
      feature.name = StrCat(random() % 3 == 0 ? "" : "n", random() % 12);
      const bool numeric = feature.name_space == "x" || random() % 8 == 0;
      if (numeric) feature.value = static_cast<float>(random() % 1000) / 250 - 2;
      if (random() % 8 == 0) feature.value = random() % 2 == 0 ? 0.0f : -0.0f;
      row.features.push_back(feature);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

using Rows = std::span<const TestRow>;

v1::LearnRequest Readable(Rows rows, std::mt19937& /*random*/) {
  v1::LearnRequest request;
  for (const TestRow& row : rows) {
    v1::Example& example = *request.mutable_examples()->add_examples();
    example.set_label(row.label);
    if (row.weight) example.set_weight(*row.weight);
    const std::string* name_space = nullptr;
    for (const TestFeature& feature : row.features) {
      if (name_space == nullptr || *name_space != feature.name_space) {
        example.add_namespaces()->set_name(feature.name_space);
      }
      name_space = &feature.name_space;
      v1::Feature& added = *example.mutable_namespaces()->rbegin()->add_features();
      added.set_name(feature.name);
      if (feature.value != 1) added.set_value(feature.value);
    }
  }
  return request;
}

// Columns with everything spelled out, and namespaces in random order, some of them of no row.
v1::LearnRequest Packed(Rows rows, std::mt19937& random) {
  std::vector<std::string> namespaces = {"user", "x", "item", "", "0", "größe", "unused"};
  std::shuffle(namespaces.begin(), namespaces.end(), random);
  v1::LearnRequest request;
  v1::PackedBatch& packed = *request.mutable_packed();
  for (const std::string& name : namespaces) packed.add_namespaces(name);
  for (const TestRow& row : rows) {
    packed.add_labels(row.label == 0 && random() % 2 == 0 ? 0.0f : row.label);
    packed.add_weights(row.weight.value_or(1));
    for (const std::string& name : namespaces) {
      uint32_t size = 0;
      for (const TestFeature& feature : row.features) {
        if (feature.name_space != name) continue;
        packed.add_feature_ids(HashFeature(feature.name, HashNamespace(name)));
        packed.add_values(feature.value);
        ++size;
      }
      packed.add_segment_sizes(size);
    }
  }
  return request;
}

// As client libraries made them that knew no order: namespaces as they came.
v1::LearnRequest Built(Rows rows, std::mt19937& /*random*/) {
  ExampleBatchBuilder builder;
  for (const TestRow& row : rows) {
    builder.BeginRow(row.label, row.weight.value_or(1));
    for (const TestFeature& feature : row.features) {
      builder.AddFeature(builder.Namespace(feature.name_space),
                         HashFeature(feature.name, HashNamespace(feature.name_space)),
                         feature.value);
    }
    builder.EndRow();
  }
  const ExampleBatch view = builder.View();
  v1::LearnRequest request;
  v1::PackedBatch& packed = *request.mutable_packed();
  packed.mutable_labels()->Add(view.labels.begin(), view.labels.end());
  packed.mutable_weights()->Add(view.weights.begin(), view.weights.end());
  packed.mutable_feature_ids()->Add(view.feature_ids.begin(), view.feature_ids.end());
  packed.mutable_values()->Add(view.values.begin(), view.values.end());
  packed.mutable_segment_sizes()->Add(view.segment_sizes.begin(), view.segment_sizes.end());
  for (const std::string& name : builder.namespaces()) packed.add_namespaces(name);
  if (packed.namespaces().empty()) {
    packed.add_namespaces("");
    packed.add_segment_sizes(0);
  }
  return request;
}

using Form = v1::LearnRequest (*)(Rows rows, std::mt19937& random);
constexpr Form kForms[] = {Readable, Packed, Built};

// The digest of a model that learns the rows in batches of `batch_rows`, or of random sizes for 0;
// each batch in a form drawn from `forms`.
std::string DigestOf(const v1::LearnerSpec& learner, const std::vector<TestRow>& rows,
                     size_t batch_rows, std::span<const Form> forms, uint32_t seed) {
  v1::Model spec;
  spec.set_name("models/test");
  *spec.add_variants()->mutable_learner() = ResolveLearnerSpec(learner).value();
  const std::unique_ptr<ModelState> state = ModelState::Create(spec).value();
  std::mt19937 random(seed);
  uint64_t sequence = 0;
  for (size_t begin = 0; begin < rows.size();) {
    const size_t wanted = batch_rows == 0 ? 1 + random() % 40 : batch_rows;
    const size_t size = std::min(wanted, rows.size() - begin);
    v1::LearnRequest request =
        forms[random() % forms.size()](std::span(rows).subspan(begin, size), random);
    request.set_producer_id("p");
    request.set_sequence(++sequence);
    std::unique_ptr<BatchRecord> batch =
        BatchRecord::Parse(SharedBytes::Of(request.SerializeAsString()));
    v1::BatchError error;
    EXPECT_TRUE(batch->Decode(LossKindOf(learner), {}, error)) << error.message();
    batch->set_envelope({.sender = "", .max_producers = 10});
    state->Apply({.time_ms = 1, .body = std::shared_ptr<const BatchRecord>(std::move(batch))});
    begin += size;
  }
  return state->ComputeDigest();
}

// Those of all optimizers, and two that make features of features wherever they come from.
std::vector<v1::LearnerSpec> Learners() {
  std::vector<v1::LearnerSpec> learners = AllLearners();
  for (const auto kind :
       {v1::NumericTransform::KIND_STANDARDIZE, v1::NumericTransform::KIND_LOG_BINS}) {
    v1::LearnerSpec& learner = learners.emplace_back();
    learner.set_loss(v1::LOSS_LOGISTIC);
    learner.set_bits(12);
    v1::FeatureSpec& features = *learner.mutable_features();
    for (const size_t size : {2, 3}) {
      v1::Interaction& interaction = *features.add_interactions();
      for (size_t i = 0; i < size; ++i) interaction.add_namespaces("*");
    }
    features.add_numerics()->set_namespace_("*");
    features.mutable_numerics(0)->set_kind(kind);
    v1::Ngrams& ngrams = *features.add_ngrams();
    ngrams.set_namespace_("*");
    ngrams.set_length(3);
    ngrams.set_skips(1);
  }
  return learners;
}

class EqualStreamsTest : public testing::TestWithParam<size_t> {};

TEST_P(EqualStreamsTest, HaveEqualDigestsInAnyFormAndCut) {
  v1::LearnerSpec learner = Learners()[GetParam()];
  learner.set_bits(10);
  const auto seed = static_cast<uint32_t>(GetParam());
  const std::vector<TestRow> rows = RandomRows(seed, 200);
  const std::string digest = DigestOf(learner, rows, rows.size(), {kForms, 1}, 0);
  for (const Form& form : kForms) {
    for (const size_t batch_rows : {1, 7}) {
      EXPECT_EQ(DigestOf(learner, rows, batch_rows, {&form, 1}, seed), digest)
          << "form " << &form - kForms << " in batches of " << batch_rows;
    }
  }
  for (uint32_t mix = 0; mix < 3; ++mix) {
    EXPECT_EQ(DigestOf(learner, rows, 0, kForms, mix), digest) << "mix " << mix;
  }
  std::vector<TestRow> others = rows;
  others.back().label = 1 - others.back().label;
  others.back().weight = 1;
  EXPECT_NE(DigestOf(learner, others, 7, kForms, seed), digest);
}

INSTANTIATE_TEST_SUITE_P(Learners, EqualStreamsTest, testing::Range(size_t{0}, Learners().size()));

}  // namespace
}  // namespace freshet

#include "server/codec/decoded_batch.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "google/protobuf/repeated_field.h"

namespace freshet {
namespace {

constexpr int kInvalidArgument = 3;
constexpr int kResourceExhausted = 8;
constexpr int kMaxReportedRows = 16;

constexpr size_t kMaxNamespaces = 1024;

template <typename T>
std::span<const T> SpanOf(const google::protobuf::RepeatedField<T>& field) {
  return {field.data(), static_cast<size_t>(field.size())};
}

bool Reject(v1::BatchError& error, int code, std::string message) {
  error.set_code(code);
  error.set_message(std::move(message));
  return false;
}

// Collects bad rows; each row is reported once, with its first fault.
class RowFaults {
 public:
  explicit RowFaults(v1::BatchError& error) : error_(error) {}

  // REQUIRES: rows come in order.
  void Add(size_t row, std::string field, std::string reason) {
    if (error_.bad_row_count() > 0 && last_row_ == row) return;
    last_row_ = row;
    error_.set_bad_row_count(error_.bad_row_count() + 1);
    if (error_.rows_size() == kMaxReportedRows) return;
    v1::RowError& fault = *error_.add_rows();
    fault.set_row(static_cast<uint32_t>(row));
    fault.set_field(std::move(field));
    fault.set_reason(std::move(reason));
  }

  // Returns true if nothing was added; otherwise completes the error and returns false.
  bool Finish() {
    if (error_.bad_row_count() == 0) return true;
    const v1::RowError& first = error_.rows(0);
    return Reject(error_, kInvalidArgument,
                  StrCat("row ", first.row(), ": ", first.field(), ": ", first.reason(),
                         error_.bad_row_count() > 1
                             ? StrCat(" (and ", error_.bad_row_count() - 1, " more bad rows)")
                             : "",
                         "; nothing of this batch was learned; fix or drop the bad rows and send "
                         "the rest again, under this sequence or the next"));
  }

 private:
  v1::BatchError& error_;
  size_t last_row_ = 0;
};

bool IsFinite(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return (bits & 0x7f800000) != 0x7f800000;
}

// One pass without a branch for each number, so that a good column, the usual case, costs next to
// nothing.
bool AllFinite(std::span<const float> values) {
  uint32_t bad = 0;
  for (const float value : values) bad |= static_cast<uint32_t>(!IsFinite(value));
  return bad == 0;
}

// Whether labels are 1, 0 or -1.
bool HasClasses(LossKind loss) { return loss == LossKind::kLogistic || loss == LossKind::kHinge; }

bool IsLabel(float label, LossKind loss) {
  if (HasClasses(loss)) return label == 0.0f || label == 1.0f || label == -1.0f;
  if (!IsFinite(label)) return false;
  switch (loss) {
    case LossKind::kPoisson:
    case LossKind::kDeviance:
      return label >= 0;
    case LossKind::kShareLogistic:
      return label >= -1 && label <= 1;
    case LossKind::kZeroOne:  // 0 stands for an absent label, in a row of weight 0.
      return label == -1 || label == 1 || label == 0;
    default:
      return true;
  }
}

// Whether all are labels that `loss` allows. One pass, like AllFinite().
bool AreLabels(std::span<const float> labels, LossKind loss) {
  if (!HasClasses(loss)) {
    return std::all_of(labels.begin(), labels.end(),
                       [loss](float label) { return IsLabel(label, loss); });
  }
  uint32_t bad = 0;
  for (const float label : labels) {
    bad |= static_cast<uint32_t>(label != 0.0f && label != 1.0f && label != -1.0f);
  }
  return bad == 0;
}

std::string LabelReason(float label, LossKind loss) {
  if (loss == LossKind::kShareLogistic) {
    return StrCat("is ", label, "; logistic loss takes -1 (negative) to 1 (positive)");
  }
  if (loss == LossKind::kZeroOne) return StrCat("is ", label, "; --binary takes 1 and -1");
  if (HasClasses(loss)) {
    return StrCat("is ", label, "; ", loss == LossKind::kHinge ? "hinge" : "logistic",
                  " loss takes 1 (positive) and 0 or -1 (negative)");
  }
  if (loss == LossKind::kPoisson || loss == LossKind::kDeviance) {
    return StrCat("is ", label, "; Poisson loss takes counts, finite and >= 0");
  }
  return StrCat("is ", label, "; it must be finite");
}

bool IsWeight(float weight) { return IsFinite(weight) && weight >= 0; }

// The number of features of a row with those that are made from them. Counts only to just above
// what a row may have.
uint32_t CountMade(const ExampleBatch& batch, size_t row, const FeatureExpander& expander,
                   FeatureExpander::Plan& plan) {
  constexpr uint64_t kMost = FeatureColumns::kMaxRowFeatures;
  return static_cast<uint32_t>(
      std::min(expander.CountRow(batch, row, kMost, plan), uint64_t{kMost + 1}));
}

std::vector<uint32_t> CountMade(const ExampleBatch& batch, const FeatureExpander& expander) {
  FeatureExpander::Plan plan;
  expander.MakePlan(batch, plan);
  std::vector<uint32_t> counts(batch.size());
  for (size_t row = 0; row < batch.size(); ++row) {
    counts[row] = CountMade(batch, row, expander, plan);
  }
  return counts;
}

bool FitsRow(uint32_t count) { return count <= FeatureColumns::kMaxRowFeatures; }

void DescribeTooManyMade(size_t row, RowFaults& faults) {
  faults.Add(row, "features",
             StrCat("are more than ", FeatureColumns::kMaxRowFeatures,
                    " with those that the model's n-grams and interactions make of them; send "
                    "fewer, or create the model with fewer interactions"));
}

bool HasAllLabels(const v1::ExampleList& list) {
  return std::all_of(list.examples().begin(), list.examples().end(),
                     [](const v1::Example& example) { return example.has_label(); });
}

// A batch as it was sent, to which errors refer, and in the order in which it is learned.
struct BothOrders {
  const ExampleBatch& sent;
  const ExampleBatch& ordered;
};

// Adds the faults of every row of a batch, in the order of rows. Slow, so only for batches that are
// known to be bad. `labelled` is as for CheckContent().
void DescribeFaults(const BothOrders& batch, const v1::ExampleList* labelled, BatchUse use,
                    LossKind loss, const BatchLimits& limits, std::span<const uint32_t> made_counts,
                    RowFaults& faults) {
  const auto& [sent, ordered] = batch;
  for (size_t row = 0; row < sent.size(); ++row) {
    if (labelled != nullptr && !labelled->examples(static_cast<int>(row)).has_label()) {
      faults.Add(
          row, "label",
          "is missing; an example to learn from needs one, and a label of 0 has to be set, too");
    }
    if (use == BatchUse::kLearn) {
      if (!IsLabel(sent.labels[row], loss)) {
        faults.Add(row, "label", LabelReason(sent.labels[row], loss));
      }
    }
    if (use != BatchUse::kPredict && !IsWeight(sent.Weight(row))) {
      faults.Add(row, "weight", StrCat("is ", sent.Weight(row), "; it must be finite and >= 0"));
    }
    const uint32_t count = ordered.RowEnd(row) - ordered.RowBegin(row);
    if (count > limits.max_example_features) {
      faults.Add(row, "features",
                 StrCat("has ", count, "; the server takes at most ", limits.max_example_features,
                        " features an example (limits.max_example_features)"));
    }
    if (!made_counts.empty() && !FitsRow(made_counts[row])) DescribeTooManyMade(row, faults);
    if (sent.values.empty()) continue;
    for (uint32_t i = sent.RowBegin(row); i < sent.RowEnd(row); ++i) {
      if (!IsFinite(sent.values[i])) {
        faults.Add(row, StrCat("values[", i, "]"),
                   StrCat("is ", sent.values[i], "; it must be finite"));
      }
    }
  }
}

// Checks numbers, labels and limits of columns whose sizes agree. `labelled` are the examples from
// which the columns were made, each of which must have a label; null if they need none.
bool CheckContent(const BothOrders& batch, const v1::ExampleList* labelled, BatchUse use,
                  LossKind loss, const BatchLimits& limits, v1::BatchError& error) {
  const auto& [sent, ordered] = batch;
  bool good = AllFinite(sent.values) && (labelled == nullptr || HasAllLabels(*labelled));
  uint32_t begin = 0;
  for (const uint32_t end : ordered.row_ends) {
    good &= end - begin <= limits.max_example_features;
    begin = end;
  }
  if (use == BatchUse::kLearn) good &= AreLabels(sent.labels, loss);
  if (use != BatchUse::kPredict) {
    for (const float weight : sent.weights) good &= IsWeight(weight);
  }
  std::vector<uint32_t> made_counts;
  if (limits.expander != nullptr) made_counts = CountMade(ordered, *limits.expander);
  good &= std::all_of(made_counts.begin(), made_counts.end(), FitsRow);
  if (good) return true;
  RowFaults faults(error);
  DescribeFaults(batch, labelled, use, loss, limits, made_counts, faults);
  return faults.Finish();
}

bool CheckRowCount(size_t rows, const BatchLimits& limits, v1::BatchError& error) {
  if (rows == 0) {
    return Reject(error, kInvalidArgument, "the batch is empty; send at least one example");
  }
  if (rows > limits.max_examples) {
    return Reject(
        error, kResourceExhausted,
        StrCat("the batch has ", rows, " examples; the server takes at most ", limits.max_examples,
               " (limits.max_batch_examples); send smaller batches"));
  }
  return true;
}

// Computes the end of each row from segment sizes. False if they do not add up to `feature_count`.
bool ComputeRowEnds(std::span<const uint32_t> sizes, size_t rows, size_t namespaces,
                    size_t feature_count, std::vector<uint32_t>& row_ends) {
  row_ends.resize(rows);
  uint64_t end = 0;
  if (sizes.size() == namespaces) {  // One shape for all rows.
    uint64_t row_size = 0;
    for (const uint32_t size : sizes) row_size += size;
    if (row_size > feature_count) return false;
    for (size_t row = 0; row < rows; ++row) {
      end += row_size;
      row_ends[row] = static_cast<uint32_t>(end);
    }
    return end == feature_count;
  }
  const uint32_t* size = sizes.data();
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = 0; i < namespaces; ++i) end += *size++;
    row_ends[row] = static_cast<uint32_t>(end);
  }
  return end == feature_count;
}

size_t RowCountOf(const v1::PackedBatch& packed) {
  return packed.row_count() != 0 ? packed.row_count() : static_cast<size_t>(packed.labels_size());
}

// Whether a batch to learn from has a label for each row; a batch of nothing at all passes.
bool CheckLabelCount(const v1::PackedBatch& packed, v1::BatchError& error) {
  const size_t rows = RowCountOf(packed);
  const auto labels = static_cast<size_t>(packed.labels_size());
  const bool has_rows =
      rows != 0 || packed.feature_ids_size() != 0 || packed.segment_sizes_size() != 0;
  if (labels == 0 && has_rows) {
    return Reject(error, kInvalidArgument,
                  "labels is missing; a batch to learn from has one label for each row, also where "
                  "it is 0");
  }
  if (labels == rows) return true;
  return Reject(error, kInvalidArgument,
                StrCat("labels has ", labels, " numbers for ", rows,
                       " rows (row_count); send one label for each row"));
}

// Whether the lengths of the columns fit each other; otherwise fills in `error`.
bool CheckShape(const v1::PackedBatch& packed, BatchUse use, v1::BatchError& error) {
  const size_t rows = RowCountOf(packed);
  const auto namespaces = static_cast<size_t>(packed.namespaces_size());
  const auto sizes = static_cast<size_t>(packed.segment_sizes_size());
  if (use != BatchUse::kPredict && packed.weights_size() != 0 &&
      static_cast<size_t>(packed.weights_size()) != rows) {
    return Reject(error, kInvalidArgument,
                  StrCat("weights has ", packed.weights_size(), " numbers for ", rows,
                         " rows; send one a row, or none for all 1"));
  }
  if (packed.values_size() != 0 && packed.values_size() != packed.feature_ids_size()) {
    return Reject(
        error, kInvalidArgument,
        StrCat("values has ", packed.values_size(), " numbers for ", packed.feature_ids_size(),
               " feature_ids; send one a feature, or none for all 1"));
  }
  if (namespaces == 0 || namespaces > kMaxNamespaces) {
    return Reject(error, kInvalidArgument,
                  StrCat("namespaces has ", namespaces, " names; it must have 1 to ",
                         kMaxNamespaces, " (the default namespace is \"\")"));
  }
  if (sizes != namespaces && sizes != rows * namespaces) {
    return Reject(error, kInvalidArgument,
                  StrCat("segment_sizes has ", sizes, " numbers; it must have ", namespaces,
                         " (one for each namespace) or ", rows * namespaces,
                         " (one for each namespace of each row)"));
  }
  return true;
}

// Hashes the namespaces, and checks that each is named once and that the names of features refer to
// them.
bool ReadNamespaces(const v1::PackedBatch& packed, std::vector<uint32_t>& hashes,
                    v1::BatchError& error) {
  hashes.clear();
  std::unordered_set<std::string_view> names;
  for (const std::string& name : packed.namespaces()) {
    if (!names.insert(name).second) {
      return Reject(error, kInvalidArgument, StrCat("namespaces names \"", name, "\" twice"));
    }
    hashes.push_back(HashNamespace(name));
  }

  for (int i = 0; i < packed.names_size(); ++i) {
    if (packed.names(i).namespace_index() >= hashes.size()) {
      return Reject(error, kInvalidArgument,
                    StrCat("names[", i, "].namespace_index is ", packed.names(i).namespace_index(),
                           "; there are ", hashes.size(), " namespaces, counted from 0"));
    }
  }
  return true;
}

}  // namespace

template <typename Names>
void DecodedBatch::PutInOrder(LossKind loss, BatchOrder order, const Names& names) {
  namespace_letters_.clear();
  for (const std::string& name : names) namespace_letters_.push_back(LetterOf(name));
  examples_.namespace_letters = namespace_letters_;
  if (order == BatchOrder::kAsSent || IsOfVw(loss) || IsCanonical(examples_)) return;
  examples_ =
      canonical_.Build(examples_, std::vector<std::string_view>(names.begin(), names.end()));
}

bool DecodedBatch::Decode(const v1::PackedBatch& packed, BatchUse use, LossKind loss,
                          const BatchLimits& limits, v1::BatchError& error, BatchOrder order) {
  const auto labels = SpanOf(packed.labels());
  const size_t rows = RowCountOf(packed);
  const auto namespaces = static_cast<size_t>(packed.namespaces_size());
  const auto sizes = SpanOf(packed.segment_sizes());
  const auto feature_count = static_cast<size_t>(packed.feature_ids_size());

  if (use == BatchUse::kLearn && !CheckLabelCount(packed, error)) return false;
  if (!CheckRowCount(rows, limits, error) || !CheckShape(packed, use, error)) return false;
  if (!ComputeRowEnds(sizes, rows, namespaces, feature_count, row_ends_)) {
    return Reject(error, kInvalidArgument,
                  StrCat("segment_sizes do not add up to the ", feature_count, " feature_ids"));
  }
  if (!ReadNamespaces(packed, namespace_hashes_, error)) return false;

  examples_.row_ends = row_ends_;
  if (use == BatchUse::kLearn) examples_.labels = labels;
  if (use != BatchUse::kPredict) examples_.weights = SpanOf(packed.weights());
  examples_.feature_ids = SpanOf(packed.feature_ids());
  examples_.values = SpanOf(packed.values());
  examples_.namespace_hashes = namespace_hashes_;
  examples_.segment_sizes = sizes;
  const ExampleBatch sent = examples_;
  PutInOrder(loss, order, packed.namespaces());
  return CheckContent({sent, examples_}, nullptr, use, loss, limits, error);
}

bool DecodedBatch::Decode(const v1::ExampleList& list, BatchUse use, LossKind loss,
                          const BatchLimits& limits, v1::BatchError& error, BatchOrder order) {
  if (!CheckRowCount(static_cast<size_t>(list.examples_size()), limits, error)) return false;
  const auto max_namespaces = std::min<size_t>(
      kMaxNamespaces, limits.max_segments / static_cast<size_t>(list.examples_size()));
  for (const v1::Example& example : list.examples()) {
    builder_.BeginRow(example.label(), example.has_weight() ? example.weight() : 1.0f);
    for (const v1::Namespace& group : example.namespaces()) {
      const size_t index = builder_.Namespace(group.name());
      const uint32_t seed = HashNamespace(group.name());
      for (const v1::Feature& feature : group.features()) {
        builder_.AddFeature(index, HashFeature(feature.name(), seed),
                            feature.has_value() ? feature.value() : 1.0f);
      }
    }
    builder_.EndRow();
    if (builder_.namespaces().size() > max_namespaces) {
      return Reject(error, kResourceExhausted,
                    StrCat("the batch has more than ", max_namespaces,
                           " different namespaces; send smaller batches, or use fewer namespaces "
                           "and more features in each"));
    }
  }
  examples_ = builder_.View();
  const ExampleBatch sent = examples_;
  PutInOrder(loss, order, builder_.namespaces());
  const bool needs_labels = use == BatchUse::kLearn && limits.label_required;
  if (!CheckContent({sent, examples_}, needs_labels ? &list : nullptr, use, loss, limits, error)) {
    return false;
  }
  if (use != BatchUse::kLearn) examples_.labels = {};
  if (use == BatchUse::kPredict) examples_.weights = {};
  return true;
}

DecodedBatch::Counting DecodedBatch::CountFeatures(const FeatureExpander* expander, uint64_t enough,
                                                   v1::BatchError& error) {
  if (expander == nullptr) {
    counted_features_ = examples_.RowEnd(examples_.size() - 1);
    return Counting::kGood;
  }
  const size_t rows = examples_.size();
  if (made_counts_.empty()) {
    expander->MakePlan(examples_, plan_);
    made_counts_.reserve(rows);
  }
  for (uint64_t counted = 0; made_counts_.size() < rows && counted < enough;) {
    const uint32_t count = CountMade(examples_, made_counts_.size(), *expander, plan_);
    made_counts_.push_back(count);
    counted += count;
    counted_features_ += count;
  }
  if (made_counts_.size() < rows) return Counting::kUnfinished;
  if (std::all_of(made_counts_.begin(), made_counts_.end(), FitsRow)) return Counting::kGood;
  RowFaults faults(error);
  for (size_t row = 0; row < rows; ++row) {
    if (!FitsRow(made_counts_[row])) DescribeTooManyMade(row, faults);
  }
  faults.Finish();
  return Counting::kBad;
}

uint64_t DecodedBatch::column_bytes() const {
  uint64_t numbers = row_ends_.capacity() + namespace_hashes_.capacity() + made_counts_.capacity();
  if (builder_.row_count() > 0) {
    // The builder holds every column, even if all its numbers are 1, and grows it by doubling.
    constexpr uint64_t kRowColumns = 3;      // Label, weight, end.
    constexpr uint64_t kFeatureColumns = 2;  // Id, value.
    numbers += 2 * (kRowColumns * builder_.row_count() +
                    kFeatureColumns * builder_.feature_count() + examples_.segment_sizes.size());
  }
  return sizeof(uint32_t) * numbers + canonical_.column_bytes();
}

}  // namespace freshet

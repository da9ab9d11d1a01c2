#include "server/model/model_events.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "server/codec/batch_rows.h"

namespace freshet {
namespace {

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;

// A feature of a packed row, by its id: the known name, or `#` and the id. `name_space` is that of
// its segment, which known names repeat.
std::string NameOf(uint32_t id, std::string_view name_space,
                   const std::vector<std::string>& known) {
  if (known.empty()) return absl::StrFormat("#%08x", id);
  std::string_view name = known.front();
  const std::string prefix = StrCat(name_space, "^");
  if (!name_space.empty() && name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return std::string(name);
}

// The features of a row as readable ones. `row` is of a packed batch with these namespaces.
void DescribeRow(const ExampleBatch& row, const v1::PackedBatch& packed, const FeatureNames& names,
                 v1::Example& example) {
  constexpr uint64_t kAllIds = uint64_t{1} << 32;
  const std::vector<std::vector<std::string>> known = names.Find(row.feature_ids, kAllIds);
  size_t feature = 0;
  for (size_t n = 0; n < row.namespace_hashes.size(); ++n) {
    if (row.segment_sizes[n] == 0) continue;
    v1::Namespace& group = *example.add_namespaces();
    // The columns are in the order of hashes, the names in that of the message.
    for (const std::string& name : packed.namespaces()) {
      if (HashNamespace(name) == row.namespace_hashes[n]) group.set_name(name);
    }
    for (uint32_t i = 0; i < row.segment_sizes[n]; ++i, ++feature) {
      v1::Feature& added = *group.add_features();
      added.set_name(NameOf(row.feature_ids[feature], group.name(), known[feature]));
      const float value = ValueAt(row.values, feature);
      if (value != 1) added.set_value(value);
    }
  }
}

// Fills in the features of an event, its score as it was and as it is now.
void DescribeScored(const EventsRecord& events, const ServedVariant& champion,
                    const FeatureNames& names, v1::Event& event) {
  std::vector<uint32_t> row_ends;
  const ExampleBatch row =
      ViewRows(events.rows->examples(), event.row(), event.row() + 1, row_ends);
  std::array<float, 1> score{};
  std::array<float, 1> prediction{};
  champion.Predict(row, score, prediction);
  event.set_score(score[0]);
  event.set_prediction(prediction[0]);
  const int index = static_cast<int>(event.row());
  if (!events.note.scores().empty()) {
    event.set_served_score(events.note.scores(index));
    event.set_served_prediction(champion.learner->Prediction(events.note.scores(index)));
  }
  const v1::LearnRequest& request = events.rows->request();
  if (request.has_examples()) {
    *event.mutable_features() = request.examples().examples(index);
  } else {
    DescribeRow(row, request.packed(), names, *event.mutable_features());
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<LabelJoin>> ModelEvents::Open(const v1::LabelRule& rule,
                                                             uint64_t begin_offset,
                                                             uint64_t log_first,
                                                             uint64_t log_end) const {
  return LabelJoin::Open({.dir = options_.dir,
                          .begin_offset = begin_offset,
                          .rule = rule,
                          .labels_number = std::nullopt,
                          .log_first = log_first,
                          .log_end = log_end});
}

void ModelEvents::Start(std::unique_ptr<LabelJoin> join, uint64_t champion_offset,
                        uint64_t labels_number) {
  EventJoin::Options options = options_.join;
  options.labels_number = labels_number;
  std::shared_ptr<EventJoin> started =
      EventJoin::Start(std::move(join), champion_offset, options_.io, std::move(options));
  const absl::MutexLock lock(&mu_);
  join_ = std::move(started);
}

void ModelEvents::Feed(uint64_t offset, const Record& record) const {
  if (const std::shared_ptr<EventJoin> following = join()) following->Feed(offset, record);
}

void ModelEvents::Stop() const {
  if (const std::shared_ptr<EventJoin> following = join()) following->Stop();
}

absl::Status ModelEvents::NoRule() const {
  return absl::FailedPreconditionError(
      StrCat(options_.model_name,
             " has no label rule, so it takes no events and no feedback; give it one, for example "
             "with 'freshet models update NAME --wait 10m'"));
}

absl::Status ModelEvents::CheckTakes(const v1::LabelRule* rule, uint64_t rows,
                                     uint64_t pending_rows) {
  const std::shared_ptr<EventJoin> following = join();
  if (rule == nullptr || following == nullptr) return NoRule();
  if (rows == 0) return absl::OkStatus();
  absl::Status refusal;
  if (pending_rows + rows > rule->max_pending_events()) {
    refusal = absl::ResourceExhaustedError(
        StrCat(pending_rows, " events of ", options_.model_name,
               " wait for their labels, and label_rule.max_pending_events is ",
               rule->max_pending_events(), "; send them again later, or wait less"));
  } else if (const uint64_t bytes = following->pending_bytes(); bytes > rule->max_pending_bytes()) {
    refusal = absl::ResourceExhaustedError(
        StrCat(bytes, " bytes of the log of ", options_.model_name,
               " wait for labels, and label_rule.max_pending_bytes is ", rule->max_pending_bytes(),
               "; send them again later, or wait less"));
  }
  if (!refusal.ok()) refused_count_ += rows;
  return refusal;
}

absl::StatusOr<v1::Event> ModelEvents::Find(std::string_view event_id,
                                            const ServedVariant& champion,
                                            const FeatureNames& names) const {
  const std::shared_ptr<EventJoin> following = join();
  if (following == nullptr) return NoRule();
  absl::StatusOr<v1::Event> event = following->Find(event_id);
  if (!event.ok()) return event;
  EventLoader loader(options_.join.follower.open_log, champion.loss);
  const absl::StatusOr<EventLoader::Loaded> loaded = loader.Load(event->offset());
  if (absl::IsOutOfRange(loaded.status())) return event;  // The log has dropped it.
  if (!loaded.ok()) return loaded.status();
  if (event->row() >= loaded->events->size()) {
    return absl::DataLossError(
        StrCat("the record at offset ", event->offset(), " has no row ", event->row()));
  }
  DescribeScored(*loaded->events, champion, names, *event);
  return event;
}

absl::StatusOr<v1::ListEventsResponse> ModelEvents::List(
    const v1::ListEventsRequest& request) const {
  const std::shared_ptr<EventJoin> following = join();
  if (following == nullptr) return NoRule();
  const int page_size =
      request.page_size() <= 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
  absl::StatusOr<LabelJoin::Page> page =
      following->List(request.state(), page_size, request.page_token());
  if (!page.ok()) return page.status();
  v1::ListEventsResponse response;
  for (v1::Event& event : page->events) *response.add_events() = std::move(event);
  response.set_next_page_token(std::move(page->next_page_token));
  return response;
}

void ModelEvents::FillFigures(v1::LabelFigures& figures) const {
  if (const std::shared_ptr<EventJoin> following = join()) following->FillFigures(figures);
  figures.set_refused_count(refused_count_);
}

uint64_t ModelEvents::SyncAndNeededFrom() const {
  const std::shared_ptr<EventJoin> following = join();
  if (following == nullptr) return UINT64_MAX;
  if (const absl::Status status = following->Sync(); !status.ok()) {
    spdlog::warn("event=join_not_synced model={} error={}", options_.model_name,
                 JsonString(status.ToString()));
  }
  return following->synced_offset();
}

}  // namespace freshet

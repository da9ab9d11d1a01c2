#include "client/command/model_text.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "absl/strings/str_join.h"
#include "client/command/feature_flags.h"
#include "client/command/label_text.h"
#include "client/command/learner_options.h"
#include "client/command/metrics_text.h"
#include "client/command/quantity.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/str_cat.h"
#include "core/format/input_mapping.h"
#include "core/format/input_mapping_message.h"

namespace freshet {
namespace {

// The width of the list of fields of one role; a mapping may have thousands.
constexpr size_t kMaxNamesWidth = 400;

std::optional<double> Auc(const v1::ProgressiveMetrics& metrics) {
  return metrics.has_auc() ? std::optional<double>(metrics.auc()) : std::nullopt;
}

void AddFeatures(const v1::FeatureSpec& spec, Table* table) {
  const FeatureFlags flags = FlagsOf(spec);
  const auto add = [&](const char* title, const std::vector<std::string>& values) {
    if (!values.empty()) table->AddRow({title, absl::StrJoin(values, " ")});
  };
  add("interactions", flags.interactions);
  add("numbers", flags.numerics);
  add("n-grams", flags.ngrams);
  if (flags.admit_after > 1) {
    table->AddRow({"admission", StrCat("after ", flags.admit_after, " sightings")});
  }
  if (flags.expire_after > 0) {
    table->AddRow({"expiry", StrCat("after ", GroupedCount(flags.expire_after), " examples")});
  }
}

void AddTableUse(const v1::TableUsage& usage, Table* table) {
  if (usage.used_slot_count() == 0) return;
  table->AddRow({"table use",
                 StrCat(GroupedCount(usage.used_slot_count()), " slots used, by about ",
                        GroupedCount(usage.feature_count()), " features, ",
                        Decimals(usage.collision_share() * 100, 2), " % of which share a slot")});
}

std::string RetentionText(const v1::LogRetention& retention) {
  std::string text;
  if (retention.has_max_bytes()) text = ShortBytes(static_cast<double>(retention.max_bytes()));
  if (retention.has_max_age_s()) {
    text += StrCat(text.empty() ? "" : ", ", SecondsText(retention.max_age_s()));
  }
  return text;
}

void AddLog(const v1::Model& model, Table* table) {
  const v1::Storage& storage = model.storage();
  table->AddRow({"log", StrCat(ShortBytes(static_cast<double>(storage.log_bytes())),
                               ", from offset ", GroupedCount(storage.log_first_offset()),
                               ", logged up to ", GroupedCount(storage.logged_offset()))});
  if (model.has_log_retention()) {
    table->AddRow({"log retention", RetentionText(model.log_retention())});
  }
  if (storage.sync_count() > 0) {
    table->AddRow({"log syncs", StrCat(GroupedCount(storage.sync_count()), ", p50 ",
                                       Decimals(storage.sync_p50_ms(), 2), " ms, p99 ",
                                       Decimals(storage.sync_p99_ms(), 2), " ms")});
  }
}

void AddSnapshots(const v1::Storage& storage, Table* table) {
  std::string text = "none";
  if (storage.snapshot_count() > 0) {
    text = StrCat(GroupedCount(storage.snapshot_count()), ", ",
                  ShortBytes(static_cast<double>(storage.snapshot_bytes())));
  }
  if (storage.snapshot_offset() > 0) {
    text += StrCat(", the newest at offset ", GroupedCount(storage.snapshot_offset()));
  }
  table->AddRow({"snapshots", text});
  if (storage.last_pause_ms() > 0) {
    table->AddRow({"last pause", StrCat(Decimals(storage.last_pause_ms(), 2), " ms")});
  }
}

void AddMixture(const v1::Variant& variant, Table* table) {
  std::vector<const v1::MixturePart*> parts;
  for (const v1::MixturePart& part : variant.mixture()) parts.push_back(&part);
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto* a, const auto* b) { return a->weight() > b->weight(); });
  for (const v1::MixturePart* part : parts) {
    table->AddRow({part == parts.front() ? "mixture" : "",
                   StrCat(Decimals(part->weight() * 100, 1), " % ", part->name(), ", decayed loss ",
                          Decimals(part->decayed_loss(), 5))});
  }
}

// What the fields of the model's input mean, a line for each role.
void AddInput(const v1::Model& model, Table* table) {
  if (!model.has_input()) return;
  const InputMapping mapping = InputMappingOf(model.input());
  std::map<FieldRole, std::string> fields;
  for (const FieldMapping& field : mapping.fields) {
    std::string& names = fields[field.role];
    names += StrCat(names.empty() ? "" : ", ", Printable(field.field));
    if (!field.time_format.empty()) names += StrCat(" (", Printable(field.time_format), ")");
    if (!field.feature_namespace.empty()) names += StrCat(" @", Printable(field.feature_namespace));
  }
  for (const auto& [role, names] : fields) {
    table->AddRow({StrCat("input ", FieldRoleName(role)), CutToWidth(names, kMaxNamesWidth)});
  }
  if (!mapping.positive.empty()) table->AddRow({"input positive", Printable(mapping.positive)});
}

}  // namespace

const v1::Variant& ChampionOf(const v1::Model& model) {
  for (const v1::Variant& variant : model.variants()) {
    if (variant.champion()) return variant;
  }
  return model.variants_size() > 0 ? model.variants(0) : v1::Variant::default_instance();
}

std::optional<double> RecentLossOf(const v1::Model& model) {
  const v1::ProgressiveMetrics& metrics = ChampionOf(model).metrics();
  if (metrics.example_count() == 0) return std::nullopt;
  return metrics.decayed_loss();
}

std::string DurabilityName(v1::Durability durability) {
  switch (durability) {
    case v1::DURABILITY_FSYNC:
      return "fsync";
    case v1::DURABILITY_OS:
      return "os";
    case v1::DURABILITY_NONE:
      return "none";
    default:
      return "";
  }
}

std::string DescribeModelBriefly(const v1::Model& model) {
  const v1::LearnerSpec& learner = ChampionOf(model).learner();
  return StrCat(ModelId(model.name()), ": ", LossName(learner.loss()), " loss, ",
                LearnerName(learner), ", 2^", learner.bits(), " slots, durability ",
                DurabilityName(model.durability()));
}

std::string DescribeModel(const v1::Model& model) {
  Table table({{""}, {""}});
  table.AddRow({"model", ModelId(model.name())});
  if (!model.uid().empty()) table.AddRow({"uid", model.uid()});
  if (model.state() == v1::MODEL_STATE_DAMAGED) {
    table.AddRow(
        {"state", "damaged: takes no calls; the server tries to recover it when it next starts"});
    table.AddRow({"reason", model.state_reason()});
    return table.ToString();
  }
  table.AddRow({"created", UtcTime(model.create_time())});
  table.AddRow({"durability", DurabilityName(model.durability())});
  table.AddRow({"examples", GroupedCount(model.example_count())});
  if (model.queued_example_count() > 0) {
    table.AddRow({"queued", GroupedCount(model.queued_example_count())});
  }
  table.AddRow({"offset", GroupedCount(model.offset())});
  if (model.durability() != v1::DURABILITY_NONE) AddLog(model, &table);
  AddSnapshots(model.storage(), &table);
  AddInput(model, &table);
  AddLabels(model, &table);
  for (const v1::Variant& variant : model.variants()) {
    const v1::LearnerSpec& learner = variant.learner();
    table.AddRow({"", ""});
    table.AddRow({"variant", StrCat(LastSegment(variant.name()),
                                    variant.champion() ? " (champion)" : " (challenger)")});
    table.AddRow({"loss", LossName(learner.loss())});
    table.AddRow({"learner", LearnerName(learner)});
    table.AddRow({"schedule", ScheduleName(learner)});
    table.AddRow({"options", absl::StrJoin(SettingsOf(learner), " ")});
    AddFeatures(learner.features(), &table);
    table.AddRow(
        {"table", StrCat(GroupedCount(uint64_t{1} << learner.bits()), " slots, ",
                         ShortBytes(static_cast<double>(variant.table_bytes())), " at most")});
    if (variant.learner().l1() > 0) {
      table.AddRow({"zero weights", StrCat(GroupedCount(variant.table().zero_weight_count()),
                                           "   of features that l1 holds at 0")});
    }
    AddTableUse(variant.table(), &table);
    AddMetrics(variant.metrics(), &table);
    AddMixture(variant, &table);
  }
  return table.ToString();
}

std::string ModelTable(const std::vector<v1::Model>& models) {
  constexpr Table::Align kRight = Table::Align::kRight;
  Table table({{"MODEL"},
               {"STATE"},
               {"LOSS"},
               {"LEARNER"},
               {"EXAMPLES", kRight},
               {"OFFSET", kRight},
               {"MEAN LOSS", kRight},
               {"BASE RATE", kRight},
               {"AUC", kRight},
               {"CREATED"}});
  for (const v1::Model& model : models) {
    const v1::Variant& champion = ChampionOf(model);
    const v1::ProgressiveMetrics& metrics = champion.metrics();
    const bool known = metrics.example_count() > 0;
    if (model.state() == v1::MODEL_STATE_DAMAGED) {
      table.AddRow({ModelId(model.name()), "damaged", "-", "-", "-", "-", "-", "-", "-", "-"});
      continue;
    }
    table.AddRow({ModelId(model.name()), "serving", LossName(champion.learner().loss()),
                  LearnerName(champion.learner()), GroupedCount(model.example_count()),
                  GroupedCount(model.offset()), known ? Decimals(metrics.loss(), 5) : "-",
                  known ? Decimals(metrics.base_rate_loss(), 5) : "-", Decimals(Auc(metrics), 4),
                  UtcTime(model.create_time())});
  }
  return table.ToString();
}

}  // namespace freshet

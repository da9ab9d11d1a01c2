#include "client/command/model_list_view.h"

#include <utility>

#include "client/command/model_text.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// The bytes to which the weight tables of all variants may grow.
uint64_t TableBytes(const v1::Model& model) {
  uint64_t bytes = 0;
  for (const v1::Variant& variant : model.variants()) bytes += variant.table_bytes();
  return bytes;
}

}  // namespace

void ModelListView::Add(double seconds, std::vector<v1::Model> models) {
  previous_examples_.clear();
  for (const v1::Model& model : models_) previous_examples_[model.uid()] = model.example_count();
  previous_seconds_ = seconds_;
  models_ = std::move(models);
  seconds_ = seconds;
}

std::optional<double> ModelListView::RateOf(const v1::Model& model) const {
  const auto previous = previous_examples_.find(model.uid());
  if (previous == previous_examples_.end() || seconds_ <= previous_seconds_ ||
      model.example_count() < previous->second) {
    return std::nullopt;
  }
  return static_cast<double>(model.example_count() - previous->second) /
         (seconds_ - previous_seconds_);
}

std::string ModelListView::TableText() const {
  if (models_.empty()) return "no models yet; create one with 'freshet models create NAME'\n";
  constexpr Table::Align kRight = Table::Align::kRight;
  Table table({{"MODEL"},
               {"STATE"},
               {"EXAMPLES", kRight},
               {"A SECOND", kRight},
               {"QUEUE", kRight},
               {"OFFSET", kRight},
               {"RECENT LOSS", kRight},
               {"MEMORY", kRight}});
  for (const v1::Model& model : models_) {
    if (model.state() == v1::MODEL_STATE_DAMAGED) {
      table.AddRow({ModelId(model.name()), "damaged", "-", "-", "-", "-", "-", "-"});
      continue;
    }
    table.AddRow({ModelId(model.name()), "serving", GroupedCount(model.example_count()),
                  RateText(RateOf(model)), GroupedCount(model.queued_example_count()),
                  GroupedCount(model.offset()), Decimals(RecentLossOf(model), 5),
                  ShortBytes(static_cast<double>(TableBytes(model)))});
  }
  return table.ToString();
}

std::string ModelListView::Json() const {
  std::string models;
  for (const v1::Model& model : models_) {
    JsonObject object;
    object.Add("model", ModelId(model.name()));
    object.Add("state", model.state() == v1::MODEL_STATE_DAMAGED ? "damaged" : "serving");
    object.Add("examples", model.example_count());
    object.Add("examplesPerSecond", RateOf(model));
    object.Add("queued", model.queued_example_count());
    object.Add("offset", model.offset());
    object.Add("recentLoss", RecentLossOf(model));
    object.Add("tableBytes", TableBytes(model));
    models += StrCat(models.empty() ? "" : ",", object.ToString());
  }
  return JsonObject().AddJson("models", StrCat("[", models, "]")).ToString();
}

}  // namespace freshet

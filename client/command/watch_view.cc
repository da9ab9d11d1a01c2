#include "client/command/watch_view.h"

#include <algorithm>
#include <cstdint>

#include "client/command/metrics_text.h"
#include "client/command/model_text.h"
#include "client/command/sparkline.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Number = std::optional<double>;

const v1::ProgressiveMetrics& MetricsOf(const v1::Model& model) {
  return ChampionOf(model).metrics();
}

bool HasLearned(const v1::Model& model) { return MetricsOf(model).example_count() > 0; }

Number AucOf(const v1::ProgressiveMetrics& metrics) {
  return metrics.has_auc() ? Number(metrics.auc()) : std::nullopt;
}

Number CalibrationOf(const v1::ProgressiveMetrics& metrics) {
  return metrics.has_calibration() ? Number(metrics.calibration()) : std::nullopt;
}

std::string BaseRateText(double loss, double base_rate_loss) {
  std::string text = StrCat("base rate ", Decimals(base_rate_loss, 5));
  if (base_rate_loss > 0) text += StrCat(", ", GainText(1 - loss / base_rate_loss));
  return text;
}

std::string Padded(std::string_view text, size_t width) {
  return StrCat(text, std::string(width - std::min(width, DisplayWidth(text)), ' '));
}

}  // namespace

void WatchView::Add(double seconds, const v1::Model& model) {
  const auto add = [](Number value, Series& series) {
    series.push_back(value);
    if (series.size() > kMaxValues) series.pop_front();
  };
  Number rate;
  // After a restore the model may have fewer examples than before: there is no rate then.
  if (!queues_.empty() && seconds > seconds_ && model.example_count() >= model_.example_count()) {
    rate =
        static_cast<double>(model.example_count() - model_.example_count()) / (seconds - seconds_);
  }
  add(rate, rates_);
  add(RecentLossOf(model), losses_);
  add(AucOf(MetricsOf(model)), aucs_);
  add(CalibrationOf(MetricsOf(model)), calibrations_);
  add(static_cast<double>(model.queued_example_count()), queues_);
  model_ = model;
  seconds_ = seconds;
}

std::vector<WatchView::Row> WatchView::Rows() const {
  const v1::ProgressiveMetrics& metrics = MetricsOf(model_);
  const v1::Storage& storage = model_.storage();
  std::vector<Row> rows;
  if (HasLearned(model_)) {
    rows.push_back({"recent loss", Decimals(metrics.decayed_loss(), 5), &losses_,
                    BaseRateText(metrics.decayed_loss(), metrics.decayed_base_rate_loss())});
    rows.push_back({"mean loss", Decimals(metrics.loss(), 5), nullptr,
                    BaseRateText(metrics.loss(), metrics.base_rate_loss())});
  } else {
    rows.push_back({"mean loss", "-", nullptr, "nothing learned yet"});
  }
  if (metrics.has_auc()) rows.push_back({"AUC", Decimals(metrics.auc(), 4), &aucs_, ""});
  if (metrics.has_calibration()) {
    rows.push_back({"calibration", Decimals(metrics.calibration(), 4), &calibrations_,
                    "predictions over labels"});
  }
  rows.push_back({"examples/s", RateText(rates_.back()), &rates_,
                  StrCat(GroupedCount(model_.example_count()), " in all")});
  rows.push_back({"queue", GroupedCount(model_.queued_example_count()), &queues_,
                  "accepted, not yet answered"});
  std::string offsets;
  if (model_.durability() != v1::DURABILITY_NONE) {
    offsets = StrCat("logged ", GroupedCount(storage.logged_offset()), ", ");
  }
  rows.push_back({"offset", GroupedCount(model_.offset()), nullptr,
                  StrCat(offsets, "in a snapshot ", GroupedCount(storage.snapshot_offset()))});
  return rows;
}

std::vector<std::string> WatchView::Picture(size_t width) const {
  constexpr size_t kMaxSparkline = 40;
  constexpr size_t kMinSparkline = 8;
  const std::vector<Row> rows = Rows();
  size_t name_width = 0;
  size_t value_width = 0;
  size_t note_width = 0;
  for (const Row& row : rows) {
    name_width = std::max(name_width, row.name.size());
    value_width = std::max(value_width, row.value.size());
    note_width = std::max(note_width, row.note.size());
  }
  const size_t taken = name_width + value_width + note_width + 6;
  const size_t spark_width =
      std::clamp(width > taken ? width - taken : 0, kMinSparkline, kMaxSparkline);
  std::vector<std::string> lines = {CutToWidth(DescribeModelBriefly(model_), width)};
  for (const Row& row : rows) {
    const std::string spark =
        row.series == nullptr ? std::string(spark_width, ' ') : Sparkline(*row.series, spark_width);
    std::string line =
        StrCat(Padded(row.name, name_width), "  ", std::string(value_width - row.value.size(), ' '),
               row.value, "  ", spark, "  ", row.note);
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(CutToWidth(line, width));
  }
  return lines;
}

std::string WatchView::Line() const {
  const v1::ProgressiveMetrics& metrics = MetricsOf(model_);
  std::string line = StrCat(ModelId(model_.name()), ": ", GroupedCount(model_.example_count()),
                            " examples, ", RateText(rates_.back()), " a second");
  if (HasLearned(model_)) {
    line += StrCat(", recent loss ", Decimals(metrics.decayed_loss(), 4), " (base rate ",
                   Decimals(metrics.decayed_base_rate_loss(), 4), ")");
  }
  if (metrics.has_auc()) line += StrCat(", AUC ", Decimals(metrics.auc(), 4));
  return line + StrCat(", queue ", GroupedCount(model_.queued_example_count()), ", offset ",
                       GroupedCount(model_.offset()));
}

std::string WatchView::Json() const {
  const v1::ProgressiveMetrics& metrics = MetricsOf(model_);
  const bool known = HasLearned(model_);
  const auto if_known = [known](double number) { return known ? Number(number) : std::nullopt; };
  JsonObject object;
  object.Add("model", ModelId(model_.name()));
  object.Add("examples", model_.example_count());
  object.Add("examplesPerSecond", rates_.back());
  object.Add("loss", if_known(metrics.loss()));
  object.Add("lossBaseRate", if_known(metrics.base_rate_loss()));
  object.Add("recentLoss", if_known(metrics.decayed_loss()));
  object.Add("recentLossBaseRate", if_known(metrics.decayed_base_rate_loss()));
  object.Add("auc", AucOf(metrics));
  object.Add("calibration", CalibrationOf(metrics));
  object.Add("queued", model_.queued_example_count());
  object.Add("offset", model_.offset());
  object.Add("loggedOffset", model_.storage().logged_offset());
  object.Add("snapshotOffset", model_.storage().snapshot_offset());
  return object.ToString();
}

}  // namespace freshet

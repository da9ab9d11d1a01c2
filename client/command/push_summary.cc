#include "client/command/push_summary.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "client/command/exit_code.h"
#include "client/command/metrics_text.h"
#include "client/command/model_text.h"
#include "client/command/text.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Number = std::optional<double>;

// The cells of one column of the summary.
struct MetricCells {
  std::string rows;
  std::string loss;
  std::string auc;
  std::string calibration;
};

MetricCells CellsOf(const ProgressiveFigures& figures) {
  if (figures.example_count == 0) return {"0", "-", "-", "-"};
  return {GroupedCount(figures.example_count),
          LossText(figures.loss, figures.base_rate_loss, figures.relative_gain),
          Decimals(figures.auc, 4), Decimals(figures.calibration, 4)};
}

MetricCells CellsOf(const v1::ProgressiveMetrics& metrics) {
  if (metrics.example_count() == 0) return {"0", "-", "-", "-"};
  return {GroupedCount(metrics.example_count()),
          LossText(metrics.loss(), metrics.base_rate_loss(), metrics.relative_gain()),
          Decimals(metrics.has_auc() ? Number(metrics.auc()) : std::nullopt, 4),
          Decimals(metrics.has_calibration() ? Number(metrics.calibration()) : std::nullopt, 4)};
}

// The metrics of the rows of this push beside those of all rows that the model has learned.
std::string MetricTable(const PushOutcome& outcome) {
  if (!outcome.metrics.has_value() || outcome.described.name().empty()) return "";
  const v1::ProgressiveMetrics& all = ChampionOf(outcome.described).metrics();
  if (all.example_count() == 0) return "";
  const MetricCells rows = CellsOf(*outcome.Judged());
  const MetricCells model = CellsOf(all);
  Table table({{""}, {""}, {"this push"}, {"the model"}});
  table.AddRow({"", "rows", rows.rows, model.rows});
  table.AddRow({"", "loss", rows.loss, model.loss});
  if (model.auc != "-") table.AddRow({"", "AUC", rows.auc, model.auc});
  if (model.calibration != "-") {
    table.AddRow({"", "calibration", rows.calibration, model.calibration});
  }
  table.AddRow({"", "offset", "", GroupedCount(outcome.described.offset())});
  if (outcome.holdout) {
    table.AddRow({"", "held out", StrCat("best epoch ", outcome.holdout->epoch + 1), ""});
  }
  return table.ToString();
}

std::string HeadLine(const PushOutcome& outcome, bool skips_errors) {
  const uint64_t known = outcome.KnownRows();
  const uint64_t learned = outcome.LearnedRows();
  std::string line = StrCat(outcome.model, ": ");
  if (known == 0) {
    line += StrCat(outcome.done, " ", RowCount(learned, outcome.unit));
  } else {
    line +=
        StrCat(learned == 0 ? "" : StrCat(outcome.done, " "), GroupedCount(learned), " new ",
               outcome.unit, learned == 1 ? ", " : "s, ", GroupedCount(known), " already known");
  }
  if (outcome.bad_rows > 0 && skips_errors) {
    line += StrCat(", ", GroupedCount(outcome.bad_rows), " skipped");
  }
  if (const uint64_t skipped = outcome.stats.skipped; skipped > 0) {
    line += StrCat(", ", GroupedCount(skipped),
                   " not learned because their update would not be finite");
  }
  const double rate = static_cast<double>(learned) / outcome.seconds;
  return line + StrCat(", in ", Decimals(outcome.seconds, 2), " s, ",
                       GroupedCount(static_cast<uint64_t>(rate)), " a second\n");
}

}  // namespace

uint64_t PushOutcome::KnownRows() const {
  return known_rows + stats.duplicates - std::min(stats.duplicates, stats.resent);
}

uint64_t PushOutcome::LearnedRows() const {
  const uint64_t not_learned = KnownRows() - known_rows + stats.skipped;
  return stats.acknowledged - std::min(stats.acknowledged, not_learned);
}

std::string RowCount(uint64_t count, std::string_view unit) {
  return StrCat(GroupedCount(count), " ", unit, count == 1 ? "" : "s");
}

absl::Status FinalStatus(const PushEnd& end, const PushOutcome& outcome) {
  const uint64_t count = outcome.LearnedRows();
  std::string learned = count == 0 ? StrCat("; nothing was ", outcome.done)
                                   : StrCat("; ", RowCount(count, outcome.unit),
                                            count == 1 ? " was " : " were ", outcome.done);
  const uint64_t open = absl::IsInvalidArgument(end.pushed) ? 0 : outcome.stats.unacknowledged;
  if (open > 0) learned += StrCat(", ", GroupedCount(open), " were not acknowledged");
  if (count + open > 0) {
    learned += StrCat("; the same command with --producer-id ", outcome.producer_id,
                      " goes on after them");
  }
  if (end.too_many_bad) {
    if (!end.skips_errors) {
      return DataError(StrCat(end.first_bad, learned, "; use --skip-errors to skip bad rows"));
    }
    return DataError(StrCat("stopped at ", GroupedCount(outcome.bad_rows),
                            " bad rows, more than --max-errors allows; the first is ",
                            end.first_bad, learned));
  }
  if (!end.pushed.ok()) {
    const std::string message = StrCat(ToStd(end.pushed.message()), learned);
    return absl::IsInvalidArgument(end.pushed) ? DataError(message)
                                               : absl::Status(end.pushed.code(), message);
  }
  if (!end.read.ok()) {
    return {end.read.code(), ToAbsl(StrCat(ToStd(end.read.message()), learned))};
  }
  return absl::OkStatus();
}

std::string PushSummaryJson(const PushOutcome& outcome) {
  const v1::ProgressiveMetrics& metrics = ChampionOf(outcome.described).metrics();
  const bool known = metrics.example_count() > 0;
  const uint64_t acknowledged = outcome.stats.acknowledged + outcome.known_rows;
  JsonObject object;
  object.Add("model", outcome.model);
  object.Add("examples", outcome.stats.pushed + outcome.known_rows);
  object.Add("acknowledged", acknowledged);
  object.Add("learned", outcome.LearnedRows());
  object.Add("known", outcome.KnownRows());
  object.Add("rejected", outcome.bad_rows);
  object.Add("skipped", outcome.stats.skipped);
  object.Add("resent", outcome.stats.resent);
  object.Add("seconds", Number(outcome.seconds));
  object.Add("examplesPerSecond",
             Number(static_cast<double>(outcome.stats.acknowledged) / outcome.seconds));
  const ProgressiveFigures figures = outcome.Judged().value_or(ProgressiveFigures());
  const bool counted = figures.example_count > 0;
  object.Add("pushLoss", counted ? Number(figures.loss) : std::nullopt);
  object.Add("pushLossBaseRate", counted ? Number(figures.base_rate_loss) : std::nullopt);
  object.Add("pushAuc", figures.auc);
  object.Add("pushCalibration", figures.calibration);
  object.Add("loss", known ? Number(metrics.loss()) : std::nullopt);
  object.Add("lossBaseRate", known ? Number(metrics.base_rate_loss()) : std::nullopt);
  object.Add("auc", metrics.has_auc() ? Number(metrics.auc()) : std::nullopt);
  object.Add("calibration",
             metrics.has_calibration() ? Number(metrics.calibration()) : std::nullopt);
  if (outcome.described.name().empty()) {
    object.Add("offset", Number());
  } else {
    object.Add("offset", outcome.described.offset());
  }
  object.Add("producerId", outcome.producer_id);
  object.Add("lastRow", outcome.last_row);
  return object.ToString() + "\n";
}

std::string PushSummaryText(const PushOutcome& outcome, bool skips_errors) {
  const PusherStats& stats = outcome.stats;
  Table table({{""}, {""}, {""}});
  if (stats.reconnects > 0 || stats.resent > 0) {
    table.AddRow({"", "reconnected",
                  StrCat(GroupedCount(stats.reconnects), stats.reconnects == 1 ? " time" : " times",
                         ", ", GroupedCount(stats.resent),
                         StrCat(" ", outcome.unit, "s resent, none ", outcome.done, " twice"))});
  }
  return HeadLine(outcome, skips_errors) + MetricTable(outcome) + table.ToString();
}

}  // namespace freshet

#include "tests/bench/results_page.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>

#include "client/command/text.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

// A figure that has a target.
struct Budget {
  std::string_view what;
  std::string_view result;
  bool ratio;  // Whether the target is for the ratio to the floor, or for the value.
  double bound;
  bool at_most;
};

constexpr std::array<Budget, 24> kBudgets = {{
    {"core, SGD, vs. touching its slots", "core/sgd/24", true, 0.80, false},
    {"core, AdaGrad, vs. touching its slots", "core/adagrad/24", true, 0.80, false},
    {"core, FTRL, vs. touching its slots", "core/ftrl/24", true, 0.60, false},
    {"core, `nag`, vs. touching its slots", "core/nag/24", true, 0.60, false},
    {"core, `auto`", "core/auto/24", false, 1e6, false},
    {"end to end, packed, fsync, vs. the bare stream", "end_to_end/packed/fsync/512/1", true, 0.40,
     false},
    {"`freshet push`, VW text of 30 named features", "files/vw/push", false, 1e6, false},
    {"the same with `auto`", "files/vw/push_auto", false, 1e6, false},
    {"predict alone, p50, vs. an empty handler", "predict/alone/1/1/p50", true, 1.5, true},
    {"predict alone, p99, vs. an empty handler", "predict/alone/1/1/p99", true, 1.5, true},
    {"predict at full learning load, p50, vs. an empty handler", "predict/learning/1/1/p50", true,
     1.5, true},
    {"predict at full learning load, p99, vs. an empty handler", "predict/learning/1/1/p99", true,
     1.5, true},
    {"the same, p50, vs. an empty handler of the same server",
     "predict/learning/1/1/of_health_check/p50", true, 1.5, true},
    {"the same, p99, vs. an empty handler of the same server",
     "predict/learning/1/1/of_health_check/p99", true, 1.5, true},
    {"predict and log alone, p50, vs. predict", "labels/predict/logged/alone/1/1/p50", true, 1.3,
     true},
    {"predict and log alone, p99, vs. predict", "labels/predict/logged/alone/1/1/p99", true, 1.3,
     true},
    {"predict and log at full learning load, p50, vs. predict",
     "labels/predict/logged/learning/1/1/p50", true, 1.3, true},
    {"predict and log at full learning load, p99, vs. predict",
     "labels/predict/logged/learning/1/1/p99", true, 1.3, true},
    {"events logged, packed, fsync, vs. the same rows with labels",
     "labels/events/packed/fsync/512/1", true, 0.60, false},
    {"events joined and learned, AdaGrad, vs. the same rows with labels", "labels/joined/adagrad",
     true, 0.40, false},
    {"events joined and learned, `auto`, vs. the same rows with labels", "labels/joined/auto", true,
     0.60, false},
    {"replay of the log", "replay", false, 3e6, false},
    {"learning while metrics are scraped each second, vs. without HTTP", "scrape/learn", true, 0.99,
     false},
    {"memory at full load, vs. table + 64 MiB + queues", "memory/peak", true, 1.0, true},
}};

// The title of a group of results. Groups are listed in this order.
struct Group {
  std::string_view name;
  std::string_view title;
};

constexpr std::array<Group, 14> kGroups = {{
    {"core", "Core: one core, no server; the floor touches the same slots"},
    {"wire", "Wire: a server that parses and counts; way/examples a batch/producers"},
    {"learner", "The learner alone on the packed batches"},
    {"end_to_end", "End to end; way/durability/examples a batch/producers; the floor is the wire"},
    {"disk", "The disk itself"},
    {"log", "Log"},
    {"files", "Files; the floor reads the file and finds the ends of its lines"},
    {"predict", "Predict; when/examples a call/callers; the floor is an empty handler"},
    {"labels",
     "Labels that come later; the floor is a plain prediction, or the same rows with labels"},
    {"snapshot", "Snapshot; the floor is the time between snapshots, or the disk"},
    {"replay", "Replay"},
    {"growth", "Growth: models and streams"},
    {"scrape", "Metrics: scraped each second; the floor is a server without HTTP"},
    {"memory", "Memory"},
}};

// The order in which facts are listed; others follow.
constexpr std::array<std::string_view, 10> kFacts = {"processor", "cores",       "memory", "kernel",
                                                     "fdatasync", "compiler",    "grpc",   "commit",
                                                     "date",      "load average"};

// Quantities that get columns of their own in the row of the result to which they belong.
struct Quantity {
  std::string_view suffix;
  std::string_view title;
};

constexpr std::array<Quantity, 9> kQuantities = {{
    {"server_cpu", "server CPU, s/M"},
    {"client_cpu", "client CPU, s/M"},
    {"ack_p50", "ack p50, ms"},
    {"ack_p99", "ack p99, ms"},
    {"ack_p999", "ack p999, ms"},
    {"p50", "p50, ms"},
    {"p99", "p99, ms"},
    {"p999", "p999, ms"},
    {"max", "max, ms"},
}};

std::string Range(double min, double max, std::string (*text)(double)) {
  return min == max ? "" : StrCat(" (", text(min), " – ", text(max), ")");
}

std::string RatioText(double ratio) { return Decimals(ratio, 2); }

std::string ValueCell(const BenchResult& result) {
  return ShortNumber(result.value) + Range(result.min, result.max, ShortNumber);
}

std::string RatioCell(const BenchResult& result) {
  if (!result.ratio.has_value()) return "";
  return RatioText(*result.ratio) + Range(result.ratio_min.value_or(*result.ratio),
                                          result.ratio_max.value_or(*result.ratio), RatioText);
}

std::string Row(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const std::string& cell : cells) row += StrCat(" ", cell, " |");
  return row + "\n";
}

std::string TitleRows(const std::vector<std::string>& titles) {
  return Row(titles) + Row(std::vector<std::string>(titles.size(), "---"));
}

std::string BudgetRow(const Budget& budget, const BenchResult& result) {
  const std::string bound =
      budget.ratio ? RatioText(budget.bound) : ShortNumber(budget.bound) + " " + result.unit;
  const double measured = budget.ratio ? result.ratio.value_or(0) : result.value;
  const bool met = budget.at_most ? measured <= budget.bound : measured >= budget.bound;
  return Row({std::string(budget.what), StrCat(budget.at_most ? "at most " : "at least ", bound),
              StrCat(budget.ratio ? RatioCell(result) : ValueCell(result), met ? "" : ", missed"),
              StrCat(ShortNumber(result.value), " ", result.unit)});
}

// The quantity at the end of a name; null if there is none.
const Quantity* QuantityOf(std::string_view name) {
  const size_t slash = name.rfind('/');
  if (slash == std::string_view::npos) return nullptr;
  const std::string_view last = name.substr(slash + 1);
  const auto* const found =
      std::find_if(kQuantities.begin(), kQuantities.end(),
                   [last](const Quantity& quantity) { return quantity.suffix == last; });
  return found == kQuantities.end() ? nullptr : found;
}

std::string PlainTable(const std::vector<const BenchResult*>& results) {
  std::string table = TitleRows({"result", "median (least – greatest)", "unit", "floor", "ratio"});
  for (const BenchResult* result : results) {
    table +=
        Row({StrCat("`", result->name, "`"), ValueCell(*result), result->unit,
             result->floor.has_value() ? ShortNumber(*result->floor) : "", RatioCell(*result)});
  }
  return table;
}

// Results whose names differ only in the quantity make up one row. A cell holds the value, and the
// ratio if the result has a floor.
std::string QuantityTable(const std::vector<const BenchResult*>& results) {
  std::vector<std::string> rows;
  std::map<std::string, std::map<std::string_view, const BenchResult*>> cells;
  std::map<std::string_view, int> columns;
  for (const BenchResult* result : results) {
    const Quantity* const quantity = QuantityOf(result->name);
    const std::string_view suffix = quantity->suffix;
    const std::string row = result->name.substr(0, result->name.size() - suffix.size() - 1);
    if (!cells.contains(row)) rows.push_back(row);
    cells[row][suffix] = result;
    ++columns[suffix];
  }
  std::vector<std::string> titles = {"result"};
  for (const Quantity& quantity : kQuantities) {
    if (columns.contains(quantity.suffix)) titles.emplace_back(quantity.title);
  }
  std::string table = TitleRows(titles);
  for (const std::string& row : rows) {
    std::vector<std::string> line = {StrCat("`", row, "`")};
    for (const Quantity& quantity : kQuantities) {
      if (!columns.contains(quantity.suffix)) continue;
      const auto found = cells[row].find(quantity.suffix);
      if (found == cells[row].end()) {
        line.emplace_back();
        continue;
      }
      const BenchResult& result = *found->second;
      line.push_back(ShortNumber(result.value) +
                     (result.ratio.has_value() ? StrCat(", × ", RatioText(*result.ratio)) : ""));
    }
    table += Row(line);
  }
  return table;
}

std::string GroupTables(const BenchResults& results, const Group& group) {
  std::vector<const BenchResult*> plain;
  std::vector<const BenchResult*> quantities;
  for (const BenchResult& result : results.results) {
    if (result.name.substr(0, result.name.find('/')) != group.name) continue;
    (QuantityOf(result.name) == nullptr ? plain : quantities).push_back(&result);
  }
  if (plain.empty() && quantities.empty()) return "";
  std::string text = StrCat("\n## ", group.title, "\n");
  if (!plain.empty()) text += "\n" + PlainTable(plain);
  if (!quantities.empty()) text += "\n" + QuantityTable(quantities);
  return text;
}

std::string MachineTable(Facts facts) {
  const auto place = [](const std::string& name) {
    return std::find(kFacts.begin(), kFacts.end(), name) - kFacts.begin();
  };
  std::stable_sort(facts.begin(), facts.end(),
                   [&](const auto& a, const auto& b) { return place(a.first) < place(b.first); });
  std::string table = TitleRows({"machine", ""});
  for (const auto& [name, value] : facts) table += Row({name, value});
  return table;
}

// A warning if the machine had other work; otherwise empty.
std::string BusyWarning(const Facts& facts) {
  const auto number = [&facts](std::string_view name) {
    const auto found = std::find_if(facts.begin(), facts.end(),
                                    [name](const auto& fact) { return fact.first == name; });
    return found == facts.end() ? 0 : std::strtod(found->second.c_str(), nullptr);
  };
  const double load = number("load average");
  if (load <= number("cores") / 2) return "";
  return StrCat(
      "The load average was ", ShortNumber(load),
      " at the start. If other programs caused it, only the `core` results, which count CPU "
      "time, are reliable.\n\n");
}

}  // namespace

BenchResults MergeResults(const std::vector<BenchResults>& runs) {
  BenchResults merged;
  for (const BenchResults& run : runs) {
    for (const auto& [name, value] : run.machine) {
      const auto known =
          std::find_if(merged.machine.begin(), merged.machine.end(),
                       [&fact = name](const auto& other) { return other.first == fact; });
      if (known == merged.machine.end()) {
        merged.machine.emplace_back(name, value);
      } else if (known->second.find(value) == std::string::npos) {
        known->second += "; " + value;
      }
    }
    for (const BenchResult& result : run.results) {
      const auto known =
          std::find_if(merged.results.begin(), merged.results.end(),
                       [&result](const BenchResult& other) { return other.name == result.name; });
      if (known == merged.results.end()) {
        merged.results.push_back(result);
      } else {
        *known = result;
      }
    }
    merged.skipped.insert(merged.skipped.end(), run.skipped.begin(), run.skipped.end());
  }
  return merged;
}

std::string BudgetTable(const BenchResults& results) {
  std::string rows;
  for (const Budget& budget : kBudgets) {
    const auto found =
        std::find_if(results.results.begin(), results.results.end(),
                     [&budget](const BenchResult& result) { return result.name == budget.result; });
    if (found != results.results.end()) rows += BudgetRow(budget, *found);
  }
  if (rows.empty()) return "";
  return BusyWarning(results.machine) +
         TitleRows({"what", "target", "measured, median (least – greatest)", "absolute"}) + rows;
}

std::string ResultsPage(const BenchResults& results) {
  std::string page =
      "# How fast it is\n\n"
      "Made by `tests/bench/run --report` from the results of `tests/bench/run --json`. Server\n"
      "and clients share the machine. Figures are medians over repetitions, with the least and\n"
      "the greatest in brackets. A ratio compares a figure with its floor, measured alternately\n"
      "with it in the same run; it says more than the figure, which depends on this machine. A\n"
      "cell `0.52, × 1.20` is a figure and its ratio.\n\n";
  page += MachineTable(results.machine);
  if (const std::string budgets = BudgetTable(results); !budgets.empty()) {
    page += "\n## Performance targets\n\n" + budgets;
  }
  for (const Group& group : kGroups) page += GroupTables(results, group);
  if (!results.skipped.empty()) {
    page += "\n## Not measured\n\n" + TitleRows({"result", "why"});
    for (const auto& [name, reason] : results.skipped) {
      page += Row({StrCat("`", name, "`"), reason});
    }
  }
  return page;
}

}  // namespace freshet

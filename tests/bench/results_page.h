// Results as Markdown.

#ifndef FRESHET_TESTS_BENCH_RESULTS_PAGE_H_
#define FRESHET_TESTS_BENCH_RESULTS_PAGE_H_

#include <string>
#include <vector>

#include "tests/bench/bench_result.h"

namespace freshet {

// Runs made one, in their order: where two have a result of the same name, the later one's counts.
// The machine's facts are those of the first; of facts that differ, all are listed.
BenchResults MergeResults(const std::vector<BenchResults>& runs);

// What the speed is held to, as one table: what was measured of it, with spread, beside what it is
// to be at least, and a warning where the machine was busy. Empty where nothing of it was measured.
std::string BudgetTable(const BenchResults& results);

// tests/bench/RESULTS.md: the machine, the budgets, and every result.
std::string ResultsPage(const BenchResults& results);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_RESULTS_PAGE_H_

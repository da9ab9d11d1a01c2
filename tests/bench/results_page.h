// Formats results as Markdown.

#ifndef FRESHET_TESTS_BENCH_RESULTS_PAGE_H_
#define FRESHET_TESTS_BENCH_RESULTS_PAGE_H_

#include <string>
#include <vector>

#include "tests/bench/bench_result.h"

namespace freshet {

// Merges runs, in their order: if several have a result of the same name, the last one counts. The
// machine's facts come from the first run; if runs differ in a fact, all its values are listed.
BenchResults MergeResults(const std::vector<BenchResults>& runs);

// One table of performance targets: the measured value with its spread beside each target, and a
// warning if the machine was busy. Empty if `results` holds nothing that has a target.
std::string BudgetTable(const BenchResults& results);

// The text of tests/bench/RESULTS.md: the machine, the targets, and every result.
std::string ResultsPage(const BenchResults& results);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_RESULTS_PAGE_H_

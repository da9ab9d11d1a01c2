// Measures how fast freshet is, beside what memory, the wire, the disk and an empty handler need in
// the same run. Run a release build on an idle machine: tests/bench/run.
//
// The server and its clients share the machine; so do the floors and theirs.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/command/text.h"
#include "core/base/str_cat.h"
#include "tests/bench/bare_server.h"
#include "tests/bench/bench_options.h"
#include "tests/bench/bench_report.h"
#include "tests/bench/bench_result.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/machine_facts.h"
#include "tests/bench/release_build.h"
#include "tests/bench/results_page.h"
#include "tests/bench/timed_latency.h"
#include "tests/support/file_text.h"

namespace freshet {
namespace {

constexpr int kExitUsage = 64;  // EX_USAGE

struct Benchmark {
  std::string name;
  void (*run)(const BenchOptions&, BenchReport&);
};

const std::vector<Benchmark>& Benchmarks() {
  static const auto* const kBenchmarks = new std::vector<Benchmark>{
      {"core", BenchCore},       {"files", BenchFiles},   {"end_to_end", BenchEndToEnd},
      {"predict", BenchPredict}, {"labels", BenchLabels}, {"snapshot", BenchSnapshot},
      {"replay", BenchReplay},   {"growth", BenchGrowth}, {"scrape", BenchScrape},
      {"memory", BenchMemory}};
  return *kBenchmarks;
}

struct Flags {
  bool bare_server = false;
  std::string endpoints_file;
  std::string form = "short";
  double minutes = 0;
  std::string dir;
  std::string json;
  std::vector<std::string> facts;   // NAME=VALUE.
  std::vector<std::string> merged;  // NAME=FILE.
  std::vector<std::string> reported;
  bool budgets = false;
  std::vector<std::string> names;
};

void DeclareFlags(CLI::App& app, Flags& flags) {
  app.add_option("--form", flags.form, "How much: smoke, short, standard or long [short]");
  app.add_option("--minutes", flags.minutes, "How many minutes `memory` loads the server");
  app.add_option("--dir", flags.dir,
                 "A folder on the disk to measure [the folder for temporary files]");
  app.add_option("--json", flags.json, "Where to write the results as JSON");
  app.add_option("--fact", flags.facts, "NAME=VALUE: adds a fact about the machine")
      ->allow_extra_args(false);
  app.add_option("--merge", flags.merged,
                 "NAME=FILE: adds the results in Google Benchmark's JSON output")
      ->allow_extra_args(false);
  app.add_option("--report", flags.reported,
                 "Measures nothing: prints the results in these JSON files as Markdown");
  app.add_flag("--budgets", flags.budgets, "With --report: only the table of performance targets");
  app.add_option(
      "names", flags.names,
      "What to measure: core, files, wire, learner, end_to_end, predict, labels, snapshot, replay, "
      "growth, scrape or memory; the beginning of a result's name, such as core/adagrad; or none "
      "[all]");
  app.add_flag("--bare-server", flags.bare_server)->group("");
  app.add_option("--endpoints-file", flags.endpoints_file)->group("");
}

int Fail(const std::string& message) {
  std::fprintf(stderr, "freshet_bench: %s\n", message.c_str());
  return kExitUsage;
}

int Report(const Flags& flags) {
  std::vector<BenchResults> runs;
  for (const std::string& path : flags.reported) {
    std::optional<BenchResults> run = BenchResults::FromJson(FileText(path));
    if (!run.has_value()) return Fail(StrCat(path, " holds no results; pass a file from --json"));
    runs.push_back(*std::move(run));
  }
  const BenchResults results = MergeResults(runs);
  std::fputs((flags.budgets ? BudgetTable(results) : ResultsPage(results)).c_str(), stdout);
  return 0;
}

// The parts of `text` before and after the first '='; nullopt if there is no '='.
std::optional<std::pair<std::string, std::string>> SplitAssignment(const std::string& text) {
  const size_t end = text.find('=');
  if (end == std::string::npos) return std::nullopt;
  return std::pair(text.substr(0, end), text.substr(end + 1));
}

int RunBenchmarks(const Flags& flags) {
  std::optional<BenchOptions> options = FormOptions(flags.form);
  if (!options.has_value()) return Fail(StrCat("no form is called '", flags.form, "'; see --help"));
  options->names = flags.names;
  options->dir = flags.dir.empty() ? std::filesystem::temp_directory_path().string() : flags.dir;
  if (flags.minutes > 0) options->memory_minutes = flags.minutes;
  Facts facts = MachineFacts(options->dir);
  facts.emplace_back("form", flags.form);
  for (const std::string& fact : flags.facts) {
    auto parts = SplitAssignment(fact);
    if (!parts.has_value()) return Fail(StrCat("--fact takes NAME=VALUE, not '", fact, "'"));
    facts.push_back(*std::move(parts));
  }
  BenchReport report(std::move(facts));
  for (const std::string& merged : flags.merged) {
    const auto parts = SplitAssignment(merged);
    if (!parts.has_value() || !report.AddGoogleBenchmarks(parts->first, FileText(parts->second))) {
      return Fail("--merge takes NAME=FILE with Google Benchmark's JSON, not '" + merged + "'");
    }
  }
  for (const Benchmark& benchmark : Benchmarks()) {
    if (!options->Chosen(benchmark.name)) continue;
    const BenchClock::time_point begin = BenchClock::now();
    benchmark.run(*options, report);
    std::printf("%s took %s s\n", benchmark.name.c_str(),
                Decimals(Seconds(BenchClock::now() - begin), 1).c_str());
  }
  if (!flags.json.empty() && !(std::ofstream(flags.json) << report.results().ToJson()).flush()) {
    return Fail("cannot write " + flags.json);
  }
  return 0;
}

// The name under which Benchmarks() has this one.
std::string KnownName(const std::string& name) {
  // These two floors are only measured together with what is compared with them.
  return name == "wire" || name == "learner" ? "end_to_end" : name;
}

bool IsKnown(const std::string& name) {
  const std::string group = name.substr(0, name.find('/'));
  return name == "none" ||
         std::any_of(Benchmarks().begin(), Benchmarks().end(),
                     [&group](const Benchmark& benchmark) { return benchmark.name == group; });
}

int Main(int argc, char** argv) {
  CLI::App app{"How fast freshet is."};
  Flags flags;
  DeclareFlags(app, flags);
  CLI11_PARSE(app, argc, argv);
  if (!flags.reported.empty()) return Report(flags);
  if (!kReleaseBuild) {
    return Fail(
        "this is not a release build, so its speed means nothing; build one with "
        "'cmake --preset release'");
  }
  if (flags.bare_server) return RunBareServer(flags.endpoints_file);
  for (std::string& name : flags.names) {
    name = KnownName(name);
    if (!IsKnown(name)) return Fail("no benchmark is called '" + name + "'; see --help");
  }
  return RunBenchmarks(flags);
}

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) { return freshet::Main(argc, argv); }

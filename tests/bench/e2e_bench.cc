// How fast freshet is from end to end, beside what the wire, the disk and an empty handler take in
// the same run. Run a release build on an idle machine:
//
//   tests/bench/run wire end_to_end
//
// The machine is shared by the server and its clients, as on the machine that the floor is measured
// on.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/bare_server.h"
#include "tests/bench/bench_report.h"
#include "tests/bench/e2e_benchmarks.h"
#include "tests/bench/release_build.h"

namespace freshet {
namespace {

constexpr int kExitUsage = 64;  // EX_USAGE

// As little as shows that everything works.
BenchOptions SmokeForm() {
  BenchOptions options;
  options.repetitions = 1;
  options.warm_up_s = 0.05;
  options.measure_s = 0.1;
  options.snapshot_bits = 18;
  options.replay_examples = 20'000;
  options.sync_count = 3;
  return options;
}

BenchOptions LongForm() {
  BenchOptions options;
  options.repetitions = 5;
  options.warm_up_s = 0.5;
  options.measure_s = 2.0;
  options.push_shapes = {{1, 1},    {16, 1},   {256, 1}, {512, 1},
                         {1024, 1}, {4096, 1}, {512, 2}, {512, 8}};
  options.predict_shapes = {{1, 1}, {64, 1}, {1, 16}, {64, 16}};
  options.replay_examples = 10'000'000;
  options.sync_count = 200;
  return options;
}

struct Benchmark {
  std::string name;
  void (*run)(const BenchOptions&, BenchReport&);
};

const std::vector<Benchmark>& Benchmarks() {
  static const auto* const benchmarks = new std::vector<Benchmark>{{"end_to_end", BenchEndToEnd},
                                                                   {"predict", BenchPredict},
                                                                   {"snapshot", BenchSnapshot},
                                                                   {"replay", BenchReplay}};
  return *benchmarks;
}

struct Flags {
  bool bare_server = false;
  std::string endpoints_file;
  bool smoke = false;
  bool long_form = false;
  std::string dir;
  std::string json;
  std::vector<std::string> merged;  // NAME=FILE.
  std::vector<std::string> names;
};

void DeclareFlags(CLI::App& app, Flags& flags) {
  app.add_flag("--long", flags.long_form, "All shapes, five longer repetitions: half an hour");
  app.add_flag("--smoke", flags.smoke, "As little as shows that everything works: no figures");
  app.add_option("--dir", flags.dir,
                 "A folder on the disk to measure [the folder for temporary files]");
  app.add_option("--json", flags.json, "Where to write the results as JSON");
  app.add_option("--merge", flags.merged,
                 "NAME=FILE: adds to the JSON what Google Benchmark wrote as JSON");
  app.add_option("names", flags.names,
                 "wire or end_to_end, predict, snapshot, replay; or none [all]");
  app.add_flag("--bare-server", flags.bare_server)->group("");
  app.add_option("--endpoints-file", flags.endpoints_file)->group("");
}

int Fail(const std::string& message) {
  std::fprintf(stderr, "e2e_bench: %s\n", message.c_str());
  return kExitUsage;
}

bool Chosen(const Flags& flags, const std::string& name) {
  return flags.names.empty() ||
         std::find(flags.names.begin(), flags.names.end(), name) != flags.names.end();
}

int RunBenchmarks(const Flags& flags) {
  BenchOptions options = flags.smoke ? SmokeForm() : flags.long_form ? LongForm() : BenchOptions();
  options.dir = flags.dir.empty() ? std::filesystem::temp_directory_path().string() : flags.dir;
  BenchReport report;
  for (const std::string& merged : flags.merged) {
    const size_t end = merged.find('=');
    std::ostringstream text;
    if (end != std::string::npos) text << std::ifstream(merged.substr(end + 1)).rdbuf();
    if (!report.AddGoogleBenchmarks(merged.substr(0, end), text.str())) {
      return Fail("--merge takes NAME=FILE with Google Benchmark's JSON, not '" + merged + "'");
    }
  }
  for (const Benchmark& benchmark : Benchmarks()) {
    if (Chosen(flags, benchmark.name)) benchmark.run(options, report);
  }
  if (!flags.json.empty() && !(std::ofstream(flags.json) << report.ToJson()).flush()) {
    return Fail("cannot write " + flags.json);
  }
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app{"How fast freshet is from end to end."};
  Flags flags;
  DeclareFlags(app, flags);
  CLI11_PARSE(app, argc, argv);
  if (!kReleaseBuild) {
    return Fail(
        "this is not a release build, whose speed means nothing; build one with "
        "'cmake --preset release'");
  }
  if (flags.bare_server) return RunBareServer(flags.endpoints_file);
  for (std::string& name : flags.names) {
    if (name == "wire") name = "end_to_end";  // The floor is only measured beside what it bears.
    const bool known = name == "none" || std::any_of(Benchmarks().begin(), Benchmarks().end(),
                                                     [&name](const Benchmark& benchmark) {
                                                       return benchmark.name == name;
                                                     });
    if (!known) return Fail("no benchmark is called '" + name + "'; see --help");
  }
  return RunBenchmarks(flags);
}

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) { return freshet::Main(argc, argv); }

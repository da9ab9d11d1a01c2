#include "client/command/generate_conversions.h"

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/command/quantity.h"
#include "client/command/stop_signal.h"
#include "client/command/text.h"
#include "client/generate/conversion_generator.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

struct ConversionArguments {
  uint64_t rows = 0;
  std::string events_path;
  std::string feedback_path;
  std::string truth_path;  // Empty: not written.
  std::string delay = "6h";
  std::string window = "3d";
  std::string campaign_every;  // Empty: there are no campaigns.
  ConversionGeneratorOptions generator;
};

// A file that is written anew. Not thread-safe.
class OutputFile {
 public:
  // An empty path: nothing is written.
  explicit OutputFile(std::string path) : path_(std::move(path)) {
    if (!path_.empty()) file_.open(path_, std::ios::binary | std::ios::trunc);
  }

  void Write(std::string_view text) {
    if (!path_.empty()) file_ << text;
  }
  // Whether all that was written so far went well.
  absl::Status Flush() {
    if (path_.empty()) return absl::OkStatus();
    file_.flush();
    if (file_.good()) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, StrCat("cannot write to ", path_));
  }

 private:
  const std::string path_;
  std::ofstream file_;
};

// The files of a stream, each in the order of its times. Not thread-safe.
class ConversionFiles {
 public:
  explicit ConversionFiles(const ConversionArguments& arguments)
      : events_(arguments.events_path),
        feedback_(arguments.feedback_path),
        truth_(arguments.truth_path) {
    feedback_.Write("event_id,name,time\n");
    truth_.Write("event_id,time,probability,converted,delay_ms\n");
  }

  void Write(const Conversion& conversion) {
    WriteFeedback(conversion.time_ms);
    line_.clear();
    AppendJsonLine(conversion, line_);
    events_.Write(line_);
    const bool converts = conversion.delay_ms.has_value();
    if (converts) waiting_.emplace(conversion.time_ms + *conversion.delay_ms, conversion.number);
    truth_.Write(StrCat(ConversionId(conversion.number), ",", conversion.time_ms, ",",
                        Decimals(conversion.event.probability, 8), ",", converts ? "1," : "0,",
                        converts ? StrCat(*conversion.delay_ms) : std::string(), "\n"));
  }

  // Writes the conversions that come before `time_ms`.
  void WriteFeedback(int64_t time_ms) {
    for (; !waiting_.empty() && waiting_.top().first < time_ms; waiting_.pop()) {
      const auto [time, number] = waiting_.top();
      feedback_.Write(StrCat(ConversionId(number), ",sale,", time, "\n"));
    }
  }

  absl::Status Flush() {
    absl::Status status = events_.Flush();
    if (status.ok()) status = feedback_.Flush();
    if (status.ok()) status = truth_.Flush();
    return status;
  }

 private:
  using TimeAndNumber = std::pair<int64_t, uint64_t>;

  OutputFile events_;
  OutputFile feedback_;
  OutputFile truth_;
  std::priority_queue<TimeAndNumber, std::vector<TimeAndNumber>, std::greater<>> waiting_;
  std::string line_;
};

absl::Status ReadLength(std::string_view flag, std::string_view text, double& ms) {
  const absl::StatusOr<uint64_t> seconds = ParseSeconds(text);
  if (!seconds.ok() || *seconds == 0) {
    return absl::InvalidArgumentError(
        StrCat(flag, ": '", text, "' is not a duration; write 90 for seconds, or 30m, 12h or 7d"));
  }
  ms = 1000 * static_cast<double>(*seconds);
  return absl::OkStatus();
}

absl::Status ReadArguments(ConversionArguments& arguments) {
  ConversionGeneratorOptions& generator = arguments.generator;
  absl::Status status = ReadLength("--delay", arguments.delay, generator.mean_delay_ms);
  if (status.ok()) status = ReadLength("--window", arguments.window, generator.window_ms);
  if (status.ok() && !arguments.campaign_every.empty()) {
    status = ReadLength("--campaign-every", arguments.campaign_every, generator.campaign_ms);
  }
  if (!status.ok()) return status;
  if (generator.window_ms < generator.mean_delay_ms) {
    return absl::InvalidArgumentError(StrCat("--window ", arguments.window,
                                             " is shorter than --delay ", arguments.delay,
                                             "; conversions must have the time to come"));
  }
  if (!(generator.positive_share > 0 && generator.positive_share < 1)) {
    return absl::InvalidArgumentError("--positive-share must be between 0 and 1, such as 0.01");
  }
  if (!(generator.events_per_hour > 0)) {
    return absl::InvalidArgumentError("--events-per-hour must be greater than 0");
  }
  return absl::OkStatus();
}

absl::Status GenerateConversions(ConversionArguments arguments) {
  if (absl::Status status = ReadArguments(arguments); !status.ok()) return status;
  constexpr uint64_t kRowsPerCheck = 4096;
  const std::atomic<bool>& stop = CatchStopSignals();
  ConversionGenerator generator(arguments.generator);
  ConversionFiles files(arguments);
  double loss_sum = 0;
  uint64_t positives = 0;
  uint64_t rows = 0;
  for (; rows < arguments.rows && !stop; ++rows) {
    if (rows % kRowsPerCheck == 0) {
      if (absl::Status status = files.Flush(); !status.ok()) return status;
    }
    const Conversion conversion = generator.Next();
    files.Write(conversion);
    const ClickEvent& event = conversion.event;
    loss_sum -= std::log(event.clicked ? event.probability : 1 - event.probability);
    positives += event.clicked ? 1 : 0;
  }
  files.WriteFeedback(INT64_MAX);
  if (absl::Status status = files.Flush(); !status.ok()) return status;
  if (rows == 0) return absl::OkStatus();
  const auto count = static_cast<double>(rows);
  const double within_mean = DelayShare(arguments.generator, arguments.generator.mean_delay_ms);
  const std::string summary =
      StrCat("freshet: generated ", GroupedCount(rows), " events over ",
             Decimals(count / arguments.generator.events_per_hour / 24, 1), " days, ",
             Decimals(100 * static_cast<double>(positives) / count, 2), " % converted, ",
             Decimals(100 * within_mean, 1), " % of them within ", arguments.delay,
             "; the true model's log loss is ", Decimals(loss_sum / count, 5), "\n");
  std::fputs(summary.c_str(), stderr);
  return absl::OkStatus();
}

void AddFileOptions(CLI::App& conversions, ConversionArguments& arguments) {
  conversions.add_option("--rows", arguments.rows, "How many impressions")
      ->required()
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  conversions
      .add_option("--events", arguments.events_path,
                  "Where to write the impressions: jsonl with an id, a time and features, no label")
      ->required()
      ->type_name("FILE");
  conversions
      .add_option("--feedback", arguments.feedback_path,
                  "Where to write the conversions, named sale: csv with event_id, name and time")
      ->required()
      ->type_name("FILE");
  conversions
      .add_option("--truth", arguments.truth_path,
                  "Where to write the hidden model's probability of each impression, whether it "
                  "converts and when: csv")
      ->type_name("FILE");
}

void AddStreamOptions(CLI::App& conversions, ConversionArguments& arguments) {
  ConversionGeneratorOptions& generator = arguments.generator;
  conversions.add_option("--positive-share", generator.positive_share, "About this share converts")
      ->type_name("SHARE")
      ->capture_default_str();
  conversions
      .add_option("--delay", arguments.delay,
                  "Mean of the conversions' delays, which are exponentially distributed")
      ->type_name("TIME")
      ->capture_default_str();
  conversions
      .add_option("--window", arguments.window,
                  "No conversion comes later than this after its impression")
      ->type_name("TIME")
      ->capture_default_str();
  conversions.add_option("--events-per-hour", generator.events_per_hour, "Impressions per hour")
      ->type_name("N")
      ->capture_default_str();
  conversions
      .add_option("--campaign-every", arguments.campaign_every,
                  "A new campaign begins so often, beside those that run (default: no campaigns)")
      ->type_name("TIME");
  conversions
      .add_option("--seed", generator.seed, "Random seed: the same seed gives the same stream")
      ->type_name("N")
      ->capture_default_str();
  conversions
      .add_option("--world-seed", generator.world_seed,
                  "Random seed of the hidden model, so that streams of several seeds have the same "
                  "(default: --seed)")
      ->type_name("N");
}

}  // namespace

void AddGenerateConversions(CLI::App& generate, CommandContext& context) {
  CLI::App* conversions = generate.add_subcommand(
      "conversions",
      "Impressions of a hidden logistic model, some of which convert hours or days later");
  conversions->footer(
      "Writes two files in the order of their times, for models with a label rule. At the end it "
      "prints\n"
      "the log loss of the hidden model itself to stderr: the best that any learner can reach.\n"
      "Example:\n"
      "  freshet generate conversions --rows 100000 --events shown.jsonl --feedback sales.csv\n"
      "  freshet models create ads --wait 3d --feedback sale\n"
      "  freshet push ads shown.jsonl --events --event-id id --time time\n"
      "  freshet feedback ads sales.csv");
  const auto arguments = std::make_shared<ConversionArguments>();
  AddFileOptions(*conversions, *arguments);
  AddStreamOptions(*conversions, *arguments);
  conversions->callback([&context, arguments] {
    context.action = [arguments] { return GenerateConversions(*arguments); };
  });
}

}  // namespace freshet

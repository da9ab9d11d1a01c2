#include <unistd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/feedback_pusher.h"
#include "core/base/str_cat.h"
#include "tests/bench/bench_failure.h"
#include "tests/bench/bench_servers.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/compared_loads.h"
#include "tests/bench/event_ids.h"
#include "tests/bench/learn_load.h"
#include "tests/bench/predict_load.h"
#include "tests/support/process_usage.h"

namespace freshet {
namespace {

constexpr int kRowsOfBatch = 512;
constexpr uint64_t kHourMs = 3'600'000;
// One event of this many gets feedback: 2 % of them.
constexpr uint64_t kEventsPerFeedback = 50;

// Gives the model a rule by which events wait for `wait_ms` for their labels.
void AddLabelRule(const BenchServer& server, const std::string& model, uint64_t wait_ms) {
  v1::Model values;
  values.mutable_label_rule()->set_wait_ms(wait_ms);
  values.mutable_label_rule()->set_horizon_ms(24 * kHourMs);
  const auto updated = server.client().UpdateModel(model, values, {"label_rule"});
  if (!updated.ok()) FailBench(updated.status().ToString());
}

v1::Model Describe(const BenchServer& server, const std::string& model) {
  absl::StatusOr<v1::Model> described = server.client().GetModel(model);
  if (!described.ok()) FailBench(described.status().ToString());
  if (!described->labels().join_fault().empty()) FailBench(described->labels().join_fault());
  return *std::move(described);
}

// Waits until the join has taken in what the model has learned or logged so far. Otherwise its work
// would fall into the next measurement.
void AwaitJoin(const BenchServer& server, const std::string& model) {
  const uint64_t offset = Describe(server, model).offset();
  while (Describe(server, model).labels().join_offset() < offset) {
    absl::SleepFor(absl::Milliseconds(2));
  }
}

void CheckFeedback(const absl::Status& status) {
  if (!status.ok()) FailBench(status.ToString());
}

// Measures predictions that are logged alternately with plain ones of the same server.
void BenchLoggedCalls(const BenchOptions& options, const std::string& when,
                      const BenchServer& server, EventIds& ids, BenchReport& report) {
  constexpr PredictShape kShape{.rows = 1, .callers = 1};
  const uint64_t ids_before = ids.count();
  const uint64_t events_before = Describe(server, "ctr").labels().event_count();
  CallLatencies logged;
  CallLatencies plain;
  for (int i = 0; i < options.repetitions; ++i) {
    logged.Add(MeasureCalls(options, server.address(), "ctr", kShape, UnaryMethod::kPredict, &ids));
    AwaitJoin(server, "ctr");
    plain.Add(MeasureCalls(options, server.address(), "ctr", kShape));
  }
  const std::string name = StrCat("labels/predict/logged/", when);
  ReportLatencies(StrCat(name, "/", kShape.rows, "/", kShape.callers), logged, plain, report);
  const auto called = static_cast<double>(ids.count() - ids_before);
  const auto events =
      static_cast<double>(Describe(server, "ctr").labels().event_count() - events_before);
  report.Add(name + "/dropped", "ratio", {1 - events / called});
}

void BenchLoggedPredictions(const BenchOptions& options, BenchReport& report) {
  const BenchServer server(options.dir);
  server.CreateModel("ctr", v1::DURABILITY_FSYNC);
  std::vector<v1::LearnRequest> requests = MakeLearnRequests(kRowsOfBatch);
  PushExamples(StartRawLoad(server.address(), "ctr", 1, requests), requests.size() * kRowsOfBatch);
  AddLabelRule(server, "ctr", kHourMs);
  EventIds ids;
  BenchLoggedCalls(options, "alone", server, ids, report);
  const std::unique_ptr<LearnLoad> load = StartRawLoad(server.address(), "ctr", 1, requests);
  BenchLoggedCalls(options, "learning", server, ids, report);
  load->Stop();
}

// Measures batches of events, which nothing is learned of yet, alternately with the same batches
// with labels.
void BenchEvents(const BenchOptions& options, BenchReport& report) {
  const BenchServer server(options.dir);
  std::vector<v1::LearnRequest> labelled = MakeLearnRequests(kRowsOfBatch);
  std::vector<v1::LearnRequest> events = MakeEventRequests(kRowsOfBatch);
  EventIds ids;
  for (const char* const model : {"labelled", "events"}) {
    server.CreateModel(model, v1::DURABILITY_FSYNC);
    // Touches the memory of the model.
    PushExamples(StartRawLoad(server.address(), model, 1, labelled),
                 labelled.size() * kRowsOfBatch);
  }
  AddLabelRule(server, "events", kHourMs);
  // Makes the tables of the join, and touches their memory.
  PushExamples(StartRawLoad(server.address(), "events", 1, events, kWindowExamples, &ids), 1);
  AwaitJoin(server, "events");
  const auto measure = [&](std::unique_ptr<LearnLoad> load) {
    return MeasureLoad(std::move(load), server.pid(), options.warm_up_s, options.measure_s);
  };
  const auto results = MeasureInterleaved(
      options, {{"labelled",
                 [&] { return measure(StartRawLoad(server.address(), "labelled", 1, labelled)); }},
                {"events", [&] {
                   LoadRates rates = measure(
                       StartRawLoad(server.address(), "events", 1, events, kWindowExamples, &ids));
                   AwaitJoin(server, "events");
                   return rates;
                 }}});
  ReportLoad(StrCat("labels/events/packed/fsync/", kRowsOfBatch, "/1"), results.at("events"),
             results.at("labelled"), report);
}

// Events of one model which are decided as soon as they come.
class JoinedEvents {
 public:
  JoinedEvents(const BenchServer& server, std::string model)
      : server_(server),
        model_(std::move(model)),
        events_(MakeEventRequests(kRowsOfBatch)),
        examples_before_(Describe(server, model_).example_count()) {
    AddLabelRule(server, model_, /*wait_ms=*/0);
  }

  // Gives feedback in advance to 2 % of the next events, of which there are at most `examples` and
  // those in flight.
  void GiveFeedback(uint64_t examples);

  // Pushes events and waits until they are learned. Returns how many there were.
  uint64_t Push(uint64_t examples);

 private:
  const BenchServer& server_;
  const std::string model_;
  std::vector<v1::LearnRequest> events_;
  const uint64_t examples_before_;
  EventIds ids_;
  uint64_t feedback_end_ = 0;  // Events with numbers below this one have their feedback.
};

void JoinedEvents::GiveFeedback(uint64_t examples) {
  const auto pusher = FeedbackPusher::Start(server_.client(), model_, {}).value();
  // The load stops once `examples` are acknowledged. Then others are in flight.
  const uint64_t end = ids_.count() + examples + 4 * kWindowExamples;
  v1::FeedbackItem item;
  for (; feedback_end_ < end; feedback_end_ += kEventsPerFeedback) {
    item.set_event_id(EventIds::Id(feedback_end_));
    CheckFeedback(pusher->Push(item));
  }
  CheckFeedback(pusher->Close());
  AwaitJoin(server_, model_);
}

uint64_t JoinedEvents::Push(uint64_t examples) {
  const uint64_t pushed = PushExamples(
      StartRawLoad(server_.address(), model_, 1, events_, kWindowExamples, &ids_), examples);
  while (true) {
    const v1::Model model = Describe(server_, model_);
    const v1::LabelFigures& labels = model.labels();
    if (labels.matched_count() + labels.defaulted_count() >= ids_.count() &&
        model.example_count() - examples_before_ >= ids_.count()) {
      if (labels.matched_count() != (ids_.count() - 1) / kEventsPerFeedback + 1) {
        FailBench(StrCat(labels.matched_count(), " of ", ids_.count(), " events have feedback"));
      }
      return pushed;
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
}

// Measures `push`, which returns how many examples it has pushed and seen learned.
template <typename Push>
LoadRates RatesOf(const BenchServer& server, const Push& push) {
  const BenchClock::time_point begin = BenchClock::now();
  const double server_before = CpuSeconds(server.pid());
  const double client_before = CpuSeconds(getpid());
  const auto examples = static_cast<double>(push());
  LoadRates rates;
  rates.examples_per_s = examples / Seconds(BenchClock::now() - begin);
  rates.server_cpu_s = (CpuSeconds(server.pid()) - server_before) / examples * 1e6;
  rates.client_cpu_s = (CpuSeconds(getpid()) - client_before) / examples * 1e6;
  return rates;
}

// Measures events from the first one sent to the last one learned, alternately with the same
// examples with labels. `create` makes a model with the learner.
template <typename Create>
void BenchJoined(const BenchOptions& options, const std::string& learner, const Create& create,
                 BenchReport& report) {
  const std::string name = StrCat("labels/joined/", learner);
  if (!options.Chosen(name)) return;
  const BenchServer server(options.dir);
  std::vector<v1::LearnRequest> labelled = MakeLearnRequests(kRowsOfBatch);
  for (const char* const model : {"labelled", "events"}) {
    create(server, model);
    PushExamples(StartRawLoad(server.address(), model, 1, labelled),
                 labelled.size() * kRowsOfBatch);
  }
  JoinedEvents events(server, "events");
  const auto results = MeasureInterleaved(
      options, {{"labelled",
                 [&] {
                   return RatesOf(server, [&] {
                     return PushExamples(StartRawLoad(server.address(), "labelled", 1, labelled),
                                         options.joined_examples);
                   });
                 }},
                {"events", [&] {
                   events.GiveFeedback(options.joined_examples);
                   return RatesOf(server, [&] { return events.Push(options.joined_examples); });
                 }}});
  ReportRates(name, results.at("events"), results.at("labelled"), report);
}

}  // namespace

void BenchLabels(const BenchOptions& options, BenchReport& report) {
  if (options.Chosen("labels/predict")) BenchLoggedPredictions(options, report);
  if (options.Chosen("labels/events")) BenchEvents(options, report);
  BenchJoined(
      options, "adagrad",
      [](const BenchServer& server, const std::string& model) {
        server.CreateModel(model, v1::DURABILITY_FSYNC);
      },
      report);
  BenchJoined(
      options, "auto",
      [](const BenchServer& server, const std::string& model) {
        server.CreateAutoModel(model, v1::DURABILITY_FSYNC);
      },
      report);
}

}  // namespace freshet

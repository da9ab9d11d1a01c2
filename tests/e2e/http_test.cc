// The HTTP endpoint of a real server: its metrics agree with the API.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "core/base/str_cat.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "tests/support/file_text.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"

namespace freshet {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

// A page of metrics: samples by their name and labels, as written on the page.
class Metrics {
 public:
  explicit Metrics(const std::string& text) {
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
      if (line.starts_with('#')) continue;
      const size_t space = line.rfind(' ');
      EXPECT_TRUE(samples_.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second)
          << line;
    }
  }

  bool Has(const std::string& sample) const { return samples_.contains(sample); }

  // Returns -1 and fails the test if there is no such sample.
  double operator[](const std::string& sample) const {
    const auto found = samples_.find(sample);
    EXPECT_NE(found, samples_.end()) << sample;
    return found == samples_.end() ? -1 : found->second;
  }

 private:
  std::map<std::string, double> samples_;
};

class HttpTest : public ServerFixture {
 protected:
  void SetUp() override { Start(); }

  void Push(const std::string& id, int batches, int batch_examples) {
    auto pusher = Pusher::Start(*client_, id, {});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    RandomExamples random(1);
    for (int i = 0; i < batches; ++i) {
      ExampleBatchBuilder batch;
      random.Append(batch_examples, batch);
      ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
    }
    ASSERT_TRUE((*pusher)->Close().ok());
  }

  // The body of a page; empty, failing the test, if the server does not return it.
  std::string Get(const std::string& path) const {
    auto answer = httplib::Client("http://" + server_->http_address()).Get(path);
    EXPECT_TRUE(answer && answer->status == 200) << path;
    return answer ? answer->body : "";
  }

  Metrics Scrape() const { return Metrics(Get("/metrics")); }
};

TEST_F(HttpTest, HasProbesAndNamesItsPages) {
  EXPECT_EQ(Get("/healthz"), "ok\n");
  EXPECT_EQ(Get("/readyz"), "ok\n");
  for (const char* path : {"/metrics", "/healthz", "/readyz"}) {
    EXPECT_THAT(Get("/"), HasSubstr(path));
  }
  httplib::Client http("http://" + server_->http_address());
  EXPECT_EQ(http.Get("/nothing")->status, 404);
  EXPECT_EQ(http.Post("/metrics", "x", "text/plain")->status, 405);
  EXPECT_EQ(http.Get("/metrics")->get_header_value("Content-Type"),
            "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(HttpTest, MetricsAgreeWithTheApi) {
  CreateModel("ctr");
  Push("ctr", 30, 100);
  ASSERT_TRUE(client_->CreateSnapshot("ctr").ok());
  Push("ctr", 5, 10);
  const auto model = client_->GetModel("ctr");
  ASSERT_TRUE(model.ok()) << model.status();
  const Metrics metrics = Scrape();
  const auto of_model = [&](const std::string& name) {
    return metrics["freshet_model_" + name + "{model=\"ctr\"}"];
  };
  EXPECT_EQ(of_model("examples_total"), 3050);
  EXPECT_EQ(of_model("queued_examples"), 0);
  const auto offset = static_cast<double>(model->offset());
  EXPECT_EQ(of_model("accepted_offset"), offset);
  EXPECT_EQ(of_model("logged_offset"), offset);
  EXPECT_EQ(of_model("applied_offset"), offset);
  EXPECT_EQ(metrics["freshet_model_batches_total{model=\"ctr\",code=\"OK\"}"], offset);

  const v1::Storage& storage = model->storage();
  EXPECT_EQ(of_model("snapshot_offset"), storage.snapshot_offset());
  EXPECT_EQ(of_model("log_bytes"), storage.log_bytes());
  EXPECT_EQ(of_model("log_first_offset"), storage.log_first_offset());
  EXPECT_EQ(of_model("log_fault"), 0);
  EXPECT_EQ(of_model("snapshots"), 1);
  EXPECT_EQ(of_model("snapshot_bytes"), storage.snapshot_bytes());
  EXPECT_NEAR(of_model("snapshot_pause_seconds"), storage.last_pause_ms() / 1000, 1e-9);
  EXPECT_GT(storage.sync_count(), 0U);
  EXPECT_EQ(of_model("log_sync_duration_seconds_count"), storage.sync_count());
  EXPECT_GT(of_model("log_sync_duration_seconds_sum"), 0);

  const v1::ProgressiveMetrics& learned = model->variants(0).metrics();
  const auto of_variant = [&](const std::string& name) {
    return metrics["freshet_variant_" + name + R"({model="ctr",variant="main"})"];
  };
  EXPECT_NEAR(of_variant("progressive_loss"), learned.loss(), 1e-12);
  EXPECT_NEAR(of_variant("decayed_loss"), learned.decayed_loss(), 1e-12);
  EXPECT_NEAR(of_variant("base_rate_loss"), learned.base_rate_loss(), 1e-12);
  EXPECT_NEAR(of_variant("auc"), learned.auc(), 1e-12);
  EXPECT_NEAR(of_variant("calibration_ratio"), learned.calibration(), 1e-12);
  EXPECT_NEAR(of_variant("label_mean"), learned.label_mean(), 1e-12);
  EXPECT_EQ(of_variant("table_bytes"), static_cast<double>(model->variants(0).table_bytes()));

  EXPECT_EQ(metrics["freshet_models"], 1);
  EXPECT_GT(metrics["process_open_fds"], 3);
}

TEST_F(HttpTest, CountsCallsAndStreams) {
  CreateModel("ctr");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client_->GetModel("ctr").ok());
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(client_->GetModel("other").ok());
  const std::string get = "method=\"freshet.v1.ModelService/GetModel\"";
  Metrics metrics = Scrape();
  EXPECT_EQ(metrics["freshet_rpc_requests_total{" + get + ",code=\"OK\"}"], 3);
  EXPECT_EQ(metrics["freshet_rpc_requests_total{" + get + ",code=\"NOT_FOUND\"}"], 2);
  EXPECT_EQ(metrics["freshet_rpc_duration_seconds_count{" + get + "}"], 5);
  EXPECT_EQ(metrics["freshet_learn_streams"], 0);

  // Two bad rows in a batch, and a good batch twice, on a stream that stays open.
  const auto stub = v1::LearningService::NewStub(client_->channel());
  grpc::ClientContext context;
  const auto stream = stub->Learn(&context);
  v1::LearnRequest request;
  request.set_model("models/ctr");
  request.set_producer_id("p");
  request.set_sequence(1);
  for (int i = 0; i < 3; ++i) request.mutable_examples()->add_examples()->set_label(i < 2 ? 7 : 1);
  v1::LearnResponse response;
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  EXPECT_EQ(response.error().bad_row_count(), 2U);
  for (auto& example : *request.mutable_examples()->mutable_examples()) example.set_label(1);
  request.set_sequence(2);
  for (int i = 0; i < 2; ++i) {
    response.Clear();
    ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
    EXPECT_FALSE(response.has_error()) << response.error().message();
    EXPECT_EQ(response.duplicate(), i == 1);
  }
  metrics = Scrape();
  EXPECT_EQ(metrics["freshet_learn_streams"], 1);
  EXPECT_EQ(metrics["freshet_model_batches_total{model=\"ctr\",code=\"INVALID_ARGUMENT\"}"], 1);
  EXPECT_EQ(metrics["freshet_model_batches_total{model=\"ctr\",code=\"OK\"}"], 1);
  EXPECT_EQ(metrics["freshet_model_bad_examples_total{model=\"ctr\"}"], 2);
  EXPECT_EQ(metrics["freshet_model_duplicate_batches_total{model=\"ctr\"}"], 1);
  EXPECT_EQ(metrics["freshet_model_examples_total{model=\"ctr\"}"], 3);
  stream->WritesDone();
  while (stream->Read(&response)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(HttpTest, ModelsComeAndGo) {
  CreateModel("a");
  CreateModel("b");
  Metrics metrics = Scrape();
  EXPECT_EQ(metrics["freshet_models"], 2);
  EXPECT_TRUE(metrics.Has("freshet_model_examples_total{model=\"a\"}"));
  EXPECT_TRUE(metrics.Has("freshet_model_examples_total{model=\"b\"}"));
  EXPECT_FALSE(metrics.Has("freshet_variant_progressive_loss{model=\"a\",variant=\"main\"}"));
  ASSERT_TRUE(client_->DeleteModel("a").ok());
  metrics = Scrape();
  EXPECT_EQ(metrics["freshet_models"], 1);
  EXPECT_FALSE(metrics.Has("freshet_model_examples_total{model=\"a\"}"));
}

TEST_F(HttpTest, HistoryBeginsWhenAModelLearns) {
  CreateModel("ctr");
  EXPECT_THAT(Get("/history?model=ctr"), HasSubstr("\"samples\":[]}"));
  httplib::Client http("http://" + server_->http_address());
  EXPECT_EQ(http.Get("/history")->status, 400);
  Push("ctr", 2, 100);
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (Get("/history?model=ctr").find(",200,2,2,0,") == std::string::npos) {
    ASSERT_LT(absl::Now(), deadline);
    absl::SleepFor(absl::Milliseconds(20));
  }
}

TEST_F(HttpTest, FiguresSurviveARestart) {
  CreateModel("ctr");
  Push("ctr", 4, 100);
  const Metrics before = Scrape();
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  const Metrics after = Scrape();
  for (const std::string name :
       {"examples_total", "accepted_offset", "applied_offset", "logged_offset", "log_bytes"}) {
    const std::string sample = "freshet_model_" + name + "{model=\"ctr\"}";
    EXPECT_EQ(after[sample], before[sample]) << sample;
  }
}

TEST_F(HttpTest, ServesManyScrapesWhileModelsLearn) {
  constexpr int kScrapers = 4;
  CreateModel("a");
  CreateModel("b");
  std::atomic<bool> done{false};
  std::vector<std::thread> scrapers;
  scrapers.reserve(kScrapers);
  std::atomic<int> scrapes{0};
  for (int i = 0; i < kScrapers; ++i) {
    scrapers.emplace_back([&] {
      double last = 0;
      do {
        const Metrics metrics = Scrape();
        const double examples = metrics["freshet_model_examples_total{model=\"a\"}"];
        EXPECT_GE(examples, last);
        EXPECT_GE(metrics["freshet_model_accepted_offset{model=\"a\"}"],
                  metrics["freshet_model_applied_offset{model=\"a\"}"]);
        last = examples;
        ++scrapes;
      } while (!done);
    });
  }
  std::thread other([&] { Push("b", 200, 100); });
  Push("a", 200, 100);
  other.join();
  done = true;
  for (std::thread& scraper : scrapers) scraper.join();
  EXPECT_GE(scrapes, kScrapers);
  const Metrics metrics = Scrape();
  for (const std::string id : {"a", "b"}) {
    EXPECT_EQ(metrics[StrCat("freshet_model_examples_total{model=\"", id, "\"}")], 20'000);
  }
}

TEST_F(HttpTest, IsNotReadyOnceTheServerStops) {
  CreateModel("ctr");  // Its open connection delays the stop.
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  server_->Signal(SIGTERM);
  while (server_->Log().find("event=draining") == std::string::npos) {
    ASSERT_LT(absl::Now(), deadline) << server_->Log();
    absl::SleepFor(absl::Milliseconds(1));
  }
  httplib::Client http("http://" + server_->http_address());
  while (auto answer = http.Get("/readyz")) {
    EXPECT_EQ(answer->status, 503);
    EXPECT_EQ(answer->body, "the server is stopping\n");
    ASSERT_LT(absl::Now(), deadline);
  }
  const ExitState state = server_->Wait();
  EXPECT_EQ(state.code, 0) << state.log;
}

// The path of a program; nullopt if it is not installed.
std::optional<std::string> FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  std::string folder;
  while (std::getline(folders, folder, ':')) {
    const std::filesystem::path program = std::filesystem::path(folder) / name;
    if (std::filesystem::exists(program)) return program.string();
  }
  return std::nullopt;
}

// All words in a file that look like names of metrics, in the form that the page uses.
std::set<std::string> MetricsNamedIn(const std::string& path) {
  const std::string text = FileText(path);
  EXPECT_FALSE(text.empty()) << path;
  static const std::regex kName(R"(\b(freshet|process)_[a-z_]+)");
  std::set<std::string> names;
  for (std::sregex_iterator found(text.begin(), text.end(), kName), end; found != end; ++found) {
    std::string name = found->str();
    for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    }
    names.insert(name);
  }
  return names;
}

TEST_F(HttpTest, HasEveryMetricOfTheProvisionedDashboardAndAlerts) {
  CreateModel("ctr");
  Push("ctr", 3, 100);
  // Figures of events are those of models with a label rule.
  const auto created = httplib::Client("http://" + server_->http_address())
                           .Post("/v1/models",
                                 R"({"modelId":"ads","model":{"labelRule":{"waitMs":"60000"},)"
                                 R"("variants":[{"learner":{"loss":"LOSS_LOGISTIC","bits":12}}]}})",
                                 "application/json");
  ASSERT_TRUE(created && created->status == 200) << created->body;
  const std::string page = Get("/metrics");
  for (const std::string file : {"grafana/dashboards/freshet.json", "prometheus/alerts.yml"}) {
    const std::set<std::string> names = MetricsNamedIn(FRESHET_DEPLOY_DIR "/" + file);
    EXPECT_FALSE(names.empty()) << file;
    for (const std::string& name : names) {
      if (name.starts_with("freshet_model_served_")) continue;  // No prediction was logged.
      EXPECT_THAT(page, HasSubstr("# TYPE " + name + " ")) << file;
      EXPECT_THAT(page, ContainsRegex("\n" + name + "(_bucket)?[{ ]")) << file;
    }
  }
}

TEST_F(HttpTest, PrometheusTakesTheProvisionedConfiguration) {
  const std::optional<std::string> promtool = FindProgram("promtool");
  if (!promtool) GTEST_SKIP() << "promtool is not installed (Debian package prometheus)";
  const CommandResult verdict =
      RunCommand({*promtool, "check", "config", FRESHET_DEPLOY_DIR "/prometheus/prometheus.yml"});
  EXPECT_EQ(verdict.code, 0) << verdict.out << verdict.err;
}

TEST_F(HttpTest, PrometheusFindsNoFaultWithThePage) {
  const std::optional<std::string> promtool = FindProgram("promtool");
  if (!promtool) GTEST_SKIP() << "promtool is not installed (Debian package prometheus)";
  CreateModel("ctr");
  Push("ctr", 3, 100);
  const CommandResult verdict = RunCommand({*promtool, "check", "metrics"}, Get("/metrics"));
  EXPECT_EQ(verdict.code, 0) << verdict.out << verdict.err;
  EXPECT_EQ(verdict.out + verdict.err, "");
}

}  // namespace
}  // namespace freshet

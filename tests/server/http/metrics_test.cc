// Tests of the metrics on the page: names, labels and what is left out.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "server/http/metric_family.h"
#include "server/http/model_metrics.h"
#include "server/http/process_metrics.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string TextOf(const std::vector<prometheus::MetricFamily>& page) {
  return prometheus::TextSerializer().Serialize(page);
}

class ModelMetricsTest : public testing::Test {
 protected:
  ModelMetricsTest() {
    model_.set_name("models/ctr");
    model_.set_durability(v1::DURABILITY_FSYNC);
    model_.add_variants()->set_name("models/ctr/variants/main");
  }

  std::string Text() {
    const ModelSample sample = {.id = "ctr",
                                .time = absl::FromUnixSeconds(1000),
                                .model = std::make_shared<const v1::Model>(model_),
                                .batches = &batches_,
                                .counters = {.syncs = syncs_.Read(),
                                             .accepted_offset = 9,
                                             .known_producers = 11,
                                             .forgotten_producers = 12,
                                             .log_fault = log_fault_}};
    std::vector<prometheus::MetricFamily> page;
    AddModelMetrics({&sample, 1}, page);
    return TextOf(page);
  }

  v1::Model model_;
  BatchCounters batches_;
  LatencyHistogram syncs_;
  bool log_fault_ = false;
};

TEST_F(ModelMetricsTest, SaysWhatTheModelSays) {
  model_.set_example_count(uint64_t{1} << 50);
  model_.set_offset(7);
  model_.set_queued_example_count(20);
  v1::Storage& storage = *model_.mutable_storage();
  storage.set_logged_offset(8);
  storage.set_log_bytes(1000);
  storage.set_log_first_offset(3);
  storage.set_snapshot_count(2);
  storage.set_snapshot_bytes(500);
  storage.set_snapshot_offset(4);
  storage.set_last_pause_ms(25);
  v1::ProgressiveMetrics& metrics = *model_.mutable_variants(0)->mutable_metrics();
  metrics.set_example_count(7);
  metrics.set_loss(0.25);
  metrics.set_decayed_loss(0.5);
  metrics.set_base_rate_loss(0.75);
  metrics.set_auc(0.875);
  metrics.set_calibration(1.5);
  metrics.set_label_mean(0.125);
  metrics.set_skipped_count(6);
  metrics.set_cut_count(3);
  model_.mutable_variants(0)->mutable_learner()->set_l1(0.5);
  model_.mutable_variants(0)->mutable_table()->set_zero_weight_count(11);
  model_.mutable_variants(0)->set_table_bytes(4096);
  v1::MixturePart& part = *model_.mutable_variants(0)->add_mixture();
  part.set_name("coin");
  part.set_weight(0.625);
  part.set_decayed_loss(0.375);
  const std::string text = Text();
  for (const char* line :
       {"freshet_model_examples_total{model=\"ctr\"} 1125899906842624\n",
        "freshet_model_queued_examples{model=\"ctr\"} 20\n",
        "freshet_model_accepted_offset{model=\"ctr\"} 9\n",
        "freshet_model_applied_offset{model=\"ctr\"} 7\n",
        "freshet_model_logged_offset{model=\"ctr\"} 8\n",
        "freshet_model_snapshot_offset{model=\"ctr\"} 4\n",
        "freshet_model_log_first_offset{model=\"ctr\"} 3\n",
        "freshet_model_log_bytes{model=\"ctr\"} 1000\n",
        "freshet_model_snapshots{model=\"ctr\"} 2\n",
        "freshet_model_snapshot_bytes{model=\"ctr\"} 500\n",
        "freshet_model_snapshot_pause_seconds{model=\"ctr\"} 0.025\n",
        "freshet_variant_progressive_loss{model=\"ctr\",variant=\"main\"} 0.25\n",
        "freshet_variant_decayed_loss{model=\"ctr\",variant=\"main\"} 0.5\n",
        "freshet_variant_base_rate_loss{model=\"ctr\",variant=\"main\"} 0.75\n",
        "freshet_variant_auc{model=\"ctr\",variant=\"main\"} 0.875\n",
        "freshet_variant_calibration_ratio{model=\"ctr\",variant=\"main\"} 1.5\n",
        "freshet_variant_label_mean{model=\"ctr\",variant=\"main\"} 0.125\n",
        "freshet_variant_skipped_examples_total{model=\"ctr\",variant=\"main\"} 6\n",
        "freshet_variant_cut_examples_total{model=\"ctr\",variant=\"main\"} 3\n",
        "freshet_variant_zero_weights{model=\"ctr\",variant=\"main\"} 11\n",
        "freshet_variant_table_bytes{model=\"ctr\",variant=\"main\"} 4096\n",
        "freshet_variant_mixture_weight{model=\"ctr\",variant=\"main\",part=\"coin\"} 0.625\n"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + line));
  }
  EXPECT_THAT(text,
              HasSubstr("\nfreshet_variant_mixture_decayed_loss{model=\"ctr\",variant=\"main\","
                        "part=\"coin\"} 0.375\n"));
}

TEST_F(ModelMetricsTest, SaysHowWellAVariantPredictsNowAndWhetherItsStreamHasChanged) {
  v1::ProgressiveMetrics& metrics = *model_.mutable_variants(0)->mutable_metrics();
  metrics.set_example_count(7);
  metrics.set_relative_gain(0.5);
  metrics.set_r_squared(0.25);
  metrics.mutable_window()->set_example_count(6);
  metrics.mutable_window()->set_loss(0.375);
  metrics.mutable_window()->set_auc(0.75);
  v1::DriftAlarm& alarm = *metrics.add_drift_alarms();
  alarm.set_subject("label_rate");
  alarm.set_count(3);
  alarm.set_level(0.5);
  v1::ReliabilityBin& bin = *metrics.add_reliability_bins();
  bin.set_from(0.0502);
  bin.set_weight_sum(4);
  bin.set_prediction_mean(0.0625);
  bin.set_label_mean(0.125);
  const std::string text = Text();
  const std::string ids = R"({model="ctr",variant="main")";
  for (const std::string& line :
       {"relative_gain_ratio" + ids + "} 0.5\n", "r_squared" + ids + "} 0.25\n",
        "window_examples" + ids + "} 6\n", "window_loss" + ids + "} 0.375\n",
        "window_auc" + ids + "} 0.75\n",
        "drift_alarms_total" + ids + ",subject=\"label_rate\"} 3\n",
        "drift_level_ratio" + ids + ",subject=\"label_rate\"} 0.5\n",
        "reliability_weight" + ids + ",from=\"0.05\"} 4\n",
        "reliability_prediction_mean" + ids + ",from=\"0.05\"} 0.0625\n",
        "reliability_label_mean" + ids + ",from=\"0.05\"} 0.125\n"}) {
    EXPECT_THAT(text, HasSubstr("\nfreshet_variant_" + line));
  }
  EXPECT_THAT(text, Not(HasSubstr("mean_squared_error")));
  EXPECT_THAT(text, Not(HasSubstr("window_calibration")));
}

TEST_F(ModelMetricsTest, LeavesOutWhatMeansNothingYet) {
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("\nfreshet_model_examples_total{model=\"ctr\"} 0\n"));
  for (const char* name : {"loss", "_auc", "calibration", "label_mean"}) {
    EXPECT_THAT(text, Not(HasSubstr(name)));
  }
}

TEST_F(ModelMetricsTest, AModelWithoutALogHasNoMetricsOfOne) {
  EXPECT_THAT(Text(), HasSubstr("_log"));
  model_.set_durability(v1::DURABILITY_NONE);
  EXPECT_THAT(Text(), Not(HasSubstr("_log")));
}

TEST_F(ModelMetricsTest, ALogThatCannotBeWrittenShows) {
  EXPECT_THAT(Text(), HasSubstr("\nfreshet_model_log_fault{model=\"ctr\"} 0\n"));
  log_fault_ = true;
  EXPECT_THAT(Text(), HasSubstr("\nfreshet_model_log_fault{model=\"ctr\"} 1\n"));
}

TEST_F(ModelMetricsTest, CountsBatchesByWhatBecameOfThem) {
  batches_.CountAnswer(absl::StatusCode::kOk);
  batches_.CountAnswer(absl::StatusCode::kOk);
  batches_.CountAnswer(absl::StatusCode::kInvalidArgument);
  batches_.CountAnswer(static_cast<absl::StatusCode>(4711));  // For example from the wire.
  batches_.CountBadRows(3);
  batches_.CountDuplicate();
  const std::string text = Text();
  for (const char* line :
       {"freshet_model_batches_total{model=\"ctr\",code=\"OK\"} 2\n",
        "freshet_model_batches_total{model=\"ctr\",code=\"INVALID_ARGUMENT\"} 1\n",
        "freshet_model_batches_total{model=\"ctr\",code=\"UNKNOWN\"} 1\n",
        "freshet_model_duplicate_batches_total{model=\"ctr\"} 1\n",
        "freshet_model_bad_examples_total{model=\"ctr\"} 3\n"}) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + line));
  }
}

TEST_F(ModelMetricsTest, TheHistogramOfSyncsIsCumulativeAndHoldsThemAll) {
  syncs_.Record(absl::Microseconds(5));
  syncs_.Record(absl::Milliseconds(2));
  syncs_.Record(absl::Milliseconds(3));
  syncs_.Record(absl::Seconds(1000));
  const std::string text = Text();
  const std::string name = "\nfreshet_model_log_sync_duration_seconds";
  EXPECT_THAT(text, HasSubstr(name + "_count{model=\"ctr\"} 4\n"));
  EXPECT_THAT(text, HasSubstr(name + "_sum{model=\"ctr\"} 1000.005005\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"ctr\",le=\"1e-05\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"ctr\",le=\"0.001\"} 1\n"));
  // Bounds are 1, 2 and 5 in each decade; they used to be 0.002154434690031884.
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"ctr\",le=\"0.002\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"ctr\",le=\"0.005\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"ctr\",le=\"0.01\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"ctr\",le=\"100\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"ctr\",le=\"+Inf\"} 4\n"));
}

TEST_F(ModelMetricsTest, AModelWithoutALabelRuleHasNoMetricsOfEvents) {
  const std::string text = Text();
  for (const char* name : {"event", "feedback", "served", "label_join", "label_wait"}) {
    EXPECT_THAT(text, Not(HasSubstr(StrCat("freshet_model_", name))));
  }
}

TEST_F(ModelMetricsTest, SaysWhatBecameOfEventsAndFeedback) {
  model_.mutable_label_rule()->set_wait_ms(1500);
  v1::LabelFigures& labels = *model_.mutable_labels();
  labels.set_pending_count(2);
  labels.set_pending_bytes(3);
  labels.set_oldest_pending_time_ms(990'000);
  labels.set_matched_count(4);
  labels.set_defaulted_count(5);
  labels.set_dropped_count(6);
  labels.set_corrected_count(7);
  labels.set_refused_count(8);
  labels.set_duplicate_event_count(9);
  labels.set_late_count(10);
  labels.set_unmatched_count(11);
  labels.set_duplicate_count(12);
  labels.set_expired_count(13);
  labels.set_ignored_count(14);
  labels.set_held_count(15);
  labels.set_join_fault("the table of events cannot be read");
  batches_.CountUnloggedEvents(16);
  const std::string text = Text();
  for (const char* line :
       {"pending_events{model=\"ctr\"} 2\n", "pending_event_bytes{model=\"ctr\"} 3\n",
        "oldest_pending_event_seconds{model=\"ctr\"} 10\n",
        "label_wait_seconds{model=\"ctr\"} 1.5\n", "label_join_fault{model=\"ctr\"} 1\n",
        "held_feedback{model=\"ctr\"} 15\n", "events_total{model=\"ctr\",result=\"matched\"} 4\n",
        "events_total{model=\"ctr\",result=\"defaulted\"} 5\n",
        "events_total{model=\"ctr\",result=\"dropped\"} 6\n",
        "events_total{model=\"ctr\",result=\"corrected\"} 7\n",
        "events_total{model=\"ctr\",result=\"refused\"} 8\n",
        "events_total{model=\"ctr\",result=\"duplicate\"} 9\n",
        "events_total{model=\"ctr\",result=\"unlogged\"} 16\n",
        "feedback_total{model=\"ctr\",result=\"late\"} 10\n",
        "feedback_total{model=\"ctr\",result=\"unmatched\"} 11\n",
        "feedback_total{model=\"ctr\",result=\"duplicate\"} 12\n",
        "feedback_total{model=\"ctr\",result=\"expired\"} 13\n",
        "feedback_total{model=\"ctr\",result=\"ignored\"} 14\n"}) {
    EXPECT_THAT(text, HasSubstr(StrCat("\nfreshet_model_", line)));
  }
  EXPECT_THAT(text, Not(HasSubstr("freshet_model_served")));
  labels.set_served_loss(0.25);
  labels.set_served_base_rate_loss(0.5);
  EXPECT_THAT(Text(), HasSubstr("\nfreshet_model_served_loss{model=\"ctr\"} 0.25\n"));
  EXPECT_THAT(Text(), HasSubstr("\nfreshet_model_served_base_rate_loss{model=\"ctr\"} 0.5\n"));
}

TEST_F(ModelMetricsTest, AnEventThatDoesNotWaitHasNoAge) {
  model_.mutable_labels();
  EXPECT_THAT(Text(), HasSubstr("\nfreshet_model_oldest_pending_event_seconds{model=\"ctr\"} 0\n"));
  // Of an event whose own time is ahead of the server's.
  model_.mutable_labels()->set_oldest_pending_time_ms(2'000'000);
  EXPECT_THAT(Text(), HasSubstr("\nfreshet_model_oldest_pending_event_seconds{model=\"ctr\"} 0\n"));
}

TEST_F(ModelMetricsTest, TheHistogramOfDelaysIsCumulative) {
  const auto add = [this](uint64_t to_ms, uint64_t count) {
    v1::DelayBin& bin = *model_.mutable_labels()->add_delays();
    bin.set_to_ms(to_ms);
    bin.set_count(count);
  };
  add(1000, 2);
  add(3000, 1);
  add(~uint64_t{0}, 1);
  const std::string text = Text();
  const std::string name = "\nfreshet_model_feedback_delay_seconds";
  EXPECT_THAT(text, HasSubstr(name + "_count{model=\"ctr\"} 4\n"));
  EXPECT_THAT(text, HasSubstr(name + "_sum{model=\"ctr\"} 6\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"ctr\",le=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"ctr\",le=\"3\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "_bucket{model=\"ctr\",le=\"+Inf\"} 4\n"));
}

TEST(ProcessMetricsTest, TellOfThisProcess) {
  std::vector<prometheus::MetricFamily> page;
  AddProcessMetrics(page);
  const auto value = [&](const std::string& name) {
    for (const prometheus::MetricFamily& family : page) {
      if (family.name != name) continue;
      const prometheus::ClientMetric& metric = family.metric.at(0);
      return family.type == prometheus::MetricType::Counter ? metric.counter.value
                                                            : metric.gauge.value;
    }
    return -1.0;
  };
  const double now = static_cast<double>(absl::ToUnixSeconds(absl::Now()));
  EXPECT_GT(value("process_start_time_seconds"), now - 3600);
  EXPECT_LE(value("process_start_time_seconds"), now + 1);
  EXPECT_GT(value("process_cpu_seconds_total"), 0);
  EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value("process_virtual_memory_bytes"), value("process_resident_memory_bytes"));
  EXPECT_GE(value("process_open_fds"), 3);
  EXPECT_LT(value("process_open_fds"), 1000);

  const double before = value("process_open_fds");
  const int copy = dup(STDERR_FILENO);
  page.clear();
  AddProcessMetrics(page);
  EXPECT_EQ(value("process_open_fds"), before + 1);
  close(copy);
}

}  // namespace
}  // namespace freshet

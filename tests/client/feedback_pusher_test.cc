#include "client/feedback_pusher.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "core/base/str_cat.h"
#include "gtest/gtest.h"
#include "tests/client/fake_server.h"

namespace freshet {
namespace {

class FeedbackPusherTest : public testing::Test {
 protected:
  void Connect(const FakeServer& server) {
    auto client = Client::Connect({.server = server.address(), .connect_timeout_ms = 60'000});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  std::unique_ptr<FeedbackPusher> StartFeedback(PusherOptions options) const {
    options.initial_backoff_ms = 1;
    options.max_backoff_ms = 20;
    auto pusher = FeedbackPusher::Start(*client_, "ctr", std::move(options));
    EXPECT_TRUE(pusher.ok()) << pusher.status();
    return *std::move(pusher);
  }

  static v1::FeedbackItem Click(int event) {
    v1::FeedbackItem item;
    item.set_event_id(StrCat("e", event));
    item.set_name("click");
    item.set_value(1);
    return item;
  }

  static std::vector<std::string> Clicks(int count) {
    std::vector<std::string> texts;
    texts.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) texts.push_back(StrCat("e", i, " click 1"));
    return texts;
  }

  std::unique_ptr<Client> client_;
};

TEST_F(FeedbackPusherTest, NothingIsLostOrTakenTwiceWhenStreamsBreak) {
  for (const int acknowledge_every : {1, 3}) {
    FakeServer server({.break_after_requests = 5, .acknowledge_every = acknowledge_every});
    ASSERT_NO_FATAL_FAILURE(Connect(server));
    const auto pusher = StartFeedback({.batch_examples = 4});
    for (int i = 0; i < 400; ++i) ASSERT_TRUE(pusher->Push(Click(i)).ok());
    ASSERT_TRUE(pusher->Close().ok()) << pusher->status();
    EXPECT_EQ(server.feedback(), Clicks(400));
    EXPECT_GT(server.duplicate_count(), 0);
    EXPECT_GT(pusher->stats().resent, 0U);
    EXPECT_GT(pusher->stats().reconnects, 0U);
    EXPECT_EQ(pusher->stats().acknowledged, 400U);
    EXPECT_GT(pusher->stats().sent_bytes, 400U * 8);
  }
}

TEST_F(FeedbackPusherTest, MalformedItemsAreReportedAndTheOthersAccepted) {
  FakeServer server;
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  std::vector<RejectedRow> refused;
  const auto pusher =
      StartFeedback({.batch_examples = 3, .on_rejected = [&refused](const RejectedRow& row) {
                       refused.push_back(row);
                     }});
  for (int i = 0; i < 5; ++i) {
    v1::FeedbackItem item = Click(i);
    if (i == 1 || i == 3) item.clear_event_id();
    ASSERT_TRUE(pusher->Push(item).ok());
  }
  ASSERT_TRUE(pusher->Close().ok()) << pusher->status();
  EXPECT_EQ(server.feedback(),
            (std::vector<std::string>{"e0 click 1", "e2 click 1", "e4 click 1"}));
  ASSERT_EQ(refused.size(), 2U);
  EXPECT_EQ(refused[0].index, 1U);
  EXPECT_EQ(refused[0].field, "event_id");
  EXPECT_EQ(refused[1].index, 3U);
  EXPECT_EQ(pusher->stats().acknowledged, 3U);
  EXPECT_EQ(pusher->stats().rejected, 2U);
  EXPECT_EQ(pusher->stats().unacknowledged, 0U);
}

TEST_F(FeedbackPusherTest, NumberedRequestsKeepTheirNumbers) {
  FakeServer server;
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  for (int run = 0; run < 2; ++run) {
    const auto pusher = StartFeedback({.producer_id = "clicks"});
    const std::vector<v1::FeedbackItem> items = {Click(0), Click(1)};
    ASSERT_TRUE(pusher->PushBatch(items, {1, 2}).ok());
    ASSERT_TRUE(pusher->Close().ok()) << pusher->status();
    EXPECT_EQ(pusher->stats().duplicates, run == 0 ? 0U : 2U);
  }
  EXPECT_EQ(server.feedback(), Clicks(2));
}

TEST_F(FeedbackPusherTest, AnErrorOfTheStreamEndsThePush) {
  FakeServer server({.end_status = {grpc::StatusCode::FAILED_PRECONDITION, "no label rule"}});
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  const auto pusher = StartFeedback({});
  ASSERT_TRUE(pusher->Push(Click(1)).ok());
  EXPECT_EQ(pusher->Close().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(FeedbackPusherTest, APusherSendsTheIdsAndTimesOfEvents) {
  FakeServer server;
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  auto pusher = Pusher::Start(*client_, "ctr", {});
  ASSERT_TRUE(pusher.ok()) << pusher.status();
  Example example;
  example.Add("user", "u1");
  ASSERT_TRUE((*pusher)->PushEvent(example, "a").ok());
  ASSERT_TRUE((*pusher)->PushEvent(example, "b", 17).ok());  // Needs a batch of its own.
  ASSERT_TRUE((*pusher)->Push(example).ok());                // So does a row with a label.
  ExampleBatchBuilder rows;
  example.AppendTo(&rows);
  const std::vector<std::string> ids = {"c"};
  const std::vector<int64_t> times = {18};
  ASSERT_TRUE((*pusher)->PushBatch(rows, {}, {.ids = ids, .times_ms = times}).ok());
  ASSERT_TRUE((*pusher)->Close().ok());
  EXPECT_EQ(server.events(), (std::vector<std::string>{"a", "b@17", "c@18"}));
  EXPECT_EQ((*pusher)->stats().offset, 4U);
  EXPECT_EQ(server.learned().size(), 4U);
}

TEST_F(FeedbackPusherTest, EventsNeedAnIdForEachRow) {
  FakeServer server;
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  auto pusher = Pusher::Start(*client_, "ctr", {});
  ExampleBatchBuilder rows;
  Example().AppendTo(&rows);
  const std::vector<std::string> ids = {"a", "b"};
  EXPECT_EQ((*pusher)->PushBatch(rows, {}, {.ids = ids}).code(),
            absl::StatusCode::kInvalidArgument);
  const std::vector<int64_t> times = {18};
  EXPECT_EQ((*pusher)->PushBatch(rows, {}, {.times_ms = times}).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(FeedbackPusherTest, RowsOfEventsThatAreRejectedTakeTheirIdsAlong) {
  FakeServer server({.reject_negative_labels = true});
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  auto pusher = Pusher::Start(*client_, "ctr", {.skip_bad_rows = true});
  Example example;
  for (const float label : {1.0F, -1.0F, 2.0F}) {
    example.label = label;  // Stands for whatever a server dislikes in a row.
    ASSERT_TRUE((*pusher)->PushEvent(example, StrCat("e", label), 100).ok());
  }
  ASSERT_TRUE((*pusher)->Close().ok());
  EXPECT_EQ(server.events(), (std::vector<std::string>{"e1@100", "e2@100"}));
}

TEST_F(FeedbackPusherTest, PredictLogsEvents) {
  FakeServer server;
  ASSERT_NO_FATAL_FAILURE(Connect(server));
  ExampleBatchBuilder rows;
  Example().AppendTo(&rows);
  const auto answer =
      client_->Predict("ctr", rows, {.log_events = true, .event_ids = {"shown"}, .wait = true});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->event_ids, std::vector<std::string>{"shown"});
  EXPECT_EQ(server.events(), std::vector<std::string>{"shown"});
  ASSERT_TRUE(client_->Predict("ctr", rows).ok());
  EXPECT_EQ(server.events().size(), 1U);
}

}  // namespace
}  // namespace freshet

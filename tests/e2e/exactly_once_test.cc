// Nothing acknowledged is lost and nothing is learned twice, even with clients that come back after
// they were forgotten, send out of order, correct a rejected batch, or use somebody else's producer
// id.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/pusher.h"
#include "core/base/str_cat.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kFailedPrecondition = 9;
constexpr int kPermissionDenied = 7;

class ExactlyOnceTest : public ServerFixture {
 protected:
  // A request with a batch of one example.
  static v1::LearnRequest Request(const std::string& producer, uint64_t sequence, float label = 1) {
    v1::LearnRequest request;
    request.set_model("models/ctr");
    request.set_producer_id(producer);
    request.set_sequence(sequence);
    v1::Example& example = *request.mutable_examples()->add_examples();
    example.set_label(label);
    example.add_namespaces()->add_features()->set_name("a");
    return request;
  }
  static v1::LearnRequest BadRequest(const std::string& producer, uint64_t sequence) {
    return Request(producer, sequence, /*label=*/7);
  }

  // The answers to the requests of one stream, and its status.
  struct Exchange {
    std::vector<v1::LearnResponse> responses;
    grpc::Status status;

    // One code per answer: 0 for learned, -1 for a duplicate, otherwise the error code.
    std::vector<int> Codes() const {
      std::vector<int> codes;
      for (const v1::LearnResponse& response : responses) {
        codes.push_back(response.duplicate() ? -1 : response.error().code());
      }
      return codes;
    }
  };

  // Sends the requests on one stream, each after the answer to the one before.
  Exchange Send(const std::vector<v1::LearnRequest>& requests,
                const std::string& token = "") const {
    const auto stub = v1::LearningService::NewStub(
        grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    const auto stream = stub->Learn(&context);
    Exchange exchange;
    for (const v1::LearnRequest& request : requests) {
      v1::LearnResponse response;
      if (!stream->Write(request) || !stream->Read(&response)) break;
      exchange.responses.push_back(response);
    }
    stream->WritesDone();
    v1::LearnResponse none;
    EXPECT_FALSE(stream->Read(&none));
    exchange.status = stream->Finish();
    return exchange;
  }
  std::vector<int> CodesOf(const std::vector<v1::LearnRequest>& requests) const {
    const Exchange exchange = Send(requests);
    EXPECT_TRUE(exchange.status.ok()) << exchange.status.error_message();
    return exchange.Codes();
  }

  uint64_t LearnedCount() const { return client_->ComputeDigest("ctr")->example_count; }

  std::string Metrics() const {
    const auto page = httplib::Client("http://" + server_->http_address()).Get("/metrics");
    return page ? page->body : "";
  }

  // Posts to a path, and returns the answer over HTTP.
  httplib::Result Post(const std::string& path, const std::string& token = "") const {
    httplib::Client http("http://" + server_->http_address());
    httplib::Headers headers;
    if (!token.empty()) headers.emplace("Authorization", "Bearer " + token);
    return http.Post(path, headers, R"({"label":1,"namespaces":[{"features":[{"name":"a"}]}]})",
                     "application/x-ndjson");
  }

  // Starts the server with tokens for alice and bob.
  void StartWithTokens() {
    for (const char* name : {"alice", "bob"}) {
      const CommandResult made =
          RunCommand({BinaryDir() + "/freshetd", "token", name, "--role", "learn", "--role", "read",
                      "--file", folder_.path() + "/tokens"});
      ASSERT_EQ(made.code, 0) << made.err;
      (name[0] == 'a' ? alice_ : bob_) = made.out.substr(0, made.out.size() - 1);
    }
    ASSERT_NO_FATAL_FAILURE(StartAgainWithTokens());
  }
  void StartAgainWithTokens() {
    StartWithConfig("auth { token_file: '" + folder_.path() + "/tokens' }");
  }

  std::string alice_;
  std::string bob_;
};

// The table of producers used to evict without a trace: if an evicted producer sent a batch again,
// the batch was learned a second time.
TEST_F(ExactlyOnceTest, AForgottenProducersResendIsRefused) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig("limits { max_producers: 20 }"));
  CreateModel("ctr");
  EXPECT_THAT(CodesOf({Request("p", 1), Request("p", 2)}), ElementsAre(0, 0));
  for (int i = 0; i < 30; ++i) EXPECT_THAT(CodesOf({Request(StrCat("q", i), 1)}), ElementsAre(0));
  for (const bool restarted : {false, true}) {
    if (restarted) {
      server_->Kill();
      ASSERT_NO_FATAL_FAILURE(StartWithConfig("limits { max_producers: 20 }"));
    }
    const Exchange resent = Send({Request("p", 1), Request("p", 2), Request("p", 3)});
    EXPECT_THAT(resent.Codes(),
                ElementsAre(kFailedPrecondition, kFailedPrecondition, kFailedPrecondition));
    EXPECT_THAT(resent.responses[0].error().message(), HasSubstr("another producer_id"));
    EXPECT_EQ(LearnedCount(), 32U);
    EXPECT_THAT(Metrics(), HasSubstr("freshet_model_producers{model=\"ctr\"} 20\n"));
    EXPECT_THAT(Metrics(),
                HasSubstr("freshet_model_forgotten_producers_total{model=\"ctr\"} 11\n"));
  }
  EXPECT_THAT(CodesOf({Request("q29", 1), Request("q29", 2)}), ElementsAre(-1, 0));
}

// A server with a smaller capacity still remembers what a server with a larger one accepted.
TEST_F(ExactlyOnceTest, AnotherCapacityChangesNothingOfWhatWas) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig("limits { max_producers: 20 }"));
  CreateModel("ctr");
  for (int i = 0; i < 30; ++i) CodesOf({Request(StrCat("q", i), 1)});
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(StartWithConfig("limits { max_producers: 5 }"));
  EXPECT_THAT(Metrics(), HasSubstr("freshet_model_producers{model=\"ctr\"} 20\n"));
  EXPECT_THAT(CodesOf({Request("q10", 1), Request("q9", 1)}), ElementsAre(-1, kFailedPrecondition));
  EXPECT_THAT(CodesOf({Request("q10", 2)}), ElementsAre(0));
  EXPECT_THAT(Metrics(), HasSubstr("freshet_model_producers{model=\"ctr\"} 5\n"));
}

TEST_F(ExactlyOnceTest, AnUnknownProducerBeginsWithItsFirstSequence) {
  ASSERT_NO_FATAL_FAILURE(Start());
  CreateModel("ctr");
  v1::LearnRequest declared = Request("p", 500);
  declared.set_new_producer(true);
  EXPECT_THAT(CodesOf({Request("p", 500), declared, declared, Request("p", 501)}),
              ElementsAre(kFailedPrecondition, 0, -1, 0));
  EXPECT_EQ(LearnedCount(), 2U);
}

// The rejection tells the client to correct and resend the batch. Such a batch used to be
// acknowledged as a duplicate without being learned.
TEST_F(ExactlyOnceTest, ARejectedBatchIsLearnedWhenItComesMended) {
  ASSERT_NO_FATAL_FAILURE(Start());
  CreateModel("ctr");
  EXPECT_THAT(CodesOf({Request("p", 1), BadRequest("p", 2), Request("p", 3), Request("p", 2),
                       Request("p", 2), Request("p", 3)}),
              ElementsAre(0, 3, 0, 0, -1, -1));
  EXPECT_EQ(LearnedCount(), 3U);
  // The same if it is the producer's first batch, and on other streams.
  EXPECT_THAT(CodesOf({BadRequest("q", 1)}), ElementsAre(3));
  EXPECT_THAT(CodesOf({Request("q", 2)}), ElementsAre(0));
  EXPECT_THAT(CodesOf({Request("q", 1), Request("q", 1)}), ElementsAre(0, -1));
  EXPECT_EQ(LearnedCount(), 5U);
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(LearnedCount(), 5U);
  EXPECT_THAT(CodesOf({Request("p", 2), Request("q", 1)}), ElementsAre(-1, -1));
}

// HTTP requests can overtake each other. The late one used to be acknowledged without being
// learned.
TEST_F(ExactlyOnceTest, AnOvertakenSequenceIsLearned) {
  ASSERT_NO_FATAL_FAILURE(Start());
  CreateModel("ctr");
  const std::string path = "/v1/models/ctr:learn?producer_id=web&sequence=";
  uint64_t learned = 0;
  for (const char* sequence : {"1", "4", "3", "2"}) {
    const httplib::Result answer = Post(path + sequence);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200) << answer->body;
    EXPECT_THAT(answer->body, HasSubstr(R"("acknowledgedCount":1)"));
    EXPECT_THAT(answer->body, Not(HasSubstr("duplicate\":true")));
    EXPECT_EQ(LearnedCount(), ++learned);
  }
  const httplib::Result again = Post(path + "2");
  ASSERT_TRUE(again);
  EXPECT_THAT(again->body, HasSubstr("duplicate\":true"));
  EXPECT_EQ(LearnedCount(), learned);
}

// A huge sequence used to silence everybody else with that producer id: all that they sent was
// below the last sequence.
TEST_F(ExactlyOnceTest, AHugeSequenceSilencesNobody) {
  ASSERT_NO_FATAL_FAILURE(Start());
  CreateModel("ctr");
  for (const uint64_t huge : {~uint64_t{0}, uint64_t{1} << 63, uint64_t{1} << 40}) {
    const Exchange exchange = Send({Request("p", 1), Request("p", huge)});
    EXPECT_EQ(exchange.Codes().back(), kFailedPrecondition);
    EXPECT_THAT(exchange.responses.back().error().message(), HasSubstr("send it as 2"));
  }
  // A jump within the allowed range leaves a gap, in which others can continue.
  EXPECT_THAT(CodesOf({Request("p", uint64_t{1} << 32), Request("p", 2), Request("p", 3)}),
              ElementsAre(0, 0, 0));
  v1::LearnRequest first = Request("q", ~uint64_t{0});
  first.set_new_producer(true);
  EXPECT_THAT(CodesOf({first, Request("q", 1), Request("q", 2)}), ElementsAre(0, 0, 0));
  EXPECT_EQ(LearnedCount(), 7U);
}

// An acknowledgement may cover earlier batches, but not those of another producer, nor ones
// answered out of order.
TEST_F(ExactlyOnceTest, EveryProducerOfAStreamIsAnswered) {
  ASSERT_NO_FATAL_FAILURE(Start());
  CreateModel("ctr");
  const auto stub = v1::LearningService::NewStub(
      grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->Learn(&context);
  const std::vector<v1::LearnRequest> requests = {Request("a", 1), Request("b", 1), Request("a", 3),
                                                  Request("a", 2)};
  for (const v1::LearnRequest& request : requests) ASSERT_TRUE(stream->Write(request));
  stream->WritesDone();
  std::vector<uint64_t> answered;
  v1::LearnResponse response;
  while (stream->Read(&response)) answered.push_back(response.sequence());
  EXPECT_THAT(answered, ElementsAre(1, 1, 3, 2));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(LearnedCount(), 4U);
}

// Sequences can count rows, so that the same rows may be sent again in batches of another size.
TEST_F(ExactlyOnceTest, ABatchMayCoverARangeOfSequences) {
  ASSERT_NO_FATAL_FAILURE(Start());
  CreateModel("ctr");
  const auto range = [](uint64_t first, uint64_t last, float label = 1) {
    v1::LearnRequest request = Request("rows", last, label);
    request.set_first_sequence(first);
    return request;
  };
  EXPECT_THAT(CodesOf({range(1, 100), range(101, 200, /*label=*/7), range(201, 300), range(1, 50),
                       range(50, 150)}),
              ElementsAre(0, 3, 0, -1, kFailedPrecondition));
  for (const bool restarted : {false, true}) {
    if (restarted) {
      server_->Kill();
      ASSERT_NO_FATAL_FAILURE(Start());
    }
    const auto producer = client_->GetProducer("ctr", "rows");
    ASSERT_TRUE(producer.ok()) << producer.status();
    EXPECT_EQ(producer->last_sequence(), 300U);
    ASSERT_EQ(producer->missing_size(), 1);
    EXPECT_EQ(producer->missing(0).first(), 101U);
    EXPECT_EQ(producer->missing(0).last(), 200U);
  }
  EXPECT_THAT(CodesOf({range(101, 200), range(99, 250)}), ElementsAre(0, -1));
  EXPECT_EQ(client_->GetProducer("ctr", "rows")->missing_size(), 0);
  EXPECT_EQ(client_->GetProducer("ctr", "nobody")->last_sequence(), 0U);
  EXPECT_TRUE(absl::IsNotFound(client_->GetProducer("none", "rows").status()));
  EXPECT_EQ(LearnedCount(), 3U);
  const auto over_http = httplib::Client("http://" + server_->http_address())
                             .Get("/v1/models/ctr:producer?producerId=rows");
  ASSERT_TRUE(over_http);
  EXPECT_THAT(over_http->body, HasSubstr("\"lastSequence\":\"300\""));
  const Exchange wrong = Send({range(302, 301)});
  EXPECT_EQ(wrong.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ExactlyOnceTest, AProducerBelongsToTheTokenThatUsedItFirst) {
  ASSERT_NO_FATAL_FAILURE(Start());
  CreateModel("ctr");
  (void)server_->Stop();
  ASSERT_NO_FATAL_FAILURE(StartWithTokens());
  EXPECT_THAT(Send({Request("p", 1)}, alice_).Codes(), ElementsAre(0));
  const std::string path = "/v1/models/ctr:learn?producer_id=p&sequence=";
  for (const bool restarted : {false, true}) {
    if (restarted) {
      server_->Kill();
      ASSERT_NO_FATAL_FAILURE(StartAgainWithTokens());
    }
    const auto bob = Client::Connect({.server = server_->address(), .token = bob_});
    ASSERT_TRUE(bob.ok()) << bob.status();
    EXPECT_TRUE(absl::IsPermissionDenied((*bob)->GetProducer("ctr", "p").status()));
    // Others can neither continue the producer nor resend its batches. Batches before the refused
    // one are answered.
    for (const uint64_t sequence : {1, 2, 100}) {
      const Exchange refused = Send({Request("b", 1), Request("p", sequence)}, bob_);
      ASSERT_EQ(refused.responses.size(), 2U);
      EXPECT_EQ(refused.responses[1].error().code(), kPermissionDenied);
      EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
      EXPECT_THAT(refused.status.error_message(), HasSubstr("another token"));
      const httplib::Result answer = Post(path + StrCat(sequence), bob_);
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->status, 403) << answer->body;
    }
  }
  EXPECT_THAT(Send({Request("p", 1), Request("p", 2)}, alice_).Codes(), ElementsAre(-1, 0));
  const httplib::Result answer = Post(path + "3", alice_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200) << answer->body;
}

// HTTP batches without a producer id get one from the server. No two models and no two tokens share
// such an id, and a model may have forgotten it since.
TEST_F(ExactlyOnceTest, BatchesWithoutAProducerAreAllLearned) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig("limits { max_producers: 3 }"));
  for (int round = 0; round < 2; ++round) {
    CreateModel("ctr");
    CreateModel("other");
    for (int i = 0; i < 12; ++i) {
      // Enough other producers to make the model forget those that are idle.
      if (i % 4 == 0) {
        for (int k = 0; k < 5; ++k) CodesOf({Request(StrCat("q", round, ".", i, ".", k), 1)});
      }
      for (const char* model : {"ctr", "other"}) {
        const httplib::Result answer = Post(StrCat("/v1/models/", model, ":learn"));
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status, 200) << answer->body;
        EXPECT_THAT(answer->body, Not(HasSubstr("duplicate\":true")));
      }
    }
    EXPECT_EQ(LearnedCount(), 12U + 15U);
    EXPECT_EQ(client_->ComputeDigest("other")->example_count, 12U);
    ASSERT_TRUE(client_->DeleteModel("ctr").ok());
    ASSERT_TRUE(client_->DeleteModel("other").ok());
  }
}

// A model without a log loses its producers, like everything else, if the server crashes. Clients
// can still go on pushing.
TEST_F(ExactlyOnceTest, APushGoesOnWhenAModelWithoutALogHasLostIt) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(client_->CreateModel("ctr", SmallLearner(), v1::DURABILITY_NONE).ok());
  EXPECT_THAT(CodesOf({Request("p", 1), Request("p", 2)}), ElementsAre(0, 0));
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(LearnedCount(), 0U);
  EXPECT_THAT(CodesOf({Request("p", 3), Request("p", 3), Request("p", 4)}), ElementsAre(0, -1, 0));
}

// The first batch has only bad rows, so the producer is still unknown when the second one arrives.
TEST_F(ExactlyOnceTest, APushMayBeginWithBadRows) {
  ASSERT_NO_FATAL_FAILURE(Start());
  CreateModel("ctr");
  PusherOptions options;
  options.skip_bad_rows = true;
  auto pusher = Pusher::Start(*client_, "ctr", options);
  ASSERT_TRUE(pusher.ok());
  for (const float label : {7.0f, 8.0f, 1.0f, 9.0f, 0.0f}) {
    ExampleBatchBuilder batch;
    Example example;
    example.label = label;
    example.Add("n", "a");
    example.AppendTo(&batch);
    ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
  }
  const absl::Status closed = (*pusher)->Close();
  EXPECT_TRUE(closed.ok()) << closed;
  EXPECT_EQ((*pusher)->stats().rejected, 3U);
  EXPECT_EQ(LearnedCount(), 2U);
}

}  // namespace
}  // namespace freshet

#include "client/client.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/client/fake_server.h"

namespace freshet {
namespace {

std::unique_ptr<Client> ConnectTo(const FakeServer& server) {
  absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Connect({.server = server.address(), .connect_timeout_ms = 60'000});
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

TEST(ClientTest, SaysWhatToDoWhereNobodyAnswers) {
  std::string address;
  {
    FakeServer gone;
    address = gone.address();
  }
  const absl::Status status = Client::Connect({.server = address}).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(),
            "no server answers at " + address +
                " (Connection refused); is freshetd running? start it with 'freshetd', or name "
                "another server with --server HOST:PORT");
}

TEST(ClientTest, SaysWhatToDoWhenTheServerGoesAway) {
  FakeServer server;
  const auto client = ConnectTo(server);
  server.Stop();
  EXPECT_TRUE(absl::IsUnavailable(client->GetModel("ctr").status()));
}

TEST(ClientTest, RefusesOptionsOutOfRange) {
  EXPECT_TRUE(absl::IsInvalidArgument(Client::Connect({.server = ""}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Client::Connect({.deadline_ms = 0}).status()));
}

TEST(ClientTest, TakesIdsAndFullNames) {
  FakeServer server;
  const auto client = ConnectTo(server);
  for (const char* name : {"ctr", "models/ctr"}) {
    const auto model = client->GetModel(name);
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_EQ(model->name(), "models/ctr");
  }
}

TEST(ClientTest, ListsModelsOfAllPages) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const auto models = client->ListModels();
  ASSERT_TRUE(models.ok()) << models.status();
  ASSERT_EQ(models->size(), 5u);
  EXPECT_EQ(models->back().name(), "models/m4");
}

TEST(ClientTest, PredictsEveryRow) {
  FakeServer server;
  const auto client = ConnectTo(server);
  ExampleBatchBuilder batch;
  for (int i = 0; i < 3; ++i) Example().AppendTo(&batch);
  const auto answer = client->Predict("ctr", batch);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->scores, (std::vector<float>{0, 1, 2}));
  EXPECT_EQ(answer->predictions, (std::vector<float>{0.5f, 0.5f, 0.5f}));
  batch.Clear();
  EXPECT_TRUE(client->Predict("ctr", batch)->scores.empty());
}

TEST(ClientTest, PassesTheServersMessageOn) {
  FakeServer server;
  const auto client = ConnectTo(server);
  const absl::Status status = client->Predict("other", Example()).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "model not found; create it");
}

}  // namespace
}  // namespace freshet

#include "tests/support/server_fixture.h"

#include <fstream>
#include <utility>

#include "client/pusher.h"
#include "tests/support/random_examples.h"

namespace freshet {

void ServerFixture::Start(std::vector<std::string> flags) {
  auto server = ServerProcess::Start(data_dir_, std::move(flags), environment_);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  auto client = Client::Connect({.server = server_->address()});
  ASSERT_TRUE(client.ok()) << client.status();
  client_ = *std::move(client);
}

void ServerFixture::StartWithConfig(const std::string& text) {
  WriteConfig(text);
  Start({"--config=" + folder_.path() + "/config"});
}

void ServerFixture::WriteConfig(const std::string& text) const {
  std::ofstream(folder_.path() + "/config") << text;
}

void ServerFixture::AwaitLog(const std::string& text) const {
  const absl::Status status = server_->AwaitLog(text);
  ASSERT_TRUE(status.ok()) << status;
}

v1::LearnerSpec ServerFixture::SmallLearner(uint32_t bits) {
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(bits);
  return learner;
}

void ServerFixture::CreateModel(const std::string& id, uint32_t bits) const {
  const auto created = client_->CreateModel(id, SmallLearner(bits));
  ASSERT_TRUE(created.ok()) << created.status();
}

void ServerFixture::ExpectHealthy(const std::string& model) const {
  auto pusher = Pusher::Start(*client_, model, {});
  ASSERT_TRUE(pusher.ok()) << pusher.status();
  ExampleBatchBuilder batch;
  RandomExamples(3).Append(10, batch);
  ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
  ASSERT_TRUE((*pusher)->Close().ok());
  EXPECT_EQ((*pusher)->stats().acknowledged, 10U);
  EXPECT_TRUE(client_->Predict(model, batch).ok());
}

}  // namespace freshet

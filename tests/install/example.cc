// Learns who clicks on what, then predicts: example [HOST:PORT]
#include <iostream>
#include <string>

#include "client/client.h"
#include "client/pusher.h"

namespace {

freshet::Example Impression(const std::string& user, const std::string& ad) {
  freshet::Example example;
  example.Add("user", user);
  example.Add("ad", ad);
  example.Add("user-ad", user + " " + ad);
  return example;
}

absl::Status Run(const std::string& server) {
  auto client = freshet::Client::Connect({.server = server});
  if (!client.ok()) return client.status();

  freshet::v1::LearnerSpec learner;
  learner.set_loss(freshet::v1::LOSS_LOGISTIC);
  auto model = (*client)->CreateModel("shop", learner);
  if (!model.ok() && !absl::IsAlreadyExists(model.status())) return model.status();

  auto pusher = freshet::Pusher::Start(**client, "shop", {});
  if (!pusher.ok()) return pusher.status();
  for (int i = 0; i < 1000; ++i) {
    freshet::Example shown = Impression(i % 2 == 0 ? "ann" : "bob", i % 3 == 0 ? "shoes" : "books");
    shown.label = (i % 2 == 0) == (i % 3 == 0) ? 1 : 0;  // Ann likes shoes, Bob likes books.
    if (absl::Status pushed = (*pusher)->Push(shown); !pushed.ok()) return pushed;
  }
  if (absl::Status closed = (*pusher)->Close(); !closed.ok()) return closed;

  for (const char* user : {"ann", "bob"}) {
    auto answer = (*client)->Predict("shop", Impression(user, "shoes"));
    if (!answer.ok()) return answer.status();
    std::cout << user << " clicks on shoes with probability " << answer->prediction << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = Run(argc > 1 ? argv[1] : "127.0.0.1:7400");
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}

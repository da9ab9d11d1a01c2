// Shows an ad, and says later that it was clicked, so that the model learns it then:
// feedback_example [HOST:PORT]
#include <iostream>
#include <string>

#include "client/client.h"
#include "client/feedback_pusher.h"

namespace {

absl::Status Run(const std::string& server) {
  auto client = freshet::Client::Connect({.server = server});
  if (!client.ok()) return client.status();

  freshet::v1::LearnerSpec learner;
  learner.set_loss(freshet::v1::LOSS_LOGISTIC);
  freshet::v1::LabelRule rule;
  rule.set_wait_ms(600'000);  // A click counts for ten minutes.
  auto model = (*client)->CreateModel("ads", learner, {.label_rule = rule});
  if (!model.ok() && !absl::IsAlreadyExists(model.status())) return model.status();

  freshet::Example shown;
  shown.Add("user", "ann");
  shown.Add("ad", "shoes");
  freshet::ExampleBatchBuilder rows;
  shown.AppendTo(&rows);
  auto answer = (*client)->Predict("ads", rows, {.log_events = true, .wait = true});
  if (!answer.ok()) return answer.status();
  std::cout << "ann clicks on shoes with probability " << answer->predictions[0] << "\n";
  if (answer->dropped_event_count > 0) return absl::ResourceExhaustedError("too many events wait");

  auto feedback = freshet::FeedbackPusher::Start(**client, "ads", {});
  if (!feedback.ok()) return feedback.status();
  freshet::v1::FeedbackItem click;
  click.set_event_id(answer->event_ids[0]);
  click.set_name("click");
  if (absl::Status pushed = (*feedback)->Push(click); !pushed.ok()) return pushed;
  return (*feedback)->Close();
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = Run(argc > 1 ? argv[1] : "127.0.0.1:7400");
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}

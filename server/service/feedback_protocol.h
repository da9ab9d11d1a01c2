// What a Feedback stream carries: what happened to events.

#ifndef FRESHET_SERVER_SERVICE_FEEDBACK_PROTOCOL_H_
#define FRESHET_SERVER_SERVICE_FEEDBACK_PROTOCOL_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "freshet/v1/learning_service.pb.h"
#include "server/codec/decoded_batch.h"
#include "server/model/served_model.h"
#include "server/record/events_record.h"
#include "server/service/push_check.h"

namespace freshet {

// For PushStream; see LearnProtocol.
struct FeedbackProtocol {
  using Request = v1::FeedbackRequest;
  using Response = v1::FeedbackResponse;
  static constexpr std::string_view kMethod = "freshet.v1.LearningService/Feedback";
  static constexpr bool kRowsAreExamples = false;

  class Message {
   public:
    static std::unique_ptr<Message> Parse(SharedBytes wire);
    // The same without the items.
    static std::unique_ptr<Message> ParseWithoutBatch(SharedBytes wire);

    const Request& request() const { return *record_.request; }

    // Lists the items that are malformed in `response`. FAILED_PRECONDITION if the model has no
    // label rule.
    absl::StatusOr<PushCheck> Check(ServedModel& model, const BatchLimits& limits,
                                    Response& response) const;

    size_t row_count() const { return static_cast<size_t>(request().items_size()); }
    size_t answer_bytes() const { return 0; }
    bool Submit(ServedModel& model, ServedModel::LearnCallback done, std::string_view sender) {
      return model.TakeFeedback(std::move(record_), std::move(done), sender);
    }

   private:
    explicit Message(FeedbackRecord record) : record_(std::move(record)) {}

    FeedbackRecord record_;  // Its request is not null.
  };

  static bool IsLong(grpc::ByteBuffer& message) { return message.Length() > kLongReadableBytes; }
  static bool IsAcknowledgedPlainly(const Request&) { return true; }
  static bool Describe(const ServedModel&, const LearnOutcome&, const Response& response) {
    return response.refused_count() == 0;
  }
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_FEEDBACK_PROTOCOL_H_

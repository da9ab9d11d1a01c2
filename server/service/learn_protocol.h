// What a Learn stream carries: batches with labels, and events, whose labels come later.

#ifndef FRESHET_SERVER_SERVICE_LEARN_PROTOCOL_H_
#define FRESHET_SERVER_SERVICE_LEARN_PROTOCOL_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "freshet/v1/learning_service.pb.h"
#include "server/codec/decoded_batch.h"
#include "server/model/served_model.h"
#include "server/record/batch_record.h"
#include "server/service/push_check.h"

namespace freshet {

// For PushStream.
struct LearnProtocol {
  using Request = v1::LearnRequest;
  using Response = v1::LearnResponse;
  static constexpr std::string_view kMethod = "freshet.v1.LearningService/Learn";
  static constexpr bool kRowsAreExamples = true;  // See BatchCounters::CountBadRows().

  // One request. Used by one thread at a time.
  class Message {
   public:
    // Null if the bytes are not a request.
    static std::unique_ptr<Message> Parse(SharedBytes wire);
    // The same without the batch, for the answer to a request that is too large.
    static std::unique_ptr<Message> ParseWithoutBatch(SharedBytes wire);

    const Request& request() const { return batch_->request(); }

    // Does the next part of the check, of about DecodedBatch::kFewFeatures features. An error ends
    // the stream.
    absl::StatusOr<PushCheck> Check(ServedModel& model, const BatchLimits& limits,
                                    Response& response);

    // The next three REQUIRE: Check() returned kGood.
    size_t row_count() const { return batch_->examples().size(); }
    // The size of the answer, as far as it grows with the rows.
    size_t answer_bytes() const;
    // See ServedModel::Learn(). The message must not be used afterwards.
    bool Submit(ServedModel& model, ServedModel::LearnCallback done, std::string_view sender);

   private:
    explicit Message(std::unique_ptr<BatchRecord> batch) : batch_(std::move(batch)) {}

    bool has_events() const { return !request().event_ids().empty(); }
    PushCheck CheckDecoded(ServedModel& model, Response& response) const;

    std::unique_ptr<BatchRecord> batch_;
    // The champion that the batch is decoded for. Null until then.
    std::shared_ptr<const ServedVariant> served_;
  };

  // Whether the message takes long to parse and check.
  static bool IsLong(grpc::ByteBuffer& message);
  // Whether an answer without an error says no more than that the request is acknowledged.
  static bool IsAcknowledgedPlainly(const Request& request) {
    return !request.return_predictions();
  }
  // Adds what the outcome says beyond offset, duplicate and error. Whether that is nothing.
  static bool Describe(const ServedModel& model, const LearnOutcome& outcome, Response& response);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_LEARN_PROTOCOL_H_

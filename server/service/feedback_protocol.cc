#include "server/service/feedback_protocol.h"

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "core/base/str_cat.h"
#include "server/codec/known_fields.h"

namespace freshet {
namespace {

constexpr int kMaxListedItems = 16;

void SetFeedbackError(absl::StatusCode code, std::string message, v1::BatchError& error) {
  error.set_code(static_cast<int>(code));
  error.set_message(std::move(message));
}

// Lists the malformed items of the request in the response.
void ListRefusedItems(const v1::FeedbackRequest& request, v1::FeedbackResponse& response) {
  uint32_t refused = 0;
  for (int i = 0; i < request.items_size(); ++i) {
    if (IsGoodFeedback(request.items(i))) continue;
    if (++refused > kMaxListedItems) continue;
    v1::RowError& fault = *response.add_refused_items();
    DescribeFeedbackFault(request.items(i), fault);
    fault.set_row(static_cast<uint32_t>(i));
  }
  response.set_refused_count(refused);
}

}  // namespace

std::unique_ptr<FeedbackProtocol::Message> FeedbackProtocol::Message::Parse(SharedBytes wire) {
  FeedbackRecord record = ParseFeedback(std::move(wire));
  return record.request == nullptr ? nullptr
                                   : std::unique_ptr<Message>(new Message(std::move(record)));
}

std::unique_ptr<FeedbackProtocol::Message> FeedbackProtocol::Message::ParseWithoutBatch(
    SharedBytes wire) {
  constexpr std::array<int, 1> kItems = {v1::FeedbackRequest::kItemsFieldNumber};
  auto request = std::make_shared<v1::FeedbackRequest>();
  if (!ParseFieldsExcept(wire.bytes(), kItems, *request)) return nullptr;
  return std::unique_ptr<Message>(
      new Message({.request = std::move(request), .wire = std::move(wire), .envelope = {}}));
}

absl::StatusOr<PushCheck> FeedbackProtocol::Message::Check(ServedModel& model,
                                                           const BatchLimits& limits,
                                                           Response& response) const {
  if (absl::Status taken = model.CheckTakesEvents(0); !taken.ok()) return taken;
  if (row_count() == 0) {
    SetFeedbackError(absl::StatusCode::kInvalidArgument, "the request has no items; send 1 or more",
                     *response.mutable_error());
    return PushCheck::kBad;
  }
  if (row_count() > limits.max_examples) {
    SetFeedbackError(
        absl::StatusCode::kResourceExhausted,
        StrCat("the request has ", row_count(), " items, more than ", limits.max_examples,
               " (limits.max_batch_examples); send several requests"),
        *response.mutable_error());
    return PushCheck::kBad;
  }
  ListRefusedItems(request(), response);
  if (response.refused_count() < row_count()) return PushCheck::kGood;
  v1::BatchError& error = *response.mutable_error();
  *error.mutable_rows() = response.refused_items();
  error.set_bad_row_count(response.refused_count());
  const v1::RowError& first = error.rows(0);
  SetFeedbackError(absl::StatusCode::kInvalidArgument,
                   StrCat("no item of the request is well-formed; item ", first.row(), ": ",
                          first.field(), " ", first.reason()),
                   error);
  return PushCheck::kBad;
}

}  // namespace freshet

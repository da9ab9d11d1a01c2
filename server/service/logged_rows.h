// The rows of a prediction that are put into the model's log as events.

#ifndef FRESHET_SERVER_SERVICE_LOGGED_ROWS_H_
#define FRESHET_SERVER_SERVICE_LOGGED_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// The ids and times of the events, as a request without rows; ids of the time `now` if the call
// has none. INVALID_ARGUMENT, which names the field and the row, if the rows, ids or times of `log`
// are malformed. `row_count` is that of the batch to predict.
absl::StatusOr<v1::LearnRequest> BeginEvents(const v1::LogEvents& log, size_t row_count,
                                             absl::Time now);

// The row of the batch that the event `index` of `log` is.
inline uint32_t LoggedRow(const v1::LogEvents& log, int index) {
  return log.rows().empty() ? static_cast<uint32_t>(index) : log.rows(index);
}

// Adds the rows that are logged to `events`, without labels and weights, in the form in which they
// were sent. Takes what it can from `request`, whose batch must not be used afterwards. REQUIRES:
// the batch is well-formed; BeginEvents() was OK.
void TakeLoggedRows(v1::PredictRequest& request, v1::LearnRequest& events);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_LOGGED_ROWS_H_

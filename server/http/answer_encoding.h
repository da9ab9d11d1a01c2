// Encoding of HTTP answers: compression and the head.

#ifndef FRESHET_SERVER_HTTP_ANSWER_ENCODING_H_
#define FRESHET_SERVER_HTTP_ANSWER_ENCODING_H_

#include <string>
#include <string_view>

#include "server/http/http_message.h"

namespace freshet {

// Compresses the body with gzip if the request's Accept-Encoding allows it and it is worthwhile,
// that is for text that is not short. Takes some milliseconds per megabyte.
void CompressAnswer(std::string_view accept_encoding, HttpAnswer& answer);

// What becomes of the connection after an answer.
enum class AfterAnswer {
  kStay,     // It stays open, as is the default.
  kSayStay,  // It stays open, and the answer says so.
  kClose,
};

// The head of an answer, including the empty line at its end.
std::string AnswerHead(const HttpAnswer& answer, AfterAnswer after);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_ANSWER_ENCODING_H_

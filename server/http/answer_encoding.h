// How an answer goes over the wire.

#ifndef FRESHET_SERVER_HTTP_ANSWER_ENCODING_H_
#define FRESHET_SERVER_HTTP_ANSWER_ENCODING_H_

#include <string>
#include <string_view>

#include "server/http/http_message.h"

namespace freshet {

// Compresses the body where the client takes that, by the field Accept-Encoding of its request, and
// where it is worth it: a text, and not a short one. Takes some milliseconds a megabyte.
void CompressAnswer(std::string_view accept_encoding, HttpAnswer& answer);

// What the connection does after an answer.
enum class AfterAnswer {
  kStay,     // It stays open, as is usual.
  kSayStay,  // It stays open, and the client is told so.
  kClose,
};

// The head of an answer, up to and with its empty line.
std::string AnswerHead(const HttpAnswer& answer, AfterAnswer after);

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_ANSWER_ENCODING_H_

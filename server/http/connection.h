// One client's connection: its requests, one after another, and their answers.

#ifndef FRESHET_SERVER_HTTP_CONNECTION_H_
#define FRESHET_SERVER_HTTP_CONNECTION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/body_reader.h"
#include "server/http/http_api.h"
#include "server/http/http_message.h"
#include "server/http/request_parser.h"
#include "server/http/transport.h"

namespace freshet {

class Listener;

// Used on the listener's thread only. A client that sends or reads slowly, or not at all, takes
// memory until a deadline passes, but never a thread. A request is only read once the answer to the
// previous one has been written, so that a client cannot make the server pile up answers.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  // `client_address` has no port. A spare connection is one beyond the limit; it only serves
  // requests that are answered at once.
  Connection(Listener& listener, std::unique_ptr<Transport> transport, std::string client_address,
             bool is_spare);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Starts serving the client. Call once.
  void Begin();

  // Acts on a deadline that has passed. Call often.
  void CheckDeadline(Clock::time_point now);

  // How much a connection would be missed if it were closed to make room for another one; least
  // first.
  enum class Worth {
    kUnknownClient,  // The client has not sent a whole request yet.
    kIdleClient,     // The client pauses between two requests.
    kSlowClient,     // The client has stopped in the middle of a request or an answer.
    kBusy,           // Must not be closed.
  };
  Worth worth(Clock::time_point now) const;
  // When the client last sent or read anything.
  Clock::time_point silent_since() const { return last_progress_; }

  // Whether the connection holds memory for a body that arrives slowly.
  bool hoards() const { return state_ == State::kBody && !waits_for_memory_ && slow_body_; }

  // Tries again to take the memory that the connection is waiting for. False if there is still not
  // enough.
  bool TryMemoryAgain();

  // Closes the connection after the request in progress, or at once if there is none.
  void CloseSoon();
  // Closes the connection at once; the client may see an error.
  void Abort();

 private:
  enum class State {
    kHandshake,
    kHead,       // Reading the head of the next request.
    kContinue,   // Telling the client to send the body.
    kBody,       // Reading the body.
    kAdmission,  // The request is complete and waits for memory.
    kWorking,    // The request is being answered.
    kAnswer,     // Writing the answer.
    kLinger,     // After the last answer: drops what the client still sends for a moment.
    kClosed,
  };

  void Enter(State state, Clock::duration timeout);
  // Takes steps until one would block.
  void Run();
  // Takes one step. False if it would block or the connection is closed.
  bool Step();
  bool StepHandshake();
  bool StepHead();
  bool StepBody();
  bool StepAdmission();
  bool StepWrite();
  bool StepLinger();

  // True if bytes arrived; otherwise waits for them or closes, and returns false.
  bool Receive();
  bool Await(const IoResult& result);

  bool HandleHead();
  bool BeginBody(const RequestHead& head);
  bool EndBody();
  // Sets how much memory the request holds. False if it has to wait for memory.
  bool TakeMemory(uint64_t bytes);
  void Submit();
  void OnAnswer(uint64_t request_number, HttpAnswer answer);
  // Answers the request in progress with an error, and then closes the connection.
  bool Refuse(HttpRefusal refusal);
  bool Refuse(HttpAnswer answer);
  bool Refuse(const ParseFault& fault);
  void StartAnswer(HttpAnswer answer);
  bool FinishAnswer();
  void Close();

  std::string_view input() const { return std::string_view(input_).substr(input_begin_); }
  void NoteProgress(size_t bytes);

  Listener& listener_;
  const std::unique_ptr<Transport> transport_;
  const std::string client_address_;
  const bool is_spare_;

  State state_ = State::kHandshake;
  Clock::time_point deadline_;
  Clock::time_point last_progress_;
  uint64_t request_number_ = 0;  // Number of the request in progress; the first is 1.
  bool closing_ = false;         // Closes after the request in progress.

  std::string input_;  // Bytes read from the socket and not consumed yet.
  size_t input_begin_ = 0;

  // State of the request in progress.
  std::optional<RequestParser> parser_;
  std::optional<BodyReader> body_;
  std::string_view piece_;  // The next bytes of the body, a part of input_.
  HttpRequest request_;
  bool keep_alive_ = false;
  bool says_keep_alive_ = false;  // For HTTP/1.0 clients, which need to be told.
  bool answer_without_body_ = false;
  uint64_t held_bytes_ = 0;  // Part of listener_.memory().
  bool waits_for_memory_ = false;

  // How fast the body arrives, measured over windows of kWindow.
  Clock::time_point window_begin_;
  size_t window_bytes_ = 0;
  bool slow_body_ = false;

  // The answer being written.
  std::string output_head_;
  std::string output_body_;
  size_t output_bytes_ = 0;  // Bytes of both that are written.

  size_t linger_bytes_ = size_t{256} << 10;  // Bytes still to be dropped after the last answer, at
                                             // most.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_CONNECTION_H_

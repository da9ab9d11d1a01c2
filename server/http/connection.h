// One client: its requests, one after another, and their answers.

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

// Lives on the listener's thread. A client that sends or takes slowly, or nothing, costs memory
// until a deadline passes, and never a thread. Not a request of it is begun before the answer to
// the last one is written, so that it cannot make the server keep answers.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  // `client_address` without its port. A spare connection is one beyond the limit, for requests
  // that are answered at once.
  Connection(Listener& listener, std::unique_ptr<Transport> transport, std::string client_address,
             bool is_spare);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Call once.
  void Begin();

  // Looks whether a deadline has passed. Call often.
  void CheckDeadline(Clock::time_point now);

  // How little it matters whether this connection is closed to make room for another one.
  enum class Worth {
    kUnknownClient,  // It has not sent a whole request yet.
    kIdleClient,     // It waits between two requests.
    kSlowClient,     // It has stopped in the middle of a request or an answer.
    kBusy,           // It is not to be closed.
  };
  Worth worth(Clock::time_point now) const;
  // Since when its client has been silent.
  Clock::time_point silent_since() const { return last_progress_; }

  // Whether it holds memory for a body that comes slowly.
  bool hoards() const { return state_ == State::kBody && !waits_for_memory_ && slow_body_; }

  // Tries again to take memory that there was none of. False where there is still none.
  bool TryMemoryAgain();

  // Closes it after the request under way, or at once where there is none.
  void CloseSoon();
  // Closes it at once; the client may see that as an error.
  void Abort();

 private:
  enum class State {
    kHandshake,
    kHead,       // The head of the next request is read.
    kContinue,   // The client is told to send the body.
    kBody,       // The body is read.
    kAdmission,  // The request is whole, and waits for memory.
    kWorking,    // It is being answered.
    kAnswer,     // The answer is written.
    kLinger,     // The answer is written, and what the client still sends is dropped for a moment.
    kClosed,
  };

  void Enter(State state, Clock::duration timeout);
  // Goes on as far as possible without waiting.
  void Run();
  // Goes one step. False where it has to wait, or has ended.
  bool Step();
  bool StepHandshake();
  bool StepHead();
  bool StepBody();
  bool StepAdmission();
  bool StepWrite();
  bool StepLinger();

  // True where bytes came; else waits for them, or closes.
  bool Receive();
  bool Await(const IoResult& result);

  bool HandleHead();
  bool BeginBody(const RequestHead& head);
  bool EndBody();
  // Lets the request hold so much. False where it has to wait for that.
  bool TakeMemory(uint64_t bytes);
  void Submit();
  void OnAnswer(uint64_t request_number, HttpAnswer answer);
  // Refuses the request under way, and closes.
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
  uint64_t request_number_ = 0;  // Of the one under way; the first is 1.
  bool closing_ = false;         // After the request under way.

  std::string input_;  // What was read from the socket, and was not taken yet.
  size_t input_begin_ = 0;

  // Of the request under way.
  std::optional<RequestParser> parser_;
  std::optional<BodyReader> body_;
  std::string_view piece_;  // Of the body: taken from the input, where it still stands.
  HttpRequest request_;
  bool keep_alive_ = false;
  bool says_keep_alive_ = false;  // A client of HTTP/1.0 wants to be told.
  bool answer_without_body_ = false;
  uint64_t held_bytes_ = 0;  // Of the listener's memory.
  bool waits_for_memory_ = false;

  // How fast the body comes: looked at for a while at a time.
  Clock::time_point window_begin_;
  size_t window_bytes_ = 0;
  bool slow_body_ = false;

  // What is being written.
  std::string output_head_;
  std::string output_body_;
  size_t output_bytes_ = 0;  // Of both, written.

  size_t linger_bytes_ = size_t{256} << 10;  // May still be dropped after the last answer.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_CONNECTION_H_

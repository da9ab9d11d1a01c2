#include "server/http/connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "server/http/answer_encoding.h"
#include "server/http/listener.h"

namespace freshet {
namespace {

using Kind = IoResult::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Steps in a row, each of some tens of microseconds, before other connections get their turn.
constexpr int kStepsPerTurn = 8;

constexpr size_t kReadBytes = size_t{16} << 10;

// If this much input cannot be parsed as part of a body, the body is malformed: even the head of a
// chunk is far shorter.
constexpr size_t kMaxUnreadBytes = size_t{64} << 10;

// Memory that a request takes besides its body: its head and the call.
constexpr uint64_t kRequestBytes = 16 << 10;

// Limits on how long and how much the server still reads and drops after the last answer, so that
// the client gets to see the answer before the connection is reset.
constexpr seconds kLingerTimeout{2};
constexpr size_t kMaxLingerBytes = size_t{64} << 20;

// The connection of a client that pauses for this long may be closed to make room.
constexpr seconds kPause{1};

// A body of which less than kLeastWindowBytes arrive in kWindow, that is 32 KiB/s, is slow.
constexpr seconds kWindow{2};
constexpr size_t kLeastWindowBytes = size_t{64} << 10;

// An answer may take one second longer for each of its parts of this size.
constexpr size_t kLeastAnswerBytesPerSecond = size_t{256} << 10;

// Bodies of answers up to this length are encrypted together with their heads.
constexpr size_t kJoinedBytes = size_t{16} << 10;

constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";

Connection::Clock::duration ToChrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

}  // namespace

Connection::Connection(Listener& listener, std::unique_ptr<Transport> transport,
                       std::string client_address, bool is_spare)
    : listener_(listener),
      transport_(std::move(transport)),
      client_address_(std::move(client_address)),
      is_spare_(is_spare) {}

void Connection::Begin() {
  last_progress_ = Clock::now();
  Enter(transport_->is_encrypted() ? State::kHandshake : State::kHead,
        ToChrono(listener_.options().request_timeout));
  Run();
}

void Connection::Enter(State state, Clock::duration timeout) {
  state_ = state;
  deadline_ = Clock::now() + timeout;
}

void Connection::Run() {
  for (int i = 0; i < kStepsPerTurn; ++i) {
    if (!Step()) return;
  }
  listener_.Post([self = shared_from_this()] { self->Run(); });
}

bool Connection::Step() {
  switch (state_) {
    case State::kHandshake:
      return StepHandshake();
    case State::kHead:
      return StepHead();
    case State::kBody:
      return StepBody();
    case State::kAdmission:
      return StepAdmission();
    case State::kContinue:
    case State::kAnswer:
      return StepWrite();
    case State::kLinger:
      return StepLinger();
    case State::kWorking:
    case State::kClosed:
      return false;
  }
  return false;
}

bool Connection::Await(const IoResult& result) {
  transport_->Await(result, [self = shared_from_this()] { self->Run(); });
  return false;
}

bool Connection::StepHandshake() {
  const IoResult result = transport_->Handshake();
  if (result.kind == Kind::kWantRead || result.kind == Kind::kWantWrite) return Await(result);
  if (result.kind != Kind::kDone) {
    Close();
    return false;
  }
  NoteProgress(0);
  Enter(State::kHead, ToChrono(listener_.options().request_timeout));
  return true;
}

bool Connection::Receive() {
  std::array<char, kReadBytes> bytes;
  const IoResult result = transport_->Read(bytes.data(), bytes.size());
  if (result.kind == Kind::kWantRead || result.kind == Kind::kWantWrite) return Await(result);
  if (result.kind != Kind::kDone) {  // An incomplete request is not answered.
    Close();
    return false;
  }
  input_.erase(0, std::exchange(input_begin_, 0));
  input_.append(bytes.data(), result.bytes);
  NoteProgress(result.bytes);
  return true;
}

void Connection::NoteProgress(size_t bytes) {
  last_progress_ = Clock::now();
  window_bytes_ += bytes;
}

bool Connection::StepHead() {
  if (input().empty()) {
    if (!Receive()) return false;
    // The idle timeout ends here, and the request timeout begins.
    if (request_number_ > 0 && !parser_) {
      Enter(State::kHead, ToChrono(listener_.options().request_timeout));
    }
  }
  if (!parser_) parser_.emplace(listener_.options().max_request_bytes);
  input_begin_ += parser_->ReadHead(input());
  if (parser_->fault()) return Refuse(*parser_->fault());
  return parser_->head() != nullptr ? HandleHead() : Receive();
}

bool Connection::HandleHead() {
  RequestHead& head = *parser_->head();
  ++request_number_;
  keep_alive_ = head.keep_alive && !closing_ && !is_spare_;
  says_keep_alive_ = head.is_version_1_0;
  answer_without_body_ = head.is_head;
  linger_bytes_ +=
      static_cast<size_t>(std::min<uint64_t>(head.content_length.value_or(0), kMaxLingerBytes));
  request_ = std::move(head.request);
  request_.client_address = client_address_;
  request_.has_client_certificate = transport_->has_client_certificate();
  RequestHandler::Decision decision = listener_.handler().Decide(request_);
  // A body that is not read cannot be told from the next request, so the connection has to be
  // closed.
  if (head.has_body && (decision.answer || !decision.takes_body)) keep_alive_ = false;
  if (decision.answer) {
    StartAnswer(*std::move(decision.answer));
    return true;
  }
  if (is_spare_) return Refuse(HttpRefusal::kBusy);
  if (head.has_body && decision.takes_body) return BeginBody(head);
  Enter(State::kAdmission, ToChrono(listener_.options().memory_timeout));
  return true;
}

bool Connection::BeginBody(const RequestHead& head) {
  const size_t max_bytes = listener_.options().max_body_bytes;
  if (head.content_length.value_or(0) > max_bytes) return Refuse(HttpRefusal::kBodyTooLong);
  const auto encoding = BodyReader::EncodingOf(request_.Header("content-encoding"));
  if (!encoding) return Refuse(HttpRefusal::kUnknownEncoding);
  body_.emplace(*encoding, max_bytes, static_cast<size_t>(head.content_length.value_or(0)));
  window_begin_ = Clock::now();
  window_bytes_ = 0;
  slow_body_ = false;
  if (head.expects_continue && input().empty()) {
    output_head_ = kContinue;
    Enter(State::kContinue, ToChrono(listener_.options().answer_timeout));
  } else {
    Enter(State::kBody, ToChrono(listener_.options().body_timeout));
  }
  return true;
}

bool Connection::StepBody() {
  if (waits_for_memory_) return false;
  if (piece_.empty() && !body_->has_pending()) {
    if (parser_->is_done()) return EndBody();
    const size_t taken = parser_->ReadBody(input(), piece_);
    if (parser_->fault()) return Refuse(HttpRefusal::kBodyMalformed);
    input_begin_ += taken;
    if (taken > 0) return true;
    if (input().size() >= kMaxUnreadBytes) return Refuse(HttpRefusal::kBodyMalformed);
    return Receive();
  }
  body_->Take(piece_);
  if (body_->state() == BodyReader::State::kTooLong) return Refuse(HttpRefusal::kBodyTooLong);
  if (body_->state() != BodyReader::State::kGood) return Refuse(HttpRefusal::kBodyMalformed);
  const uint64_t bytes = body_->cost_bytes();
  if (!listener_.memory().CouldFit(bytes)) return Refuse(HttpRefusal::kBodyTooCostly);
  return TakeMemory(bytes);
}

bool Connection::EndBody() {
  if (!body_->IsWhole()) return Refuse(HttpRefusal::kBodyMalformed);
  request_.body = body_->TakeBody();
  Submit();
  return false;
}

bool Connection::StepAdmission() {
  if (waits_for_memory_ || !TakeMemory(kRequestBytes)) return false;
  Submit();
  return false;
}

bool Connection::TakeMemory(uint64_t bytes) {
  if (listener_.memory().Change(held_bytes_, bytes)) return true;
  waits_for_memory_ = true;
  deadline_ = std::min(deadline_, Clock::now() + ToChrono(listener_.options().memory_timeout));
  listener_.AwaitMemory(shared_from_this());
  return false;
}

bool Connection::TryMemoryAgain() {
  if (!waits_for_memory_) return true;
  const uint64_t bytes = state_ == State::kBody ? body_->cost_bytes() : kRequestBytes;
  if (!listener_.memory().Change(held_bytes_, bytes)) return false;
  waits_for_memory_ = false;
  if (state_ == State::kBody) {  // The wait does not count against the client.
    deadline_ = Clock::now() + ToChrono(listener_.options().body_timeout);
  }
  Run();
  return true;
}

void Connection::Submit() {
  state_ = State::kWorking;
  deadline_ = Clock::time_point::max();
  parser_.reset();
  body_.reset();
  listener_.handler().Respond(
      std::move(request_), [listener = listener_.shared_from_this(), weak = weak_from_this(),
                            number = request_number_](HttpAnswer answer) {
        listener->Post([weak, number, answer = std::move(answer)]() mutable {
          if (const auto self = weak.lock()) self->OnAnswer(number, std::move(answer));
        });
      });
}

void Connection::OnAnswer(uint64_t request_number, HttpAnswer answer) {
  if (state_ != State::kWorking || request_number != request_number_) return;
  StartAnswer(std::move(answer));
  Run();
}

bool Connection::Refuse(HttpRefusal refusal) {
  return Refuse(listener_.handler().AnswerOf(request_, refusal));
}

bool Connection::Refuse(const ParseFault& fault) {
  return Refuse(HttpAnswer{.status = fault.status, .body = StrCat(fault.reason, "\n")});
}

bool Connection::Refuse(HttpAnswer answer) {
  keep_alive_ = false;
  StartAnswer(std::move(answer));
  return true;
}

void Connection::StartAnswer(HttpAnswer answer) {
  waits_for_memory_ = false;
  body_.reset();
  piece_ = {};
  if (closing_) keep_alive_ = false;
  const AfterAnswer after = !keep_alive_       ? AfterAnswer::kClose
                            : says_keep_alive_ ? AfterAnswer::kSayStay
                                               : AfterAnswer::kStay;
  output_head_ = AnswerHead(answer, after);
  output_body_ = answer_without_body_ ? std::string() : std::move(answer.body);
  output_bytes_ = 0;
  if (transport_->is_encrypted() && output_body_.size() <= kJoinedBytes) {
    output_head_ += std::exchange(output_body_, std::string());
  }
  listener_.memory().ForceChange(held_bytes_, kRequestBytes + output_body_.capacity());
  listener_.OnMemoryFreed();
  NoteProgress(0);
  Enter(State::kAnswer, ToChrono(listener_.options().answer_timeout) +
                            seconds(output_body_.size() / kLeastAnswerBytesPerSecond));
}

bool Connection::StepWrite() {
  const size_t head_bytes = output_head_.size();
  while (output_bytes_ < head_bytes + output_body_.size()) {
    const std::string_view head =
        std::string_view(output_head_).substr(std::min(output_bytes_, head_bytes));
    const std::string_view body =
        std::string_view(output_body_).substr(std::max(output_bytes_, head_bytes) - head_bytes);
    const IoResult result = transport_->Write(head, body);
    if (result.kind == Kind::kWantRead || result.kind == Kind::kWantWrite) return Await(result);
    if (result.kind != Kind::kDone) {
      Close();
      return false;
    }
    output_bytes_ += result.bytes;
    NoteProgress(0);
  }
  output_head_.clear();
  output_body_ = std::string();
  output_bytes_ = 0;
  if (state_ == State::kContinue) {
    Enter(State::kBody, ToChrono(listener_.options().body_timeout));
    return true;
  }
  return FinishAnswer();
}

bool Connection::FinishAnswer() {
  listener_.memory().ForceChange(held_bytes_, 0);
  listener_.OnMemoryFreed();
  request_ = HttpRequest();
  parser_.reset();
  if (!keep_alive_ || closing_) {
    transport_->ShutdownWrites();
    Enter(State::kLinger, kLingerTimeout);
    return true;
  }
  if (input().empty()) {  // An idle connection keeps no buffer.
    input_ = std::string();
    input_begin_ = 0;
  }
  Enter(State::kHead, ToChrono(input().empty() ? listener_.options().idle_timeout
                                               : listener_.options().request_timeout));
  return true;
}

bool Connection::StepLinger() {
  const IoResult result = transport_->Drop();
  if (result.kind == Kind::kWantRead) return Await(result);
  linger_bytes_ -= std::min(linger_bytes_, result.bytes);
  if (result.kind == Kind::kDone && linger_bytes_ > 0) return true;
  Close();
  return false;
}

void Connection::CheckDeadline(Clock::time_point now) {
  if (state_ == State::kBody && now - window_begin_ >= kWindow) {
    slow_body_ = window_bytes_ < kLeastWindowBytes;
    window_begin_ = now;
    window_bytes_ = 0;
  }
  if (now < deadline_) return;
  switch (state_) {
    case State::kHead:
      if (!parser_ || !parser_->has_begun()) {
        Close();
        return;
      }
      Refuse(ParseFault{408, "the head of the request did not come in time"});
      break;
    case State::kBody:
      Refuse(waits_for_memory_ ? HttpRefusal::kBusy : HttpRefusal::kBodyMalformed);
      break;
    case State::kAdmission:
      Refuse(HttpRefusal::kBusy);
      break;
    case State::kLinger:
      Close();
      return;
    default:
      Abort();
      return;
  }
  transport_->CancelWait();
  Run();
}

Connection::Worth Connection::worth(Clock::time_point now) const {
  switch (state_) {
    case State::kHandshake:
    case State::kLinger:
      return Worth::kUnknownClient;
    case State::kHead:
      return request_number_ == 0 ? Worth::kUnknownClient : Worth::kIdleClient;
    case State::kContinue:
    case State::kBody:
    case State::kAnswer:
      return waits_for_memory_ || now - last_progress_ < kPause ? Worth::kBusy : Worth::kSlowClient;
    default:
      return Worth::kBusy;
  }
}

void Connection::CloseSoon() {
  closing_ = true;
  const bool has_request = state_ != State::kHandshake && state_ != State::kHead;
  if (!has_request || state_ == State::kLinger) Close();
}

void Connection::Abort() {
  if (state_ == State::kClosed) return;
  transport_->Abort();
  Close();
}

void Connection::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  transport_->Close();
  listener_.memory().ForceChange(held_bytes_, 0);
  listener_.OnMemoryFreed();
  listener_.Forget(*this);
}

}  // namespace freshet

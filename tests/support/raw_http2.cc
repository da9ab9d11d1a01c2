#include "tests/support/raw_http2.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace freshet {
namespace {

constexpr uint8_t kData = 0;
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kReset = 3;
constexpr uint8_t kSettings = 4;
constexpr uint8_t kPing = 6;
constexpr uint8_t kWindowUpdate = 8;
constexpr uint8_t kAck = 1;
constexpr uint8_t kEndStream = 1;
constexpr uint8_t kEndHeaders = 4;
constexpr uint16_t kInitialWindowSize = 4;
constexpr size_t kFrameHeaderBytes = 9;
constexpr size_t kMaxFrameBytes = 16384;

std::string BigEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

uint64_t Number(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  return BigEndian(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) +
         BigEndian(stream, 4) + std::string(payload);
}

// An HPACK string literal, without Huffman coding. Its length takes one byte below 127, more above.
std::string Literal(std::string_view text) {
  constexpr size_t kMax = 127;
  std::string coded;
  if (text.size() < kMax) return static_cast<char>(text.size()) + std::string(text);
  coded += static_cast<char>(kMax);
  size_t rest = text.size() - kMax;
  for (; rest >= 128; rest /= 128) coded += static_cast<char>(rest % 128 + 128);
  return coded + static_cast<char>(rest) + std::string(text);
}

// A header field that is not indexed and must not be added to the table.
std::string Header(std::string_view name, std::string_view value) {
  return '\0' + Literal(name) + Literal(value);
}

}  // namespace

RawHttp2::RawHttp2(const std::string& address) {
  sockaddr_in target = {};
  target.sin_family = AF_INET;
  target.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&target), sizeof(target)) != 0) {
    close(fd_);
    fd_ = -1;
  }
}

RawHttp2::~RawHttp2() {
  if (fd_ >= 0) close(fd_);
}

RawHttp2::RawHttp2(RawHttp2&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      next_stream_(other.next_stream_),
      received_(std::move(other.received_)),
      initial_window_(other.initial_window_),
      windows_(std::move(other.windows_)),
      sent_(std::move(other.sent_)),
      ended_(std::move(other.ended_)) {}

bool RawHttp2::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

bool RawHttp2::SendPreface() const {
  return Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, ""));
}

uint32_t RawHttp2::BeginCall(std::string_view path,
                             const std::vector<std::pair<std::string, std::string>>& headers) {
  const uint32_t stream = std::exchange(next_stream_, next_stream_ + 2);
  std::string block = Header(":method", "POST") + Header(":scheme", "http") +
                      Header(":path", path) + Header(":authority", "test") +
                      Header("content-type", "application/grpc") + Header("te", "trailers");
  for (const auto& [name, value] : headers) block += Header(name, value);
  Send(Frame(kHeaders, kEndHeaders, stream, block));
  windows_[stream] = initial_window_;
  return stream;
}

size_t RawHttp2::SendPart(uint32_t stream, size_t bytes, size_t message_bytes) {
  size_t done = 0;
  while (done < bytes && !ended(stream)) {
    const auto window = std::min(windows_[0], windows_[stream]);
    const size_t size =
        std::min({bytes - done, kMaxFrameBytes, static_cast<size_t>(std::max<int64_t>(window, 0))});
    if (size == 0) break;
    std::string payload = sent_[stream] == 0 ? '\0' + BigEndian(message_bytes, 4) : "";
    payload.resize(size);
    if (!Send(Frame(kData, 0, stream, payload))) break;
    windows_[0] -= static_cast<int64_t>(size);
    windows_[stream] -= static_cast<int64_t>(size);
    sent_[stream] += size;
    done += size;
  }
  return done;
}

void RawHttp2::Take(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  constexpr size_t kSettingBytes = 6;
  if (type == kSettings && (flags & kAck) == 0) {
    for (size_t i = 0; i + kSettingBytes <= payload.size(); i += kSettingBytes) {
      if (Number(payload.substr(i, 2)) != kInitialWindowSize) continue;
      const auto size = static_cast<int64_t>(Number(payload.substr(i + 2, 4)));
      for (auto& [id, window] : windows_) window += id == 0 ? 0 : size - initial_window_;
      initial_window_ = size;
    }
    Send(Frame(kSettings, kAck, 0, ""));
  } else if (type == kPing && (flags & kAck) == 0) {
    Send(Frame(kPing, kAck, 0, payload));
  } else if (type == kWindowUpdate) {
    windows_.try_emplace(stream, initial_window_).first->second +=
        static_cast<int64_t>(Number(payload));
  } else if (type == kReset || (type == kHeaders && (flags & kEndStream) != 0)) {
    ended_[stream] = true;
  }
}

bool RawHttp2::Read(int timeout_ms) {
  std::array<char, 65536> buffer;
  pollfd ready = {.fd = fd_, .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, timeout_ms) <= 0) return true;
  const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
  if (count <= 0) return false;
  received_.append(buffer.data(), static_cast<size_t>(count));
  while (received_.size() >= kFrameHeaderBytes) {
    const std::string_view view = received_;
    const size_t size = Number(view.substr(0, 3));
    if (view.size() < kFrameHeaderBytes + size) break;
    const std::string payload(view.substr(kFrameHeaderBytes, size));
    const auto type = static_cast<uint8_t>(view[3]);
    const auto flags = static_cast<uint8_t>(view[4]);
    const auto stream = static_cast<uint32_t>(Number(view.substr(5, 4)) & 0x7fffffff);
    received_.erase(0, kFrameHeaderBytes + size);
    Take(type, flags, stream, payload);
  }
  return true;
}

bool RawHttp2::ended(uint32_t stream) const { return ended_.contains(stream); }

}  // namespace freshet

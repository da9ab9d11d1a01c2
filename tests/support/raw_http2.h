// HTTP/2 written by hand, for clients that the gRPC library does not let one write.

#ifndef FRESHET_TESTS_SUPPORT_RAW_HTTP2_H_
#define FRESHET_TESTS_SUPPORT_RAW_HTTP2_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace freshet {

// One connection to a port on loopback; the host of the address is ignored. Not thread-safe.
class RawHttp2 {
 public:
  // Connects, and sends nothing.
  explicit RawHttp2(const std::string& address);
  ~RawHttp2();
  RawHttp2(RawHttp2&& other) noexcept;
  RawHttp2& operator=(RawHttp2&&) = delete;

  bool connected() const { return fd_ >= 0; }

  // Sends any bytes; false if the connection is gone.
  bool Send(std::string_view bytes) const;

  // Sends the preface and empty settings, after which calls may begin.
  bool SendPreface() const;

  // Begins a unary call: sends its usual headers and those in `headers`. Returns the stream's id.
  uint32_t BeginCall(std::string_view path,
                     const std::vector<std::pair<std::string, std::string>>& headers = {});

  // Sends up to `bytes` bytes of the stream's message, as many as the server's windows allow now,
  // and returns how many. The message is announced with a length of `message_bytes`.
  size_t SendPart(uint32_t stream, size_t bytes, size_t message_bytes);

  // Reads what has arrived; waits for up to `timeout_ms` if there is nothing yet. False if the
  // connection is closed.
  bool Read(int timeout_ms);

  // Whether the server has ended the stream.
  bool ended(uint32_t stream) const;
  // How many streams the server has ended.
  size_t ended_count() const { return ended_.size(); }

 private:
  void Take(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload);

  int fd_ = -1;
  uint32_t next_stream_ = 1;
  std::string received_;
  int64_t initial_window_ = 65535;
  std::map<uint32_t, int64_t> windows_{{0, 65535}};  // By stream; 0 is the whole connection.
  std::map<uint32_t, size_t> sent_;
  std::map<uint32_t, bool> ended_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_RAW_HTTP2_H_

// HTTP/2 by hand, for clients that gRPC's library would not let one write.

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

// One connection to host:port of loopback. Not thread-safe.
class RawHttp2 {
 public:
  // Connects, and does nothing more.
  explicit RawHttp2(const std::string& address);
  ~RawHttp2();
  RawHttp2(RawHttp2&& other) noexcept;
  RawHttp2& operator=(RawHttp2&&) = delete;

  bool connected() const { return fd_ >= 0; }

  // Any bytes; false where the other end is gone.
  bool Send(std::string_view bytes) const;

  // The preface and empty settings, after which calls may begin.
  bool SendPreface() const;

  // Begins a unary call: its headers, and what `headers` adds. Returns the stream.
  uint32_t BeginCall(std::string_view path,
                     const std::vector<std::pair<std::string, std::string>>& headers = {});

  // Sends up to `bytes` bytes of a message of the stream that is said to have `message_bytes`, as
  // many as the server's windows allow now. Returns how many.
  size_t SendPart(uint32_t stream, size_t bytes, size_t message_bytes);

  // Reads what has come, waiting for something at most so long; false where the connection is
  // closed.
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
  std::map<uint32_t, int64_t> windows_{{0, 65535}};  // 0: that of the connection.
  std::map<uint32_t, size_t> sent_;
  std::map<uint32_t, bool> ended_;
};

// The memory of a process that is resident, and the most that ever was, in bytes.
uint64_t ResidentBytes(int pid);
uint64_t PeakResidentBytes(int pid);

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_RAW_HTTP2_H_

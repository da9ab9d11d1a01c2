// A bare TCP connection to a server, for tests of what clients of a protocol would not send.

#ifndef FRESHET_TESTS_SUPPORT_RAW_CLIENT_H_
#define FRESHET_TESTS_SUPPORT_RAW_CLIENT_H_

#include <sys/types.h>

#include <string>
#include <string_view>

namespace freshet {

// Not thread-safe. Closes the connection when destroyed. Fails the test where it cannot connect.
class RawClient {
 public:
  // `address` is host:port, of IPv4.
  explicit RawClient(const std::string& address);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&& other) noexcept;

  // Sends all of it, however long that takes. False where the server has closed the connection.
  bool Send(std::string_view text) const;

  // Sends what can be sent at once. How much that is; -1 where the server has closed the
  // connection.
  ssize_t SendSome(std::string_view text) const;

  // All that comes until the server closes the connection.
  std::string ReadAll() const;

  // What comes until it ends with `end`, or the server closes the connection.
  std::string ReadTo(std::string_view end) const;

  // Whether the server has closed the connection; what it has sent before is dropped.
  bool IsClosed() const;

 private:
  int socket_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_RAW_CLIENT_H_

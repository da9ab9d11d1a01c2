// A bare TCP connection to a server, for tests of input that no proper client would send.

#ifndef FRESHET_TESTS_SUPPORT_RAW_CLIENT_H_
#define FRESHET_TESTS_SUPPORT_RAW_CLIENT_H_

#include <sys/types.h>

#include <string>
#include <string_view>

namespace freshet {

// Not thread-safe. Closes the connection when destroyed. Fails the test if it cannot connect.
class RawClient {
 public:
  // `address` is host:port, of IPv4.
  explicit RawClient(const std::string& address);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&& other) noexcept;

  // Sends all of the text, however long that takes. False if the server has closed the connection.
  bool Send(std::string_view text) const;

  // Sends as much as it can without waiting. Returns the number of bytes sent, or -1 if the server
  // has closed the connection.
  ssize_t SendSome(std::string_view text) const;

  // Returns all that arrives until the server closes the connection.
  std::string ReadAll() const;

  // Returns what arrives, up to and with `end`, or until the server closes the connection.
  std::string ReadTo(std::string_view end) const;

  // Whether the server has closed the connection. Drops what it sent before.
  bool IsClosed() const;

 private:
  int socket_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_RAW_CLIENT_H_

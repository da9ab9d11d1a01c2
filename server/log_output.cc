#include "server/log_output.h"

#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

// How long a line waits for the reader, unless lines have been dropped already.
constexpr int kPatienceMs = 1000;

class LogOutput : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LogOutput(int fd) : fd_(fd) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (dropped_count_ > 0) {
      if (!CanWrite(0)) {
        ++dropped_count_;
        return;
      }
      const std::string text = StrCat("event=log_lines_dropped count=", dropped_count_,
                                      "; nobody read standard error in time");
      dropped_count_ = 0;
      Write(spdlog::details::log_msg(message.logger_name, spdlog::level::warn, text));
    }
    Write(message);
  }
  void flush_() override {}

 private:
  bool CanWrite(int patience_ms) const {
    pollfd output = {.fd = fd_, .events = POLLOUT, .revents = 0};
    int ready = -1;
    do {
      ready = poll(&output, 1, patience_ms);
    } while (ready < 0 && errno == EINTR);
    return ready == 1;
  }

  void Write(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    std::string_view line(formatted.data(), formatted.size());
    while (!line.empty()) {
      if (!CanWrite(kPatienceMs)) {
        ++dropped_count_;  // The line may be cut short.
        return;
      }
      // A descriptor that poll() calls writable takes at least this much without blocking.
      const ssize_t written = write(fd_, line.data(), std::min<size_t>(line.size(), PIPE_BUF));
      if (written < 0 && errno != EINTR) return;  // There is nowhere to report it.
      line.remove_prefix(static_cast<size_t>(std::max<ssize_t>(written, 0)));
    }
  }

  const int fd_;
  uint64_t dropped_count_ = 0;  // Lines dropped since the last one that was written.
};

}  // namespace

std::shared_ptr<spdlog::sinks::sink> MakeLogOutput(int fd) {
  return std::make_shared<LogOutput>(fd);
}

}  // namespace freshet

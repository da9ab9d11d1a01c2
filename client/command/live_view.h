// Figures that are shown again and again, as freshet watch does.

#ifndef FRESHET_CLIENT_COMMAND_LIVE_VIEW_H_
#define FRESHET_CLIENT_COMMAND_LIVE_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace freshet {

struct LiveOptions {
  double interval_s = 1;  // Between updates, 0.05 to 86400.
  uint64_t count = 0;     // Updates; 0: no limit.
};

// Adds --interval and --count. `options` must outlive the parsing.
std::vector<CLI::Option*> AddLiveOptions(CLI::App& command, LiveOptions& options);

// What is shown.
class LiveView {
 public:
  virtual ~LiveView() = default;

  // Asks the server for the current figures. `seconds` is the time on a monotonic clock.
  virtual absl::Status Update(double seconds) = 0;
  // The latest figures for a terminal, as lines of at most `width` columns.
  virtual std::vector<std::string> Picture(size_t width) const = 0;
  // The latest figures for a pipe or file, with a newline at the end.
  virtual std::string Text() const = 0;
};

// Updates and shows `view` until `options.count` is reached or a signal such as Ctrl-C ends the
// process. On a terminal, and unless `plain`, the picture is drawn in place; otherwise the text is
// printed each time. Once the server has answered, waits for it through a restart; before that, the
// first error is returned.
absl::Status RunLive(LiveView& view, const LiveOptions& options, bool plain);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_LIVE_VIEW_H_

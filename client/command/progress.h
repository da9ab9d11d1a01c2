// How a push is getting on, on stderr.

#ifndef FRESHET_CLIENT_COMMAND_PROGRESS_H_
#define FRESHET_CLIENT_COMMAND_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "core/thread/steady_mutex.h"
#include "freshet/v1/model.pb.h"

namespace freshet {

// What a push has done so far.
struct ProgressFigures {
  uint64_t rows = 0;                    // Read and pushed.
  std::optional<uint64_t> rows_total;   // Where it is known beforehand.
  uint64_t bytes = 0;                   // Read.
  std::optional<uint64_t> bytes_total;  // Where it is known beforehand.
  double window_share = 0;              // Of the window, how much is not acknowledged: 0 to 1.
  bool waiting = false;                 // Held back by the server.
  bool reconnecting = false;            // The connection is lost.
  uint64_t bad_rows = 0;                // Skipped or rejected.
  std::optional<v1::ProgressiveMetrics> metrics;  // Of the model, where known.
};

enum class ProgressMode { kBar, kPlain, kNone };

// From "auto", "bar", "plain" or "none"; auto is a bar on a terminal, else plain lines.
absl::StatusOr<ProgressMode> ParseProgressMode(std::string_view name);

// The line of a bar, at most `width` wide. `rows_per_second` and `bytes_per_second` are of late.
std::string ProgressBar(std::string_view model, const ProgressFigures& figures, double elapsed_s,
                        double rows_per_second, double bytes_per_second, size_t width);

// The same as a plain line.
std::string ProgressLine(std::string_view model, const ProgressFigures& figures,
                         double rows_per_second);

// Draws a bar about five times a second, or a line every few seconds, from a thread of its own,
// until destroyed. Another thread asks the server for the model's metrics about once a second.
class ProgressDisplay {
 public:
  // `sample` is called from the display's thread; it need not fill in the metrics. `watcher` may be
  // null: no metrics; it is asked with its own deadline, which should be short.
  ProgressDisplay(ProgressMode mode, std::string model, std::function<ProgressFigures()> sample,
                  std::unique_ptr<Client> watcher);

  // Draws once more and stops.
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // Writes a line to stderr without breaking the bar. Any thread may call it.
  void Print(std::string_view line);

 private:
  using Clock = std::chrono::steady_clock;
  struct Sample {
    Clock::time_point time;
    uint64_t rows;
    uint64_t bytes;
  };

  void Draw();
  void Watch();
  bool Sleep(std::chrono::milliseconds duration);
  void Show();

  const ProgressMode mode_;
  const std::string model_;
  const std::function<ProgressFigures()> sample_;
  const std::unique_ptr<Client> watcher_;
  const Clock::time_point start_ = Clock::now();

  std::deque<Sample> recent_;  // Owned by the drawing thread; of the last seconds.

  SteadyMutex mu_;
  SteadyCondition stopped_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<v1::ProgressiveMetrics> metrics_ ABSL_GUARDED_BY(mu_);

  SteadyMutex output_mu_;
  std::string bar_ ABSL_GUARDED_BY(output_mu_);  // As it stands on the terminal.

  std::thread drawer_;
  std::thread watching_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_PROGRESS_H_

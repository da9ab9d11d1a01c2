// Shows the progress of a push on stderr.

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
  uint64_t rows = 0;                    // Rows read and pushed.
  std::optional<uint64_t> rows_total;   // Absent if not known beforehand.
  uint64_t bytes = 0;                   // Bytes of input read.
  std::optional<uint64_t> bytes_total;  // Absent if not known beforehand.
  double window_share = 0;              // How full the window of unacknowledged rows is: 0 to 1.
  bool waiting = false;                 // Whether the push waits because the window is full.
  bool reconnecting = false;            // Whether the connection is lost.
  uint64_t bad_rows = 0;                // Rows skipped or rejected.
  std::optional<v1::ProgressiveMetrics> metrics;  // Of the model; absent if not known.
};

enum class ProgressMode { kBar, kPlain, kNone };

// From "auto", "bar", "plain" or "none"; auto is a bar on a terminal, else plain lines.
absl::StatusOr<ProgressMode> ParseProgressMode(std::string_view name);

// The line with the progress bar, at most `width` columns wide. `rows_per_second` and
// `bytes_per_second` are the rates of the last seconds.
std::string ProgressBar(std::string_view model, const ProgressFigures& figures, double elapsed_s,
                        double rows_per_second, double bytes_per_second, size_t width);

// The same as a plain line.
std::string ProgressLine(std::string_view model, const ProgressFigures& figures,
                         double rows_per_second);

// Draws a bar about five times a second, or a line every few seconds, from a thread of its own,
// until destroyed. Another thread asks the server for the model's metrics about once a second.
class ProgressDisplay {
 public:
  // `sample` is called from the drawing thread and need not fill in the metrics. These come from
  // `watcher`, or are left out if it is null. The destructor waits for a call of `watcher` that is
  // under way, so its deadline should be short.
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

  std::deque<Sample> recent_;  // The last seconds. Used by the drawing thread only.

  SteadyMutex mu_;
  SteadyCondition stopped_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<v1::ProgressiveMetrics> metrics_ ABSL_GUARDED_BY(mu_);

  SteadyMutex output_mu_;
  std::string bar_ ABSL_GUARDED_BY(output_mu_);  // The bar now on the terminal; empty: none.

  std::thread drawer_;
  std::thread watching_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_PROGRESS_H_

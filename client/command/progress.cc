#include "client/command/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "client/command/model_text.h"
#include "client/command/text.h"
#include "core/base/str_cat.h"
#include "core/cli/suggest.h"

namespace freshet {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBarInterval{200};
constexpr milliseconds kLineInterval{2'000};
constexpr milliseconds kWatchInterval{1'000};
constexpr milliseconds kRateWindow{3'000};

double Seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

size_t TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// The share of the input that is done, 0 to 1; nothing if its size is not known.
std::optional<double> ShareDone(const ProgressFigures& figures) {
  std::optional<double> share;
  if (figures.bytes_total.has_value() && *figures.bytes_total > 0) {
    share = static_cast<double>(figures.bytes) / static_cast<double>(*figures.bytes_total);
  }
  if (figures.rows_total.has_value() && *figures.rows_total > 0) {
    const double by_rows =
        static_cast<double>(figures.rows) / static_cast<double>(*figures.rows_total);
    share = std::max(by_rows, share.value_or(0));
  }
  if (!share.has_value()) return std::nullopt;
  return std::clamp(*share, 0.0, 1.0);
}

std::string Bar(double share, size_t width) {
  const auto filled = static_cast<size_t>(share * static_cast<double>(width));
  std::string bar(filled, '=');
  if (filled < width) bar += '>';
  bar.resize(width, ' ');
  return StrCat("[", bar, "]");
}

// A piece of the bar's line. If the line is too long, pieces with the highest rank are dropped
// first.
struct Piece {
  std::string text;
  int rank;
};

std::vector<Piece> Pieces(const ProgressFigures& figures, double elapsed_s, double rows_per_second,
                          double bytes_per_second) {
  std::vector<Piece> pieces;
  pieces.push_back({StrCat(GroupedCount(figures.rows), " rows"), 0});
  pieces.push_back(
      {StrCat(GroupedCount(static_cast<uint64_t>(std::max(0.0, rows_per_second))), "/s"), 1});
  pieces.push_back({StrCat(ShortBytes(bytes_per_second), "/s"), 7});
  if (figures.metrics.has_value() && figures.metrics->example_count() > 0) {
    const v1::ProgressiveMetrics& metrics = *figures.metrics;
    pieces.push_back({StrCat("loss ", Decimals(metrics.loss(), 4)), 2});
    pieces.push_back({StrCat("base ", Decimals(metrics.base_rate_loss(), 4)), 5});
    if (metrics.has_auc()) pieces.push_back({StrCat("AUC ", Decimals(metrics.auc(), 4)), 3});
  }
  if (figures.bad_rows > 0) pieces.push_back({StrCat("bad ", GroupedCount(figures.bad_rows)), 4});
  if (figures.reconnecting) {
    pieces.push_back({"reconnecting", 1});
  } else {
    pieces.push_back({StrCat("window ", Decimals(100 * figures.window_share, 0), "%",
                             figures.waiting ? " full" : ""),
                      6});
  }
  const std::optional<double> share = ShareDone(figures);
  if (share.has_value() && *share > 0 && *share < 1) {
    pieces.push_back({StrCat("ETA ", ClockTime(elapsed_s * (1 - *share) / *share)), 4});
  } else {
    pieces.push_back({ClockTime(elapsed_s), 4});
  }
  return pieces;
}

size_t TotalWidth(const std::vector<Piece>& pieces) {
  size_t width = 0;
  for (const Piece& piece : pieces) width += 2 + piece.text.size();
  return width;
}

}  // namespace

absl::StatusOr<ProgressMode> ParseProgressMode(std::string_view name) {
  if (name == "bar") return ProgressMode::kBar;
  if (name == "plain") return ProgressMode::kPlain;
  if (name == "none") return ProgressMode::kNone;
  if (name == "auto") {
    return isatty(STDERR_FILENO) != 0 ? ProgressMode::kBar : ProgressMode::kPlain;
  }
  return absl::InvalidArgumentError(
      NotOneOf("progress display", name, {"auto", "bar", "plain", "none"}));
}

std::string ProgressBar(std::string_view model, const ProgressFigures& figures, double elapsed_s,
                        double rows_per_second, double bytes_per_second, size_t width) {
  constexpr size_t kShortestBar = 10;
  constexpr size_t kLongestBar = 30;
  std::vector<Piece> pieces = Pieces(figures, elapsed_s, rows_per_second, bytes_per_second);
  const std::optional<double> share = ShareDone(figures);
  std::string head(model);
  if (share.has_value()) head += StrCat("  ", Decimals(100 * *share, 0), "%");
  const size_t bar_room = share.has_value() ? kShortestBar + 3 : 0;
  while (pieces.size() > 1 && head.size() + bar_room + TotalWidth(pieces) > width) {
    pieces.erase(std::max_element(pieces.begin(), pieces.end(),
                                  [](const Piece& a, const Piece& b) { return a.rank < b.rank; }));
  }
  std::string line = head;
  if (share.has_value()) {
    const size_t used = head.size() + 3 + TotalWidth(pieces);
    const size_t room = width > used ? width - used : 0;
    // Grow the bar in steps of 10 columns, so that its length does not flicker as numbers gain and
    // lose digits.
    const size_t length = std::clamp(room / 10 * 10, kShortestBar, kLongestBar);
    line += StrCat(" ", Bar(*share, length));
  }
  for (const Piece& piece : pieces) line += StrCat("  ", piece.text);
  line.resize(std::min(line.size(), width));
  return line;
}

std::string ProgressLine(std::string_view model, const ProgressFigures& figures,
                         double rows_per_second) {
  std::string line = StrCat(model, ": ", GroupedCount(figures.rows), " rows");
  if (const std::optional<double> share = ShareDone(figures); share.has_value()) {
    line += StrCat(" (", Decimals(100 * *share, 0), " %)");
  }
  line += StrCat(", ", GroupedCount(static_cast<uint64_t>(std::max(0.0, rows_per_second))),
                 " a second");
  if (figures.metrics.has_value() && figures.metrics->example_count() > 0) {
    const v1::ProgressiveMetrics& metrics = *figures.metrics;
    line += StrCat(", loss ", Decimals(metrics.loss(), 4), " (base rate ",
                   Decimals(metrics.base_rate_loss(), 4), ")");
    if (metrics.has_auc()) line += StrCat(", AUC ", Decimals(metrics.auc(), 4));
  }
  if (figures.bad_rows > 0) line += StrCat(", ", GroupedCount(figures.bad_rows), " bad rows");
  if (figures.reconnecting) {
    line += ", reconnecting";
  } else if (figures.waiting) {
    line += ", waiting for the server";
  }
  return line;
}

ProgressDisplay::ProgressDisplay(ProgressMode mode, std::string model,
                                 std::function<ProgressFigures()> sample,
                                 std::unique_ptr<Client> watcher)
    : mode_(mode),
      model_(std::move(model)),
      sample_(std::move(sample)),
      watcher_(std::move(watcher)) {
  if (mode_ == ProgressMode::kNone) return;
  drawer_ = std::thread([this] { Draw(); });
  if (watcher_ != nullptr) watching_ = std::thread([this] { Watch(); });
}

ProgressDisplay::~ProgressDisplay() {
  {
    const SteadyLock lock(&mu_);
    stop_ = true;
    stopped_.NotifyAll();
  }
  if (drawer_.joinable()) drawer_.join();
  if (watching_.joinable()) watching_.join();
}

// Sleeps for `duration`, or until the display is destroyed; returns false in the latter case.
bool ProgressDisplay::Sleep(milliseconds duration) {
  const SteadyLock lock(&mu_);
  const Clock::time_point until = Clock::now() + duration;
  while (!stop_ && Clock::now() < until) stopped_.WaitUntil(mu_, until);
  return !stop_;
}

void ProgressDisplay::Watch() {
  do {
    const absl::StatusOr<v1::Model> model = watcher_->GetModel(model_);
    if (!model.ok()) continue;
    const SteadyLock lock(&mu_);
    metrics_ = ChampionOf(*model).metrics();
  } while (Sleep(kWatchInterval));
}

void ProgressDisplay::Draw() {
  while (Sleep(mode_ == ProgressMode::kBar ? kBarInterval : kLineInterval)) Show();
  if (mode_ != ProgressMode::kBar) return;
  Show();
  const SteadyLock lock(&output_mu_);
  std::fputs("\n", stderr);
  bar_.clear();
}

void ProgressDisplay::Show() {
  ProgressFigures figures = sample_();
  {
    const SteadyLock lock(&mu_);
    figures.metrics = metrics_;
  }
  const Clock::time_point now = Clock::now();
  if (recent_.empty()) recent_.push_back({start_, 0, 0});
  recent_.push_back({now, figures.rows, figures.bytes});
  while (recent_.size() > 2 && now - recent_.front().time > kRateWindow) recent_.pop_front();
  const Sample& before = recent_.front();
  const double seconds = std::max(1e-3, Seconds(now - before.time));
  const double rows_per_second = static_cast<double>(figures.rows - before.rows) / seconds;
  const double bytes_per_second = static_cast<double>(figures.bytes - before.bytes) / seconds;
  const SteadyLock lock(&output_mu_);
  if (mode_ == ProgressMode::kPlain) {
    std::fputs(StrCat(ProgressLine(model_, figures, rows_per_second), "\n").c_str(), stderr);
    return;
  }
  // Leave the last column free: some terminals wrap once it is written.
  bar_ = ProgressBar(model_, figures, Seconds(now - start_), rows_per_second, bytes_per_second,
                     TerminalWidth() - 1);
  std::fputs(StrCat("\r\x1b[K", bar_).c_str(), stderr);
}

void ProgressDisplay::Print(std::string_view line) {
  const SteadyLock lock(&output_mu_);
  std::fputs(StrCat(bar_.empty() ? "" : "\r\x1b[K", line, "\n", bar_).c_str(), stderr);
}

}  // namespace freshet

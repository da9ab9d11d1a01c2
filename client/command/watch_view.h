// The display of freshet watch: the latest figures of a model and their recent history.

#ifndef FRESHET_CLIENT_COMMAND_WATCH_VIEW_H_
#define FRESHET_CLIENT_COMMAND_WATCH_VIEW_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/v1/model.pb.h"

namespace freshet {

// Remembers the figures of a model over time and formats the latest of them, with sparklines of how
// they moved. Not thread-safe.
class WatchView {
 public:
  // Adds the state of the model at a time, given in seconds of a monotonic clock.
  void Add(double seconds, const v1::Model& model);

  // REQUIRES for all methods below: Add() was called.

  // Several lines with sparklines, each at most `width` columns wide.
  std::vector<std::string> Picture(size_t width) const;

  // One line for people; one JSON object for programs.
  std::string Line() const;
  std::string Json() const;

 private:
  // The values of one sparkline, the latest last.
  using Series = std::deque<std::optional<double>>;

  struct Row {
    std::string_view name;
    std::string value;
    const Series* series;
    std::string note;
  };

  std::vector<Row> Rows() const;

  static constexpr size_t kMaxValues = 200;

  v1::Model model_;
  double seconds_ = 0;
  Series losses_;
  Series aucs_;
  Series calibrations_;
  Series rates_;
  Series queues_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_WATCH_VIEW_H_

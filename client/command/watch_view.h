// How a model is doing, as it is seen from time to time.

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

// Remembers figures of a model and shows the latest, with how they have moved. Not thread-safe.
class WatchView {
 public:
  // Takes note of the model as it is at a time, in seconds of a clock that never goes back.
  void Add(double seconds, const v1::Model& model);

  // Several lines, each at most `width` columns wide, with sparklines. REQUIRES: Add() was called,
  // as for all that follow.
  std::vector<std::string> Picture(size_t width) const;

  // One line for people; one JSON object for programs.
  std::string Line() const;
  std::string Json() const;

 private:
  // What the sparklines are of; the last value is the latest.
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

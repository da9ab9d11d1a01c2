// Generates an endless stream of synthetic impressions that convert hours or days later, with known
// probabilities and known delays.

#ifndef FRESHET_CLIENT_GENERATE_CONVERSION_GENERATOR_H_
#define FRESHET_CLIENT_GENERATE_CONVERSION_GENERATOR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "client/generate/click_generator.h"
#include "client/generate/random.h"

namespace freshet {

struct ConversionGeneratorOptions {
  uint64_t seed = 1;
  std::optional<uint64_t> world_seed = {};  // See ClickGeneratorOptions.
  double positive_share = 0.22;             // About this share converts, in (0, 1).
  double events_per_hour = 1000;            // > 0; in stream time.
  // Delays are exponentially distributed with this mean, less those beyond the window. > 0.
  double mean_delay_ms = 6 * 3600e3;
  double window_ms = 72 * 3600e3;  // No conversion comes later than this after its impression; > 0.
  // So often a new campaign begins, beside those that run; 0: there are no campaigns.
  double campaign_ms = 0;
};

// An impression, and when it converts.
struct Conversion {
  uint64_t number;   // Counts events from 0.
  int64_t time_ms;   // Of the impression, since 1970.
  ClickEvent event;  // `clicked` says whether it converts, `probability` how probable that was.
  std::optional<int64_t> delay_ms;  // Of the conversion after the impression.
  std::optional<uint32_t>
      campaign;  // Campaigns are numbered from 0, in the order in which they begin.
};

// Draws impressions in the order of their times, which begin on Monday, 13 November 2023. They have
// the features and the hidden model of ClickGenerator, whose weekdays and hours are those of the
// times here; and each campaign has a hidden weight. Delays do not depend on features, so the share
// of conversions that have come by a time is known: DelayShare(). The same options give the same
// events on every machine. Not thread-safe.
class ConversionGenerator {
 public:
  explicit ConversionGenerator(const ConversionGeneratorOptions& options);

  // Draws the next impression.
  Conversion Next();

 private:
  const ConversionGeneratorOptions options_;
  ClickGenerator impressions_;
  Random random_;  // For times, campaigns and delays.
  uint64_t count_ = 0;
};

// The share of conversions that come within `ms` after their impression.
double DelayShare(const ConversionGeneratorOptions& options, double ms);

// The id of an event in all files that are made of a stream.
std::string ConversionId(uint64_t number);

// Appends the impression as a JSON object with the members id and time and the features, on a line
// of its own. The label is not in it.
void AppendJsonLine(const Conversion& conversion, std::string& out);

}  // namespace freshet

#endif  // FRESHET_CLIENT_GENERATE_CONVERSION_GENERATOR_H_

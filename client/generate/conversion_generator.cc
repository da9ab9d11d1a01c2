#include "client/generate/conversion_generator.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace freshet {
namespace {

constexpr double kHourMs = 3600e3;
constexpr int64_t kStartMs = 1'699'833'600'000;  // Monday, 13 November 2023, 00:00 UTC.
constexpr double kCampaignSpread = 0.7;          // The standard deviation of campaigns' weights.

double CampaignWeight(uint64_t world_seed, uint32_t campaign) {
  return kCampaignSpread * NearlyNormal(Scramble(Scramble(world_seed ^ 0xca) + campaign));
}

}  // namespace

ConversionGenerator::ConversionGenerator(const ConversionGeneratorOptions& options)
    : options_(options),
      impressions_({.seed = options.seed,
                    .world_seed = options.world_seed,
                    .positive_share = options.positive_share}),
      random_(Scramble(options.seed ^ 0xde1a)) {}

Conversion ConversionGenerator::Next() {
  Conversion drawn{};
  drawn.number = count_++;
  const double hours =
      (static_cast<double>(drawn.number) + random_.Uniform()) / options_.events_per_hour;
  drawn.time_ms = kStartMs + static_cast<int64_t>(hours * kHourMs);
  const auto whole_hours = static_cast<uint64_t>(hours);
  ClickMoment moment = {.weekday = static_cast<uint32_t>(whole_hours / 24 % 7),
                        .hour = static_cast<uint32_t>(whole_hours % 24),
                        .score = 0};
  if (options_.campaign_ms > 0) {
    const double begun = 1 + std::floor(hours * kHourMs / options_.campaign_ms);
    drawn.campaign = static_cast<uint32_t>(random_.Uniform() * begun);
    moment.score = CampaignWeight(options_.world_seed.value_or(options_.seed), *drawn.campaign);
  }
  drawn.event = impressions_.NextAt(moment);
  if (drawn.event.clicked) {
    double delay_ms = 0;
    do {
      delay_ms = options_.mean_delay_ms * DrawExponential(random_);
    } while (delay_ms >= options_.window_ms);
    drawn.delay_ms = static_cast<int64_t>(delay_ms);
  }
  return drawn;
}

double DelayShare(const ConversionGeneratorOptions& options, double ms) {
  return std::expm1(-std::min(ms, options.window_ms) / options.mean_delay_ms) /
         std::expm1(-options.window_ms / options.mean_delay_ms);
}

std::string ConversionId(uint64_t number) { return "e" + std::to_string(number); }

void AppendJsonLine(const Conversion& conversion, std::string& out) {
  out.append(R"({"id": ")").append(ConversionId(conversion.number));
  out.append(R"(", "time": )").append(std::to_string(conversion.time_ms)).append(", ");
  if (conversion.campaign.has_value()) {
    out.append(R"("campaign": ")").append(std::to_string(*conversion.campaign)).append(R"(", )");
  }
  AppendJsonMembers(conversion.event, out);
  out.append("}\n");
}

}  // namespace freshet

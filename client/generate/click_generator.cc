#include "client/generate/click_generator.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

namespace freshet {

// The families of hidden weights.
enum class ClickGenerator::Field : uint64_t {
  kUser,
  kSegment,
  kAge,
  kItem,
  kCategory,
  kPrice,
  kSite,
  kDevice,
  kPosition,
  kWeekday,
  kHour,
  kSegmentCategory,
  kDevicePosition,
};

namespace {

constexpr uint32_t kSegments = 12;
constexpr uint32_t kCategories = 40;
constexpr uint32_t kPositions = 8;
constexpr uint64_t kCents = 100;  // The number of different ages and prices.

// The standard deviation of the weights of each field, in the order of Field.
constexpr std::array<double, 13> kSpread = {0.4, 0.5, 0.8, 0.6, 0.5, 0.8, 0.5,
                                            0.3, 0.5, 0.1, 0.3, 0.7, 0.3};

// A fixed pseudo-random number for the thing of this kind and number, for example a user, from
// which its traits are derived.
uint64_t Trait(uint64_t seed, uint64_t kind, uint64_t number) {
  return Scramble(Scramble(seed ^ (kind << 56)) ^ number);
}

void AppendFeature(std::string_view prefix, uint64_t number, std::string& out) {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(prefix).append(digits.data(), end);
}

// Appends a number in [0, 1) with two decimals.
void AppendCents(std::string_view prefix, float value, std::string& out) {
  const auto cents = std::lround(value * static_cast<float>(kCents));
  out.append(prefix);
  out.append({'0', '.', static_cast<char>('0' + cents / 10), static_cast<char>('0' + cents % 10)});
}

}  // namespace

ClickGenerator::ClickGenerator(const ClickGeneratorOptions& options)
    : options_(options),
      world_seed_(options.world_seed.value_or(options.seed)),
      users_(100'000, 20),
      items_(20'000, 10),
      sites_(1'000, 3),
      devices_(6, 1),
      random_(Scramble(options.seed)) {
  SetBias();
}

ClickEvent ClickGenerator::Next() {
  CountEvent();
  ClickEvent event = DrawImpression(random_);
  DrawClick(0, event);
  return event;
}

ClickEvent ClickGenerator::NextAt(const ClickMoment& moment) {
  CountEvent();
  ClickEvent event = DrawImpression(random_);
  event.weekday = moment.weekday;
  event.hour = moment.hour;
  DrawClick(moment.score, event);
  return event;
}

void ClickGenerator::CountEvent() {
  if (options_.drift_rows > 0 && event_count_ > 0 && event_count_ % options_.drift_rows == 0) {
    ++drift_count_;
    SetBias();
  }
  ++event_count_;
}

void ClickGenerator::DrawClick(double score, ClickEvent& event) {
  event.probability = PortableSigmoid(bias_ + ScoreWithoutBias(event) + score);
  event.clicked = random_.Uniform() < event.probability;
}

ClickEvent ClickGenerator::DrawImpression(Random& random) const {
  ClickEvent event{};
  event.user = users_.Draw(random);
  const uint64_t user = Trait(world_seed_, 1, event.user);
  event.segment = static_cast<uint32_t>(user % kSegments);
  event.age = static_cast<float>((user >> 32) % kCents) / kCents;
  event.item = items_.Draw(random);
  const uint64_t item = Trait(world_seed_, 2, event.item);
  event.category = static_cast<uint32_t>(item % kCategories);
  event.price = static_cast<float>((item >> 32) % kCents) / kCents;
  event.site = sites_.Draw(random);
  event.device = devices_.Draw(random);
  const uint64_t bits = random.Bits();
  event.position = static_cast<uint32_t>(bits % kPositions);
  event.weekday = static_cast<uint32_t>((bits >> 16) % 7);
  event.hour = static_cast<uint32_t>((bits >> 32) % 24);
  return event;
}

double ClickGenerator::ScoreWithoutBias(const ClickEvent& event) const {
  return Weight(Field::kUser, event.user) + Weight(Field::kSegment, event.segment) +
         Weight(Field::kAge, 0) * static_cast<double>(event.age) +
         Weight(Field::kItem, event.item) + Weight(Field::kCategory, event.category) +
         Weight(Field::kPrice, 0) * static_cast<double>(event.price) +
         Weight(Field::kSite, event.site) + Weight(Field::kDevice, event.device) +
         Weight(Field::kPosition, event.position) + Weight(Field::kWeekday, event.weekday) +
         Weight(Field::kHour, event.hour) +
         Weight(Field::kSegmentCategory, event.segment * kCategories + event.category) +
         Weight(Field::kDevicePosition, event.device * kPositions + event.position);
}

// A hidden weight is a function of its field and value and of the last drift that redrew it. Each
// drift redraws a third of the weights.
double ClickGenerator::Weight(Field field, uint64_t value) const {
  const auto family = static_cast<uint64_t>(field);
  const uint64_t name = Trait(world_seed_, 3 + family, value);
  uint64_t drift = drift_count_;
  while (drift > 0 && Scramble(name + drift) % 3 != 0) --drift;
  return kSpread[static_cast<size_t>(family)] * NearlyNormal(Scramble(name ^ ~drift));
}

// Finds by bisection the bias for which a share positive_share of a sample of impressions is
// clicked.
void ClickGenerator::SetBias() {
  constexpr size_t kSample = 2000;
  Random random(Scramble(world_seed_ + 1));
  std::vector<double> scores;
  for (size_t i = 0; i < kSample; ++i) {
    scores.push_back(ScoreWithoutBias(DrawImpression(random)));
  }
  double low = -20;
  double high = 20;
  for (int i = 0; i < 30; ++i) {
    bias_ = (low + high) / 2;
    double clicks = 0;
    for (const double score : scores) clicks += PortableSigmoid(bias_ + score);
    (clicks > options_.positive_share * kSample ? high : low) = bias_;
  }
}

void AppendVwLine(const ClickEvent& event, std::string& out) {
  out.append(event.clicked ? "1 |user" : "-1 |user");
  AppendFeature(" id=", event.user, out);
  AppendFeature(" segment=", event.segment, out);
  AppendCents(" age:", event.age, out);
  AppendFeature(" |item id=", event.item, out);
  AppendFeature(" category=", event.category, out);
  AppendCents(" price:", event.price, out);
  AppendFeature(" |context site=", event.site, out);
  AppendFeature(" device=", event.device, out);
  AppendFeature(" position=", event.position, out);
  AppendFeature(" weekday=", event.weekday, out);
  AppendFeature(" hour=", event.hour, out);
  AppendFeature(" |pair segment_category=", event.segment, out);
  AppendFeature("_", event.category, out);
  AppendFeature(" device_position=", event.device, out);
  AppendFeature("_", event.position, out);
  out.push_back('\n');
}

void AppendJsonMembers(const ClickEvent& event, std::string& out) {
  AppendFeature(R"("user": {"id": ")", event.user, out);
  AppendFeature(R"(", "segment": ")", event.segment, out);
  AppendCents(R"(", "age": )", event.age, out);
  AppendFeature(R"(}, "item": {"id": ")", event.item, out);
  AppendFeature(R"(", "category": ")", event.category, out);
  AppendCents(R"(", "price": )", event.price, out);
  AppendFeature(R"(}, "context": {"site": ")", event.site, out);
  AppendFeature(R"(", "device": ")", event.device, out);
  AppendFeature(R"(", "position": ")", event.position, out);
  AppendFeature(R"(", "weekday": ")", event.weekday, out);
  AppendFeature(R"(", "hour": ")", event.hour, out);
  AppendFeature(R"("}, "pair": {"segment_category": ")", event.segment, out);
  AppendFeature("_", event.category, out);
  AppendFeature(R"(", "device_position": ")", event.device, out);
  AppendFeature("_", event.position, out);
  out.append(R"("})");
}

}  // namespace freshet

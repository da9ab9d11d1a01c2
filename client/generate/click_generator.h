// Generates an endless stream of synthetic click events from a hidden logistic model.

#ifndef FRESHET_CLIENT_GENERATE_CLICK_GENERATOR_H_
#define FRESHET_CLIENT_GENERATE_CLICK_GENERATOR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "client/generate/random.h"

namespace freshet {

struct ClickGeneratorOptions {
  uint64_t seed = 1;
  // The seed of the hidden model and of the traits of users and items: streams of several seeds in
  // one world can be predicted by the same model. Absent: `seed`.
  std::optional<uint64_t> world_seed = {};
  // After each `drift_rows` events a third of the hidden weights is redrawn; 0: never.
  uint64_t drift_rows = 0;
  // About this share of the events is clicked, in (0, 1).
  double positive_share = 0.15;
};

// What another generator decides about an event, in place of chance.
struct ClickMoment {
  uint32_t weekday;
  uint32_t hour;
  double score;  // Added to that of the hidden model.
};

// One impression and whether it was clicked. Categories are numbers from 0, the most frequent
// first.
struct ClickEvent {
  bool clicked;
  double probability;  // The probability of a click by the hidden model.

  uint32_t user;
  uint32_t segment;  // Of the user.
  float age;         // Of the user, scaled to [0, 1), in steps of 0.01.
  uint32_t item;
  uint32_t category;  // Of the item.
  float price;        // Of the item, scaled to [0, 1), in steps of 0.01.
  uint32_t site;
  uint32_t device;
  uint32_t position;
  uint32_t weekday;
  uint32_t hour;
};

// Draws events. Users, items and sites are Zipf-distributed. The hidden model is logistic and
// linear in the features of the text form, which holds the pairs that matter as features of their
// own, so that a linear model can learn it. The same options give the same events on every machine.
// Not thread-safe.
class ClickGenerator {
 public:
  explicit ClickGenerator(const ClickGeneratorOptions& options);

  // Draws the next event.
  ClickEvent Next();
  // The same, at a moment that is given.
  ClickEvent NextAt(const ClickMoment& moment);

 private:
  enum class Field : uint64_t;

  ClickEvent DrawImpression(Random& random) const;
  // Draws whether the event is clicked. `score` is added to that of the hidden model.
  void DrawClick(double score, ClickEvent& event);
  void CountEvent();
  double ScoreWithoutBias(const ClickEvent& event) const;
  double Weight(Field field, uint64_t value) const;
  void SetBias();

  const ClickGeneratorOptions options_;
  const uint64_t world_seed_;
  const ZipfSampler users_;
  const ZipfSampler items_;
  const ZipfSampler sites_;
  const ZipfSampler devices_;
  Random random_;
  uint64_t event_count_ = 0;
  uint64_t drift_count_ = 0;  // How often hidden weights were redrawn.
  double bias_ = 0;
};

// Appends the event as a line of Vowpal Wabbit text, with its newline; the label is 1 or -1.
void AppendVwLine(const ClickEvent& event, std::string& out);

// Appends the features of AppendVwLine() as members of a JSON object, without its braces: objects
// named by namespace.
void AppendJsonMembers(const ClickEvent& event, std::string& out);

}  // namespace freshet

#endif  // FRESHET_CLIENT_GENERATE_CLICK_GENERATOR_H_

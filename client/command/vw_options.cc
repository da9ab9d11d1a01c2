#include "client/command/vw_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/command/text.h"
#include "core/base/str_cat.h"
#include "core/cli/suggest.h"
#include "freshet/v1/option_info.pb.h"

namespace freshet {
namespace {

constexpr uint32_t kDefaultBits = 18;
// Vowpal Wabbit's default learning rate unless both --adaptive and --normalized are on.
constexpr double kSwitchedRate = 10;

struct Option {
  std::string_view name;
  char letter;  // The short form, as in -b; 0: none.
  bool has_value;
};

constexpr Option kOptions[] = {
    {"loss_function", 0, true},
    {"quantile_tau", 0, true},
    {"expectile_q", 0, true},
    {"link", 0, true},
    {"binary", 0, false},
    {"bit_precision", 'b', true},
    {"learning_rate", 'l', true},
    {"power_t", 0, true},
    {"initial_t", 0, true},
    {"initial_weight", 0, true},
    {"sgd", 0, false},
    {"adaptive", 0, false},
    {"invariant", 0, false},
    {"normalized", 0, false},
    {"ftrl", 0, false},
    {"ftrl_alpha", 0, true},
    {"ftrl_beta", 0, true},
    {"coin", 0, false},
    {"l1", 0, true},
    {"l2", 0, true},
    {"sparse_l2", 0, true},
    {"min_prediction", 0, true},
    {"max_prediction", 0, true},
    {"noconstant", 0, false},
    {"constant", 'C', true},
    {"quadratic", 'q', true},
    {"cubic", 0, true},
    {"interactions", 0, true},
    {"permutations", 0, false},
    {"leave_duplicate_interactions", 0, false},
    {"ngram", 0, true},
    {"skips", 0, true},
    {"feature_limit", 0, true},
    {"keep", 0, true},
    {"ignore", 0, true},
    {"ignore_linear", 0, true},
    {"hash", 0, true},
    {"passes", 0, true},
    {"holdout_off", 0, false},
    {"holdout_period", 0, true},
    {"sparse_weights", 0, false},
};

// Options that concern files, output and memory, and change nothing that is learned: accepted, and
// named in a note.
constexpr Option kWithoutEffect[] = {
    {"data", 'd', true},
    {"cache", 'c', false},
    {"cache_file", 0, true},
    {"kill_cache", 'k', false},
    {"compressed", 0, false},
    {"no_stdin", 0, false},
    {"final_regressor", 'f', true},
    {"readable_model", 0, true},
    {"invert_hash", 0, true},
    {"save_resume", 0, false},
    {"preserve_performance_counters", 0, false},
    {"save_per_pass", 0, false},
    {"predict_only_model", 0, false},
    {"predictions", 'p', true},
    {"raw_predictions", 'r', true},
    {"progress", 'P', true},
    {"quiet", 0, false},
    {"driver_output_off", 0, false},
    {"driver_output", 0, true},
    {"log_level", 0, true},
    {"log_output", 0, true},
    {"limit_output", 0, true},
    {"audit", 'a', false},
    {"onethread", 0, false},
    {"ring_size", 0, true},
    {"example_queue_limit", 0, true},
    {"random_seed", 0, true},
    {"dense_weights", 0, false},
};

absl::Status Bad(std::string_view flag, std::string_view why) {
  return absl::InvalidArgumentError(StrCat("--vw-options: ", flag, ": ", why));
}

std::string Flag(const Option& option) { return StrCat("--", option.name); }

absl::Status Unknown(std::string_view flag) {
  std::vector<std::string> names;
  for (const Option& option : kOptions) names.push_back(Flag(option));
  return Bad(flag, StrCat("is not supported", DidYouMean(flag, names), "; supported are ",
                          absl::StrJoin(names, " "), " and -b -l -q -C"));
}

// The options that are set, each with its values in order. A switch has an empty value for each
// time it is given.
class Settings {
 public:
  static absl::StatusOr<Settings> Parse(std::string_view text);

  // Options that were given and change nothing.
  const std::vector<std::string>& ignored() const { return ignored_; }

  bool Has(std::string_view name) const { return values_.contains(name); }
  std::span<const std::string> All(std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return {};
    return found->second;
  }
  std::string Text(std::string_view name, std::string_view otherwise) const {
    return Has(name) ? All(name).back() : std::string(otherwise);
  }
  absl::StatusOr<double> Number(std::string_view name, double otherwise) const;

 private:
  std::map<std::string_view, std::vector<std::string>> values_;
  std::vector<std::string> ignored_;
};

// The option that a word such as --name, --name=value, -b or -b22 names, and the value in the word,
// if any. Nothing if there is no such option.
std::optional<std::pair<Option, std::optional<std::string>>> Find(std::span<const Option> options,
                                                                  std::string_view word) {
  const bool is_long = word.starts_with("--");
  const size_t equals = is_long ? word.find('=') : std::string_view::npos;
  for (const Option& option : options) {
    if (is_long &&
        word.substr(2, equals == std::string_view::npos ? equals : equals - 2) == option.name) {
      if (equals == std::string_view::npos) return {{option, std::nullopt}};
      return {{option, std::string(word.substr(equals + 1))}};
    }
    if (!is_long && word.size() >= 2 && option.letter != 0 && word[1] == option.letter) {
      if (word.size() == 2) return {{option, std::nullopt}};
      return {{option, std::string(word.substr(2))}};
    }
  }
  return std::nullopt;
}

absl::StatusOr<Settings> Settings::Parse(std::string_view text) {
  Settings settings;
  const std::vector<std::string> words =
      absl::StrSplit(ToAbsl(text), absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with('-')) return Bad(word, "is not an option; options begin with - or --");
    auto found = Find(kOptions, word);
    const bool is_ignored = !found.has_value();
    if (is_ignored) found = Find(kWithoutEffect, word);
    if (!found.has_value()) return Unknown(word.substr(0, word.find('=')));
    auto& [option, value] = *found;
    if (!option.has_value && value.has_value()) return Bad(Flag(option), "takes no value");
    if (option.has_value && !value.has_value()) {
      if (++i == words.size()) return Bad(Flag(option), "needs a value");
      value = words[i];
    }
    if (is_ignored) {
      settings.ignored_.push_back(Flag(option));
    } else {
      settings.values_[option.name].push_back(value.value_or(""));
    }
  }
  return settings;
}

absl::StatusOr<double> Settings::Number(std::string_view name, double otherwise) const {
  if (!Has(name)) return otherwise;
  const std::string& text = All(name).back();
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() ||
      !std::isfinite(value)) {
    return Bad(StrCat("--", name), StrCat("'", text, "' is not a number"));
  }
  return value;
}

// Text in which \\xHH stands for a byte, as in a letter of a namespace.
std::string Decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    uint32_t byte = 0;
    const char* const digits = text.data() + i + 2;
    if (text.size() - i >= 4 && text[i] == '\\' && text[i + 1] == 'x' &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      decoded += static_cast<char>(byte);
      i += 3;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

// Sets a number if the option is given.
template <typename Set>
absl::Status SetNumber(const Settings& settings, std::string_view name, const Set& set) {
  if (!settings.Has(name)) return absl::OkStatus();
  const absl::StatusOr<double> number = settings.Number(name, 0);
  if (!number.ok()) return number.status();
  set(*number);
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> WholeNumber(const Settings& settings, std::string_view name,
                                     uint32_t otherwise) {
  const absl::StatusOr<double> number = settings.Number(name, otherwise);
  if (!number.ok()) return number.status();
  if (!(*number >= 0 && *number <= 1e9) || *number != std::floor(*number)) {
    return Bad(StrCat("--", name), "it must be a whole number");
  }
  return static_cast<uint32_t>(*number);
}

absl::Status SetLink(const Settings& settings, v1::LearnerSpec& spec) {
  // Without --link, Vowpal Wabbit shows scores. Here predictions are what the loss is about.
  const std::string otherwise = spec.loss() == v1::LOSS_LOGISTIC  ? "logistic"
                                : spec.loss() == v1::LOSS_POISSON ? "poisson"
                                                                  : "identity";
  const std::map<std::string, v1::VowpalWabbit::Link> links = {
      {"identity", v1::VowpalWabbit::LINK_UNSPECIFIED},
      {"logistic", v1::VowpalWabbit::LINK_LOGISTIC},
      {"glf1", v1::VowpalWabbit::LINK_GLF1},
      {"poisson", v1::VowpalWabbit::LINK_POISSON}};
  const auto link = links.find(settings.Text("link", otherwise));
  if (link == links.end()) {
    return Bad(StrCat("--link ", settings.Text("link", "")),
               "is not supported; choose identity, logistic, glf1 or poisson");
  }
  spec.mutable_vowpal_wabbit()->set_link(link->second);
  return absl::OkStatus();
}

absl::Status SetLoss(const Settings& settings, v1::LearnerSpec& spec) {
  const std::map<std::string, v1::Loss> losses = {
      {"squared", v1::LOSS_SQUARED},   {"classic", v1::LOSS_SQUARED},
      {"logistic", v1::LOSS_LOGISTIC}, {"hinge", v1::LOSS_HINGE},
      {"poisson", v1::LOSS_POISSON},   {"quantile", v1::LOSS_QUANTILE},
      {"expectile", v1::LOSS_SQUARED}};
  const std::string name = settings.Text("loss_function", "squared");
  const auto loss = losses.find(name);
  if (loss == losses.end()) {
    return Bad(StrCat("--loss_function ", name),
               "is not supported; choose squared, classic, logistic, hinge, poisson, quantile or "
               "expectile");
  }
  spec.set_loss(loss->second);
  v1::VowpalWabbit& vw = *spec.mutable_vowpal_wabbit();
  if (name == "classic") vw.set_classic(true);
  if (settings.Has("binary")) vw.set_binary(true);
  absl::Status status = absl::OkStatus();
  if (spec.loss() == v1::LOSS_QUANTILE) {
    status = SetNumber(settings, "quantile_tau", [&](double tau) { spec.set_quantile_tau(tau); });
  } else if (name == "expectile") {
    if (!settings.Has("expectile_q")) {
      return Bad("--loss_function expectile", "needs --expectile_q");
    }
    status = SetNumber(settings, "expectile_q", [&](double q) { vw.set_expectile_q(q); });
  }
  return status.ok() ? SetLink(settings, spec) : status;
}

absl::Status SetFtrl(const Settings& settings, v1::LearnerSpec& spec) {
  const absl::StatusOr<double> initial_weight = settings.Number("initial_weight", 0);
  if (!initial_weight.ok()) return initial_weight.status();
  if (*initial_weight != 0) return Bad("--initial_weight", "cannot be combined with --ftrl");
  const absl::StatusOr<double> alpha = settings.Number("ftrl_alpha", 0.5);
  if (!alpha.ok()) return alpha.status();
  const absl::StatusOr<double> beta = settings.Number("ftrl_beta", 1);
  if (!beta.ok()) return beta.status();
  spec.mutable_ftrl()->set_beta(*beta);
  spec.set_learning_rate(*alpha);
  return absl::OkStatus();
}

absl::Status SetCoin(const Settings& settings, v1::LearnerSpec& spec) {
  const absl::StatusOr<double> alpha = settings.Number("ftrl_alpha", 4);
  if (!alpha.ok()) return alpha.status();
  const absl::StatusOr<double> beta = settings.Number("ftrl_beta", 1);
  if (!beta.ok()) return beta.status();
  spec.mutable_coin()->set_alpha(*alpha);
  spec.mutable_coin()->set_beta(*beta);
  return absl::OkStatus();
}

// Vowpal Wabbit's gradient descent. Without any of --sgd, --adaptive, --invariant and --normalized,
// the last three are on; otherwise only those that are given.
absl::Status SetGradientDescent(const Settings& settings, v1::LearnerSpec& spec) {
  const bool all = !settings.Has("sgd") && !settings.Has("adaptive") &&
                   !settings.Has("invariant") && !settings.Has("normalized");
  const bool adaptive = all || settings.Has("adaptive");
  const bool normalized = all || settings.Has("normalized");
  const bool invariant = all || settings.Has("invariant");
  if (!adaptive && !normalized && !invariant) {
    spec.mutable_sgd();
  } else {
    spec.mutable_nag()->set_adaptive(adaptive);
    spec.mutable_nag()->set_normalized(normalized);
    spec.mutable_nag()->set_invariant(invariant);
  }
  const double default_rate = adaptive && normalized ? 0.5 : kSwitchedRate;
  const absl::StatusOr<double> rate = settings.Number("learning_rate", default_rate);
  if (!rate.ok()) return rate.status();
  spec.set_learning_rate(*rate);
  v1::VowpalWabbit& vw = *spec.mutable_vowpal_wabbit();
  const absl::StatusOr<double> initial_t =
      settings.Number("initial_t", adaptive || normalized ? 0 : 1);
  if (!initial_t.ok()) return initial_t.status();
  vw.set_initial_t(*initial_t);
  absl::Status status =
      SetNumber(settings, "power_t", [&](double power) { vw.set_power_t(power); });
  if (!status.ok()) return status;
  status = SetNumber(settings, "sparse_l2", [&](double l2) { vw.set_sparse_l2(l2); });
  if (!status.ok()) return status;
  status = SetNumber(settings, "constant", [&](double weight) { vw.set_constant(weight); });
  if (!status.ok()) return status;
  return SetNumber(settings, "initial_weight",
                   [&](double weight) { vw.set_initial_weight(weight); });
}

absl::Status SetLearner(const Settings& settings, v1::LearnerSpec& spec) {
  spec.set_intercept(false);
  if (settings.Has("ftrl") && settings.Has("coin")) {
    return Bad("--coin", "cannot be combined with --ftrl; choose one");
  }
  if (settings.Has("ftrl")) return SetFtrl(settings, spec);
  return settings.Has("coin") ? SetCoin(settings, spec) : SetGradientDescent(settings, spec);
}

absl::Status SetRegularisation(const Settings& settings, v1::LearnerSpec& spec) {
  if (spec.has_coin()) return absl::OkStatus();  // They change nothing there.
  absl::Status status = SetNumber(settings, "l1", [&](double l1) { spec.set_l1(l1); });
  if (!status.ok()) return status;
  return SetNumber(settings, "l2", [&](double l2) { spec.set_l2(l2); });
}

absl::Status SetPredictionRange(const Settings& settings, v1::LearnerSpec& spec) {
  v1::VowpalWabbit& vw = *spec.mutable_vowpal_wabbit();
  absl::Status status =
      SetNumber(settings, "min_prediction", [&](double min) { vw.set_min_prediction(min); });
  if (!status.ok()) return status;
  return SetNumber(settings, "max_prediction", [&](double max) { vw.set_max_prediction(max); });
}

absl::Status SetPasses(const Settings& settings, v1::LearnerSpec& spec) {
  constexpr uint32_t kHoldoutPeriod = 10;
  const absl::StatusOr<uint32_t> passes = WholeNumber(settings, "passes", 1);
  if (!passes.ok()) return passes.status();
  const absl::StatusOr<uint32_t> period = WholeNumber(settings, "holdout_period", kHoldoutPeriod);
  if (!period.ok()) return period.status();
  spec.mutable_vowpal_wabbit()->set_passes(*passes);
  const bool holds_out = *passes > 1 && !settings.Has("holdout_off");
  spec.mutable_vowpal_wabbit()->set_holdout_period(holds_out ? *period : 0);
  return absl::OkStatus();
}

absl::Status SetBits(const Settings& settings, v1::LearnerSpec& spec) {
  constexpr uint32_t kMaxBits = 30;
  const absl::StatusOr<double> bits = settings.Number("bit_precision", kDefaultBits);
  if (!bits.ok()) return bits.status();
  if (!(*bits >= 1 && *bits <= kMaxBits) || *bits != std::floor(*bits)) {
    return Bad("--bit_precision", StrCat("it must be a whole number from 1 to ", kMaxBits));
  }
  const v1::OptionInfo& range =
      v1::LearnerSpec::descriptor()->FindFieldByName("bits")->options().GetExtension(
          v1::option_info);
  // In a table of more slots than there are ids, the others stay empty.
  spec.set_bits(static_cast<uint32_t>(std::max(*bits, range.min())));
  spec.mutable_features()->mutable_vowpal_wabbit()->set_bits(static_cast<uint32_t>(*bits));
  return absl::OkStatus();
}

absl::Status SetInteractions(const Settings& settings, v1::LearnerSpec& spec) {
  constexpr size_t kMaxLetters = 16;
  struct Kind {
    std::string_view name;
    size_t min;
    size_t max;
  };
  v1::VowpalWabbitFeatures& features = *spec.mutable_features()->mutable_vowpal_wabbit();
  for (const auto& [name, min, max] :
       {Kind{"quadratic", 2, 2}, Kind{"cubic", 3, 3}, Kind{"interactions", 2, kMaxLetters}}) {
    for (const std::string& text : settings.All(name)) {
      const std::string letters = Decoded(text);
      if (letters.size() < min || letters.size() > max) {
        return Bad(StrCat("--", name, " ", text),
                   StrCat("it takes the letters of ", min,
                          min == max ? std::string() : StrCat(" to ", max), " namespaces"));
      }
      features.add_interactions(letters);
    }
  }
  features.set_permutations(settings.Has("permutations"));
  features.set_leave_duplicate_interactions(settings.Has("leave_duplicate_interactions"));
  return absl::OkStatus();
}

absl::Status SetLetters(const Settings& settings, v1::LearnerSpec& spec) {
  v1::VowpalWabbitFeatures& features = *spec.mutable_features()->mutable_vowpal_wabbit();
  features.set_constant(!settings.Has("noconstant"));
  const auto letters_of = [&](std::string_view name) {
    std::string letters;
    for (const std::string& text : settings.All(name)) letters += Decoded(text);
    return letters;
  };
  features.set_keep(letters_of("keep"));
  features.set_ignore(letters_of("ignore"));
  features.set_ignore_linear(letters_of("ignore_linear"));
  const std::string hash = settings.Text("hash", "strings");
  if (hash != "strings" && hash != "all") {
    return Bad(StrCat("--hash ", hash), "is not supported; choose strings or all");
  }
  features.set_hash_all(hash == "all");
  return absl::OkStatus();
}

// Adds the value of --ngram, --skips or --feature_limit: a number, alone or after the letter of a
// namespace. `is_lenient`: text after the letter that is no number means 0, as there.
absl::Status AddNumber(std::string_view flag, const std::string& text, bool is_lenient,
                       v1::VowpalWabbitFeatures::Number& number) {
  const std::string decoded = Decoded(text);
  const bool has_letter = !decoded.empty() && (decoded[0] < '0' || decoded[0] > '9');
  if (has_letter) number.set_letter(static_cast<unsigned char>(decoded[0]));
  const char* const begin = decoded.data() + (has_letter ? 1 : 0);
  const char* const end = decoded.data() + decoded.size();
  uint32_t value = 0;
  const auto result = std::from_chars(begin, end, value);
  const bool is_number = result.ec == std::errc() && result.ptr == end;
  if (!is_number && !(has_letter && is_lenient && begin != end)) {
    return Bad(StrCat(flag, " ", text), "it takes a number, or a namespace's letter and a number");
  }
  number.set_number(value);
  return absl::OkStatus();
}

absl::Status SetNumbers(const Settings& settings, v1::LearnerSpec& spec) {
  v1::VowpalWabbitFeatures& features = *spec.mutable_features()->mutable_vowpal_wabbit();
  for (const std::string& text : settings.All("ngram")) {
    absl::Status status = AddNumber("--ngram", text, false, *features.add_ngrams());
    if (!status.ok()) return status;
  }
  for (const std::string& text : settings.All("skips")) {
    absl::Status status = AddNumber("--skips", text, false, *features.add_skips());
    if (!status.ok()) return status;
  }
  for (const std::string& text : settings.All("feature_limit")) {
    absl::Status status = AddNumber("--feature_limit", text, true, *features.add_limits());
    if (!status.ok()) return status;
  }
  if (settings.Has("skips") && !settings.Has("ngram")) return Bad("--skips", "needs --ngram");
  return absl::OkStatus();
}

// What to say of options that change nothing.
std::string NoteOf(const Settings& settings) {
  std::vector<std::string> flags = settings.ignored();
  const bool is_descent = !settings.Has("ftrl") && !settings.Has("coin");
  const auto add_if_set = [&](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      if (settings.Has(name)) flags.push_back(StrCat("--", name));
    }
  };
  add_if_set({"sparse_weights"});
  if (is_descent) {
    add_if_set({"ftrl_alpha", "ftrl_beta"});
  } else {
    add_if_set({"sgd", "adaptive", "invariant", "normalized", "learning_rate", "power_t",
                "initial_t", "sparse_l2", "constant"});
  }
  if (settings.Has("coin")) add_if_set({"l1", "l2", "initial_weight"});
  if (flags.empty()) return "";
  return StrCat("--vw-options: ", absl::StrJoin(flags, " "),
                flags.size() == 1 ? " changes" : " change",
                " nothing that is learned here, so it is left out; files are given to 'freshet "
                "push' and 'freshet predict'");
}

}  // namespace

absl::StatusOr<v1::LearnerSpec> ParseVwOptions(std::string_view text, std::string* note) {
  const absl::StatusOr<Settings> settings = Settings::Parse(text);
  if (!settings.ok()) return settings.status();
  v1::LearnerSpec spec;
  for (const auto set : {SetLoss, SetLearner, SetRegularisation, SetPredictionRange, SetPasses,
                         SetBits, SetInteractions, SetLetters, SetNumbers}) {
    absl::Status status = set(*settings, spec);
    if (!status.ok()) return status;
  }
  if (note != nullptr) *note = NoteOf(*settings);
  return spec;
}

}  // namespace freshet

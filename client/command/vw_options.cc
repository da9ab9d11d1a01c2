#include "client/command/vw_options.h"

#include <charconv>
#include <cmath>
#include <cstdint>
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
    {"link", 0, true},
    {"bit_precision", 'b', true},
    {"learning_rate", 'l', true},
    {"power_t", 0, true},
    {"initial_t", 0, true},
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
    {"noconstant", 0, false},
    {"constant", 'C', true},
    {"quadratic", 'q', true},
    {"cubic", 0, true},
    {"interactions", 0, true},
    {"ngram", 0, true},
    {"skips", 0, true},
};

// Vowpal Wabbit's options for input, output and passes over the data, which freshet refuses.
constexpr std::string_view kDataOptions[] = {"-d",
                                             "--data",
                                             "-c",
                                             "--cache",
                                             "--cache_file",
                                             "-k",
                                             "--kill_cache",
                                             "--passes",
                                             "--holdout_off",
                                             "-f",
                                             "--final_regressor",
                                             "-i",
                                             "--initial_regressor",
                                             "-t",
                                             "--testonly",
                                             "-p",
                                             "--predictions",
                                             "-r",
                                             "--raw_predictions",
                                             "-P",
                                             "--progress",
                                             "--quiet",
                                             "--save_resume",
                                             "--readable_model",
                                             "--invert_hash",
                                             "-a",
                                             "--audit",
                                             "--daemon",
                                             "--port"};

absl::Status Bad(std::string_view flag, std::string_view why) {
  return absl::InvalidArgumentError(StrCat("--vw-options: ", flag, ": ", why));
}

std::string Flag(const Option& option) { return StrCat("--", option.name); }

absl::Status Unknown(std::string_view flag) {
  for (const std::string_view data : kDataOptions) {
    if (flag == data) {
      return Bad(flag,
                 "concerns input and output, not learning; leave it out, and see 'freshet push'");
    }
  }
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

  // INVALID_ARGUMENT with the reason `why` if one of the options is set.
  absl::Status Refuse(std::span<const std::string_view> names, std::string_view why) const {
    for (const std::string_view name : names) {
      if (Has(name)) return Bad(StrCat("--", name), why);
    }
    return absl::OkStatus();
  }

 private:
  std::map<std::string_view, std::vector<std::string>> values_;
};

// The option that a word such as --name, --name=value, -b or -b22 names, and the value in the word,
// if any. Nothing if there is no such option.
std::optional<std::pair<Option, std::optional<std::string>>> Find(std::string_view word) {
  const bool is_long = word.starts_with("--");
  const size_t equals = is_long ? word.find('=') : std::string_view::npos;
  for (const Option& option : kOptions) {
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
    auto found = Find(word);
    if (!found.has_value()) return Unknown(word.substr(0, word.find('=')));
    auto& [option, value] = *found;
    if (!option.has_value && value.has_value()) return Bad(Flag(option), "takes no value");
    if (option.has_value && !value.has_value()) {
      if (++i == words.size()) return Bad(Flag(option), "needs a value");
      value = words[i];
    }
    settings.values_[option.name].push_back(value.value_or(""));
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

absl::Status SetLoss(const Settings& settings, v1::LearnerSpec& spec) {
  const std::map<std::string, v1::Loss> losses = {{"squared", v1::LOSS_SQUARED},
                                                  {"logistic", v1::LOSS_LOGISTIC},
                                                  {"hinge", v1::LOSS_HINGE},
                                                  {"poisson", v1::LOSS_POISSON},
                                                  {"quantile", v1::LOSS_QUANTILE}};
  const std::string name = settings.Text("loss_function", "squared");
  const auto loss = losses.find(name);
  if (loss == losses.end()) {
    return Bad(StrCat("--loss_function ", name),
               "is not supported; choose squared, logistic, hinge, poisson or quantile");
  }
  spec.set_loss(loss->second);
  if (settings.Has("quantile_tau") && spec.loss() == v1::LOSS_QUANTILE) {
    const absl::StatusOr<double> tau = settings.Number("quantile_tau", 0.5);
    if (!tau.ok()) return tau.status();
    spec.set_quantile_tau(*tau);
  }
  const std::string link =
      settings.Text("link", spec.loss() == v1::LOSS_LOGISTIC ? "logistic" : "");
  if (!link.empty() && (link != "logistic" || spec.loss() != v1::LOSS_LOGISTIC)) {
    return Bad(StrCat("--link ", link),
               "the loss sets what a prediction is: a probability for logistic, exp(score) for "
               "poisson, else the score; leave it out");
  }
  return absl::OkStatus();
}

absl::Status SetFtrl(const Settings& settings, v1::LearnerSpec& spec) {
  const absl::StatusOr<double> alpha = settings.Number("ftrl_alpha", 0.005);
  if (!alpha.ok()) return alpha.status();
  const absl::StatusOr<double> beta = settings.Number("ftrl_beta", 0.1);
  if (!beta.ok()) return beta.status();
  spec.mutable_ftrl()->set_beta(*beta);
  spec.set_learning_rate(*alpha);
  return absl::OkStatus();
}

absl::Status SetCoin(const Settings& settings, v1::LearnerSpec& spec) {
  constexpr std::string_view kRegularisation[] = {"l1", "l2"};
  absl::Status status = settings.Refuse(kRegularisation, "has no effect with --coin; leave it out");
  if (!status.ok()) return status;
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
  constexpr std::string_view kFtrl[] = {"ftrl_alpha", "ftrl_beta"};
  absl::Status status = settings.Refuse(kFtrl, "needs --ftrl or --coin");
  if (!status.ok()) return status;
  const bool all = !settings.Has("sgd") && !settings.Has("adaptive") &&
                   !settings.Has("invariant") && !settings.Has("normalized");
  const bool adaptive = all || settings.Has("adaptive");
  const bool normalized = all || settings.Has("normalized");
  const bool invariant = all || settings.Has("invariant");
  const bool is_regularized = settings.Has("l1") || settings.Has("l2");
  if (!adaptive && !normalized && !invariant && !is_regularized) {
    spec.mutable_sgd();
  } else {
    spec.mutable_nag()->set_adaptive(adaptive);
    spec.mutable_nag()->set_normalized(normalized);
    spec.mutable_nag()->set_invariant(invariant);
  }
  const double default_rate = adaptive && normalized ? 0.5 : kSwitchedRate;
  const absl::StatusOr<double> rate = settings.Number("learning_rate", default_rate);
  if (!rate.ok()) return rate.status();
  const absl::StatusOr<double> power = settings.Number("power_t", 0.5);
  if (!power.ok()) return power.status();
  const absl::StatusOr<double> initial_t = settings.Number("initial_t", 1);
  if (!initial_t.ok()) return initial_t.status();
  spec.set_learning_rate(*rate);
  if (settings.Has("initial_t") && (adaptive || normalized)) {
    return Bad("--initial_t", "works only with --sgd or with --invariant alone; leave it out");
  }
  if (adaptive) {
    spec.mutable_nag()->set_power(*power);
    return absl::OkStatus();
  }
  if (normalized && *power != 0.5) {
    return Bad("--power_t", "works only with --adaptive or without --normalized; leave it out");
  }
  // Vowpal Wabbit's rate for an example is rate * (T / t)^power, where T is initial_t and t starts
  // there and already counts the example itself. With --normalized it is rate * t^-power, where t
  // starts at 1.
  const double first_t = normalized ? 1 : *initial_t + 1;
  if (!normalized) spec.set_learning_rate(*rate * std::pow(*initial_t / first_t, *power));
  spec.mutable_inverse_power()->set_t0(first_t);
  spec.mutable_inverse_power()->set_power(*power);
  return absl::OkStatus();
}

absl::Status SetLearner(const Settings& settings, v1::LearnerSpec& spec) {
  if (!settings.Has("ftrl") && !settings.Has("coin")) return SetGradientDescent(settings, spec);
  const std::string_view name = settings.Has("ftrl") ? "ftrl" : "coin";
  constexpr std::string_view kOthers[] = {"sgd",     "adaptive",      "invariant", "normalized",
                                          "power_t", "learning_rate", "initial_t"};
  absl::Status status =
      settings.Refuse(kOthers, StrCat("has no effect with --", name, "; leave it out"));
  if (!status.ok()) return status;
  if (settings.Has("ftrl") && settings.Has("coin")) {
    return Bad("--coin", "cannot be combined with --ftrl; choose one");
  }
  return settings.Has("ftrl") ? SetFtrl(settings, spec) : SetCoin(settings, spec);
}

absl::Status SetRegularisation(const Settings& settings, v1::LearnerSpec& spec) {
  const absl::StatusOr<double> l1 = settings.Number("l1", 0);
  if (!l1.ok()) return l1.status();
  const absl::StatusOr<double> l2 = settings.Number("l2", 0);
  if (!l2.ok()) return l2.status();
  if (*l1 != 0) spec.set_l1(*l1);
  if (*l2 != 0) spec.set_l2(*l2);
  if (*l1 != 0 || *l2 != 0) spec.set_regularize_intercept(true);
  return absl::OkStatus();
}

absl::Status SetConstant(const Settings& settings, v1::LearnerSpec& spec) {
  if (settings.Has("noconstant")) spec.set_intercept(false);
  if (!settings.Has("constant")) return absl::OkStatus();
  const absl::StatusOr<double> constant = settings.Number("constant", 0);
  if (!constant.ok()) return constant.status();
  spec.set_initial_intercept(*constant);
  return absl::OkStatus();
}

absl::Status SetBits(const Settings& settings, v1::LearnerSpec& spec) {
  const absl::StatusOr<double> bits = settings.Number("bit_precision", kDefaultBits);
  if (!bits.ok()) return bits.status();
  const v1::OptionInfo& range =
      v1::LearnerSpec::descriptor()->FindFieldByName("bits")->options().GetExtension(
          v1::option_info);
  if (!(*bits >= range.min() && *bits <= range.max()) || *bits != std::floor(*bits)) {
    return Bad("--bit_precision",
               StrCat("it must be a whole number from ", range.min(), " to ", range.max()));
  }
  spec.set_bits(static_cast<uint32_t>(*bits));
  return absl::OkStatus();
}

// Adds an interaction of the namespaces named by `letters`; `:` means every namespace.
absl::Status AddInteraction(std::string_view flag, std::string_view letters, size_t min, size_t max,
                            v1::FeatureSpec& features) {
  if (letters.size() < min || letters.size() > max) {
    return Bad(StrCat(flag, " ", letters),
               StrCat("it takes the letters of ", min, min == max ? "" : " to 4", " namespaces"));
  }
  v1::Interaction& interaction = *features.add_interactions();
  for (const char letter : letters) {
    interaction.add_namespaces(letter == ':' ? std::string("*") : std::string(1, letter));
  }
  return absl::OkStatus();
}

absl::Status SetInteractions(const Settings& settings, v1::LearnerSpec& spec) {
  struct Kind {
    std::string_view name;
    size_t min;
    size_t max;
  };
  for (const auto& [name, min, max] :
       {Kind{"quadratic", 2, 2}, Kind{"cubic", 3, 3}, Kind{"interactions", 2, 4}}) {
    for (const std::string& letters : settings.All(name)) {
      absl::Status status =
          AddInteraction(StrCat("--", name), letters, min, max, *spec.mutable_features());
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

// The value of --ngram or --skips: a number, alone or after the letter of a namespace.
struct PerNamespace {
  std::string name_space;  // "*" if the number is for every namespace.
  uint32_t number = 0;
};

absl::StatusOr<PerNamespace> ParsePerNamespace(std::string_view flag, const std::string& text) {
  PerNamespace parsed;
  const bool has_letter = !text.empty() && (text[0] < '0' || text[0] > '9');
  parsed.name_space = has_letter && text[0] != ':' ? text.substr(0, 1) : "*";
  const char* const begin = text.data() + (has_letter ? 1 : 0);
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(begin, end, parsed.number);
  if (result.ec != std::errc() || result.ptr != end) {
    return Bad(StrCat(flag, " ", text), "it takes a number, or a namespace's letter and a number");
  }
  return parsed;
}

absl::Status SetNgrams(const Settings& settings, v1::LearnerSpec& spec) {
  std::map<std::string, uint32_t> skips;
  for (const std::string& text : settings.All("skips")) {
    const absl::StatusOr<PerNamespace> parsed = ParsePerNamespace("--skips", text);
    if (!parsed.ok()) return parsed.status();
    skips[parsed->name_space] = parsed->number;
  }
  for (const std::string& text : settings.All("ngram")) {
    const absl::StatusOr<PerNamespace> parsed = ParsePerNamespace("--ngram", text);
    if (!parsed.ok()) return parsed.status();
    v1::Ngrams& ngrams = *spec.mutable_features()->add_ngrams();
    ngrams.set_namespace_(parsed->name_space);
    ngrams.set_length(parsed->number);
    const auto own = skips.find(parsed->name_space);
    const auto of_all = skips.find("*");
    if (own != skips.end()) {
      ngrams.set_skips(own->second);
    } else if (of_all != skips.end()) {
      ngrams.set_skips(of_all->second);
    }
  }
  if (!skips.empty() && !settings.Has("ngram")) return Bad("--skips", "needs --ngram");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::LearnerSpec> ParseVwOptions(std::string_view text) {
  const absl::StatusOr<Settings> settings = Settings::Parse(text);
  if (!settings.ok()) return settings.status();
  v1::LearnerSpec spec;
  for (const auto set :
       {SetLoss, SetLearner, SetRegularisation, SetConstant, SetBits, SetInteractions, SetNgrams}) {
    absl::Status status = set(*settings, spec);
    if (!status.ok()) return status;
  }
  return spec;
}

}  // namespace freshet

#include "client/command/feature_flags.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/base/str_cat.h"
#include "core/cli/suggest.h"

namespace freshet {
namespace {

constexpr char kEveryOnWire[] = "*";
constexpr char kEveryInInteraction[] = ":";
constexpr std::string_view kKindPrefix = "KIND_";

absl::Status Bad(std::string_view flag, std::string_view text, std::string_view how) {
  return absl::InvalidArgumentError(StrCat(flag, " ", text, ": ", how));
}

std::optional<uint32_t> ParseCount(std::string_view text) {
  uint32_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string KindName(v1::NumericTransform::Kind kind) {
  const std::string name = v1::NumericTransform::Kind_Name(kind);
  return absl::StrReplaceAll(absl::AsciiStrToLower(name.substr(kKindPrefix.size())), {{"_", "-"}});
}

absl::Status AddInteraction(const std::string& text, v1::FeatureSpec* spec) {
  const std::vector<std::string> names = absl::StrSplit(text, '*');
  if (names.size() < 2 || text.find("**") != std::string::npos || text == "*") {
    return Bad("--interact", text,
               "write namespaces with * between them, for example user*ad; : stands for every "
               "namespace, as in user*:");
  }
  v1::Interaction& interaction = *spec->add_interactions();
  for (const std::string& name : names) {
    interaction.add_namespaces(name == kEveryInInteraction ? kEveryOnWire : name);
  }
  return absl::OkStatus();
}

absl::Status AddNumeric(const std::string& text, v1::FeatureSpec* spec) {
  constexpr char kFlag[] = "--numeric-transform";
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos) {
    return Bad(kFlag, text,
               StrCat("write NAMESPACE=KIND, for example age=standardize; kinds are ",
                      absl::StrJoin(NumericKindNames(), ", ")));
  }
  v1::NumericTransform& numeric = *spec->add_numerics();
  numeric.set_namespace_(text.substr(0, equals));
  std::string kind = text.substr(equals + 1);
  if (const size_t colon = kind.find(':'); colon != std::string::npos) {
    const std::optional<uint32_t> bins = ParseCount(std::string_view(kind).substr(colon + 1));
    if (!bins.has_value() || *bins == 0) {
      return Bad(kFlag, text, "the number of bins after the colon must be a whole number above 0");
    }
    numeric.set_bins(*bins);
    kind.resize(colon);
  }
  const std::string value =
      StrCat(kKindPrefix, absl::AsciiStrToUpper(absl::StrReplaceAll(kind, {{"-", "_"}})));
  v1::NumericTransform::Kind parsed;
  if (!v1::NumericTransform::Kind_Parse(value, &parsed) ||
      parsed == v1::NumericTransform::KIND_UNSPECIFIED) {
    return Bad(kFlag, text, NotOneOf("kind", kind, NumericKindNames()));
  }
  numeric.set_kind(parsed);
  return absl::OkStatus();
}

absl::Status AddNgrams(const std::string& text, v1::FeatureSpec* spec) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  std::optional<uint32_t> length;
  std::optional<uint32_t> skips = 0;
  if (parts.size() == 2 || parts.size() == 3) length = ParseCount(parts[1]);
  if (parts.size() == 3) skips = ParseCount(parts[2]);
  if (!length.has_value() || !skips.has_value()) {
    return Bad("--ngram", text,
               "write NAMESPACE:LENGTH or NAMESPACE:LENGTH:SKIPS, for example title:2");
  }
  v1::Ngrams& ngrams = *spec->add_ngrams();
  ngrams.set_namespace_(parts[0]);
  ngrams.set_length(*length);
  ngrams.set_skips(*skips);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::FeatureSpec> MakeFeatureSpec(const FeatureFlags& flags) {
  v1::FeatureSpec spec;
  for (const std::string& text : flags.interactions) {
    if (absl::Status status = AddInteraction(text, &spec); !status.ok()) return status;
  }
  for (const std::string& text : flags.numerics) {
    if (absl::Status status = AddNumeric(text, &spec); !status.ok()) return status;
  }
  for (const std::string& text : flags.ngrams) {
    if (absl::Status status = AddNgrams(text, &spec); !status.ok()) return status;
  }
  if (flags.admit_after > 0) spec.set_admit_after(flags.admit_after);
  if (flags.expire_after > 0) spec.set_expire_after_examples(flags.expire_after);
  return spec;
}

FeatureFlags FlagsOf(const v1::FeatureSpec& spec) {
  FeatureFlags flags;
  for (const v1::Interaction& interaction : spec.interactions()) {
    std::vector<std::string> names;
    for (const std::string& name : interaction.namespaces()) {
      names.push_back(name == kEveryOnWire ? std::string(kEveryInInteraction) : name);
    }
    flags.interactions.push_back(absl::StrJoin(names, "*"));
  }
  for (const v1::NumericTransform& numeric : spec.numerics()) {
    std::string text = StrCat(numeric.namespace_(), "=", KindName(numeric.kind()));
    if (numeric.bins() > 0) text += StrCat(":", numeric.bins());
    flags.numerics.push_back(std::move(text));
  }
  for (const v1::Ngrams& ngrams : spec.ngrams()) {
    std::string text = StrCat(ngrams.namespace_(), ":", ngrams.length());
    if (ngrams.skips() > 0) text += StrCat(":", ngrams.skips());
    flags.ngrams.push_back(std::move(text));
  }
  flags.admit_after = spec.admit_after();
  flags.expire_after = spec.expire_after_examples();
  return flags;
}

std::vector<std::string> NumericKindNames() {
  std::vector<std::string> names;
  const auto* kinds = v1::NumericTransform::Kind_descriptor();
  for (int i = 0; i < kinds->value_count(); ++i) {
    const auto kind = static_cast<v1::NumericTransform::Kind>(kinds->value(i)->number());
    if (kind != v1::NumericTransform::KIND_UNSPECIFIED) names.push_back(KindName(kind));
  }
  return names;
}

}  // namespace freshet

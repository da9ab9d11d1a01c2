#include "client/command/input_mapping.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_join.h"
#include "client/command/command.h"
#include "client/command/model_text.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/str_cat.h"
#include "core/format/field_roles.h"
#include "core/format/input_mapping_message.h"
#include "core/format/input_sample.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

// Fields that a proposal shows; a mapping may have thousands.
constexpr size_t kMaxShownFields = 60;

std::string NamesOf(const InputSample& sample) {
  std::string names;
  for (const FieldStats& stats : sample.fields()) {
    names += StrCat(names.empty() ? "" : ", ", stats.field);
  }
  return names;
}

absl::Status NoLabel(const InputSample& sample, const MappingProposal& proposal) {
  std::string hint;
  for (const std::string& field : proposal.label_candidates) {
    hint += StrCat(hint.empty() ? "; with two values are: " : ", ", field);
  }
  return absl::InvalidArgumentError(
      StrCat("no ", sample.is_table() ? "column" : "member",
             " is called label or has another usual name of "
             "a label; name it with --label",
             hint, "; the ", sample.is_table() ? "columns" : "members", " are: ", NamesOf(sample)));
}

absl::StatusOr<MappingProposal> Propose(const InputSample& sample, const FormatOptions& options,
                                        bool guess_label, bool needs_label) {
  if (sample.has_named_namespaces()) {
    return absl::InvalidArgumentError(
        "its rows list their namespaces, and so say themselves what they mean; leave out --like");
  }
  if (sample.row_count() == 0) {
    return sample.first_error().ok() ? absl::InvalidArgumentError("it has no rows")
                                     : sample.first_error();
  }
  absl::StatusOr<MappingProposal> proposal =
      ProposeMapping(sample, options, {.guess_label = guess_label});
  if (!proposal.ok()) return proposal;
  if (needs_label && proposal->label_kind == LabelKind::kNone) return NoLabel(sample, *proposal);
  return proposal;
}

// A field of the mapping that the table does not have; null if there is none. Rows of JSON may lack
// fields.
const FieldMapping* LackedColumn(const InputSample& sample, const InputMapping& mapping) {
  const auto lacked = std::find_if(
      mapping.fields.begin(), mapping.fields.end(),
      [&sample](const FieldMapping& field) { return sample.Find(field.field) == nullptr; });
  return !sample.is_table() || lacked == mapping.fields.end() ? nullptr : &*lacked;
}

std::string RoleText(const FieldMapping& field, const InputMapping& mapping) {
  std::string text(FieldRoleName(field.role));
  if (!field.time_format.empty()) text += StrCat(" ", field.time_format);
  if (!field.feature_namespace.empty()) text += StrCat(" @", field.feature_namespace);
  if (field.role == FieldRole::kLabel && !mapping.positive.empty()) {
    text += StrCat(", positive ", mapping.positive);
  }
  return text;
}

// Chooses the mapping of a model that has none, and tells the server.
class MappingChoice {
 public:
  MappingChoice(const Client& client, const v1::Model& model, const InputOptions& input)
      : client_(client),
        model_(model.name()),
        options_(WithoutBlanks(input.parse)),
        numeric_labels_(!input.binary_labels) {}

  absl::StatusOr<std::optional<InputMapping>> Choose(std::string_view path, std::string_view format,
                                                     const std::vector<std::string>& lines) {
    if (chosen_) return mapping_;
    InputSample sample(format, options_);
    sample.AddLines(lines);
    // Rows that name their namespaces need no mapping; without rows there is nothing to judge.
    if (sample.has_named_namespaces() || sample.row_count() == 0) return std::nullopt;
    absl::StatusOr<MappingProposal> proposal =
        Propose(sample, options_, false, options_.labels_required);
    if (!proposal.ok()) return proposal.status();
    if (proposal->label_kind == LabelKind::kNumeric && !numeric_labels_) {
      return absl::InvalidArgumentError(
          "the label has more than two values, but the model predicts one of two classes; say with "
          "--positive which are positive, as in --positive '>=15', or create a model with --loss "
          "squared");
    }
    // The reader will say which column an option misspells; that must not become the mapping.
    if (LackedColumn(sample, proposal->mapping) != nullptr) return std::nullopt;
    const std::string source = path == "-" ? "standard input" : std::string(path);
    if (!Store(proposal->mapping)) return std::nullopt;
    std::cerr << ModelId(model_) << ": from now on, fields are read as in " << source << ":\n"
              << MappingText(proposal->mapping, &*proposal) << "  'freshet models update "
              << ModelId(model_) << " --map FIELD=ROLE' changes it\n";
    chosen_ = true;
    mapping_ = std::move(proposal->mapping);
    return mapping_;
  }

 private:
  bool Store(const InputMapping& mapping) {
    v1::Model change;
    *change.mutable_input() = InputMappingMessage<v1::InputMapping>(mapping);
    const absl::Status status = client_.UpdateModel(model_, change, {"input"}).status();
    if (status.ok()) return true;
    std::cerr << "freshet: warning: the model cannot be told what the fields mean, so predictions "
                 "need the same options as this push: "
              << ToStd(status.message()) << "\n";
    return false;
  }

  const Client& client_;
  const std::string model_;
  const FormatOptions options_;
  const bool numeric_labels_;
  bool chosen_ = false;
  std::optional<InputMapping> mapping_;
};

}  // namespace

void FollowMapping(const v1::Model& model, InputOptions& input) {
  const v1::LearnerSpec& learner = ChampionOf(model).learner();
  input.parse.as_vowpal_wabbit = learner.has_vowpal_wabbit();
  input.parse.hash_all = learner.features().vowpal_wabbit().hash_all();
  if (!model.has_input()) return;
  input.parse.mapping = InputMappingOf(model.input());
  for (const std::string& override : DescribeOverrides(WithoutBlanks(input.parse))) {
    std::cerr << "freshet: warning: " << override << "\n";
  }
}

void FollowOrChooseMapping(const Client& client, const v1::Model& model, InputOptions& input) {
  FollowMapping(model, input);
  if (model.has_input() || model.example_count() > 0) return;
  const auto choice = std::make_shared<MappingChoice>(client, model, input);
  input.choose_mapping = [choice](std::string_view path, std::string_view format,
                                  const std::vector<std::string>& lines) {
    return choice->Choose(path, format, lines);
  };
}

void AddMappingFlags(CLI::App& command, MappingFlags& flags) {
  command
      .add_option("--like", flags.like,
                  "Propose what fields mean by the first rows of this file of csv, tsv or jsonl")
      ->type_name("FILE");
  AddRepeatedOption(command, "--map", flags.maps,
                    "What a field is: category, number, text, time, time:FORMAT, label, weight, "
                    "event_id, ignore or auto; @NAMESPACE after it puts its features there. May be "
                    "repeated")
      ->type_name("FIELD=ROLE");
  AddFormatOptions(command, flags.input);
}

bool HasMappingFlags(const MappingFlags& flags) {
  const FormatOptions& parse = flags.input.parse;
  return !flags.like.empty() || !flags.maps.empty() || !parse.positive.empty() ||
         !parse.label_field.empty() || !parse.weight_field.empty() ||
         !parse.numeric_fields.empty() || !parse.ignore_fields.empty() ||
         !parse.time_features_field.empty() || parse.missing || !parse.delimiter.empty() ||
         parse.decimal_mark != DecimalMark::kPoint || parse.keep_blanks;
}

absl::StatusOr<MappingFromFlags> MakeMapping(const MappingFlags& flags,
                                             const InputMapping* current) {
  FormatOptions options = WithoutBlanks(flags.input.parse);
  InputMapping given;
  if (current != nullptr && flags.like.empty()) given = *current;
  for (const std::string& text : flags.maps) {
    absl::StatusOr<FieldMapping> field = ParseFieldMapping(text);
    if (!field.ok()) return field.status();
    FieldMapping* const listed = given.Find(field->field);
    if (listed != nullptr) {
      *listed = *std::move(field);
    } else {
      given.fields.push_back(*std::move(field));
    }
  }
  MappingFromFlags out;
  if (flags.like.empty()) {
    // A sample without rows proposes what the options say.
    options.mapping = given;
    absl::StatusOr<MappingProposal> flagged =
        ProposeMapping(InputSample("jsonl", options), options, {});
    if (!flagged.ok()) return flagged.status();
    out.mapping = std::move(flagged->mapping);
    out.mapping.ignore_unlisted = given.ignore_unlisted;
    return out;
  }
  options.mapping = given;
  InputOptions input = flags.input;
  input.files = {flags.like};
  absl::StatusOr<ExampleReader::Sample> sample = ExampleReader(input, nullptr).ReadSample();
  if (!sample.ok()) return sample.status();
  if (!NeedsMapping(sample->format)) {
    return absl::InvalidArgumentError(
        StrCat("--like ", flags.like, ": a file in the format ", sample->format,
               " says itself what its fields mean; leave out --like"));
  }
  InputSample rows(sample->format, options);
  rows.AddLines(sample->lines);
  absl::StatusOr<MappingProposal> proposal = Propose(rows, options, true, flags.labels_required);
  if (proposal.ok()) {
    if (const FieldMapping* const lacked = LackedColumn(rows, proposal->mapping)) {
      proposal = absl::InvalidArgumentError(
          StrCat("it has no column ", Quoted(lacked->field), "; the columns are: ", NamesOf(rows)));
    }
  }
  if (!proposal.ok()) {
    return absl::Status(proposal.status().code(),
                        ToAbsl(StrCat(flags.like, ": ", ToStd(proposal.status().message()))));
  }
  out.mapping = proposal->mapping;
  out.proposal = *std::move(proposal);
  return out;
}

std::string MappingText(const InputMapping& mapping, const MappingProposal* proposal) {
  Table table({{""}, {""}, {""}, {""}});
  const size_t shown = std::min(mapping.fields.size(), kMaxShownFields);
  for (size_t i = 0; i < shown; ++i) {
    const FieldMapping& field = mapping.fields[i];
    table.AddRow({"", Printable(field.field), RoleText(field, mapping),
                  proposal == nullptr ? "" : proposal->fields[i].reason});
  }
  std::string text = table.ToString();
  if (shown < mapping.fields.size()) {
    text += StrCat("  and ", mapping.fields.size() - shown, " more fields\n");
  }
  if (proposal != nullptr && !proposal->missing_words.empty()) {
    text += StrCat("  text that means no value: ",
                   Printable(absl::StrJoin(proposal->missing_words, ", ")), "\n");
  }
  if (mapping.decimal_mark == DecimalMark::kComma) text += "  numbers have a decimal comma\n";
  return text;
}

}  // namespace freshet

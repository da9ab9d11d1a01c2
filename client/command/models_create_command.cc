#include "client/command/models_create_command.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "client/command/feature_flags.h"
#include "client/command/input_mapping.h"
#include "client/command/label_flags.h"
#include "client/command/learner_options.h"
#include "client/command/model_flags.h"
#include "client/command/model_text.h"
#include "client/command/snapshot_file_commands.h"
#include "client/command/text.h"
#include "client/command/vw_options.h"
#include "client/resource_names.h"
#include "core/base/str_cat.h"
#include "core/format/input_mapping_message.h"

namespace freshet {
namespace {

struct ModelsCreateArguments {
  std::string name;
  std::string loss = "logistic";
  std::string learner;
  uint32_t bits = 0;
  std::vector<std::string> settings;
  FeatureFlags features;
  std::string vw_options;
  std::string from_snapshot;
  ModelFlags model;
  MappingFlags mapping;
  LabelFlags labels;
  bool has_loss = false;

  // One of the flags given that set the learner, for an error to name; empty if there is none.
  std::string learner_flag;
  bool has_vw_options = false;
};

// The full name `models/ctr/snapshots/s1`, from itself or from `ctr/s1`.
absl::StatusOr<std::string> ParseSource(const std::string& text) {
  const auto slashes = std::count(text.begin(), text.end(), '/');
  if (text.starts_with("models/") && slashes == 3) return text;
  const size_t slash = text.find('/');
  if (slashes == 1 && slash > 0 && slash + 1 < text.size()) {
    return SnapshotName(text.substr(0, slash), text.substr(slash + 1));
  }
  return absl::NotFoundError(
      StrCat("'", text, "' is neither a file nor a snapshot; name one as MODEL/SNAPSHOT"));
}

absl::StatusOr<v1::Model> CreateFromSnapshot(const Client& client,
                                             const ModelsCreateArguments& arguments,
                                             const NewModelOptions& options) {
  std::error_code ignored;
  if (std::filesystem::exists(arguments.from_snapshot, ignored)) {
    const auto snapshot = ImportSnapshotFile(client, arguments.name, arguments.from_snapshot,
                                             ImportOptions{.new_model = options});
    if (!snapshot.ok()) return snapshot.status();
    return client.GetModel(arguments.name);
  }
  const absl::StatusOr<std::string> source = ParseSource(arguments.from_snapshot);
  if (!source.ok()) return source.status();
  return client.CreateModelFromSnapshot(arguments.name, *source, options);
}

absl::StatusOr<v1::LearnerSpec> ParseLearner(const ModelsCreateArguments& arguments) {
  if (!arguments.has_vw_options) {
    return MakeLearnerSpec(arguments.loss, arguments.learner, arguments.settings);
  }
  if (!arguments.learner_flag.empty()) {
    return absl::InvalidArgumentError(
        StrCat("--vw-options already defines the learner; leave out ", arguments.learner_flag));
  }
  std::string note;
  absl::StatusOr<v1::LearnerSpec> spec = ParseVwOptions(arguments.vw_options, &note);
  if (!note.empty()) std::cerr << "freshet: " << note << "\n";
  return spec;
}

absl::StatusOr<v1::Model> CreateEmpty(const Client& client, const ModelsCreateArguments& arguments,
                                      const NewModelOptions& options) {
  absl::StatusOr<v1::LearnerSpec> spec = ParseLearner(arguments);
  if (!spec.ok()) return spec.status();
  if (arguments.bits != 0) {
    spec->set_bits(arguments.bits);
    if (arguments.has_vw_options) {
      spec->mutable_features()->mutable_vowpal_wabbit()->set_bits(arguments.bits);
    }
  }
  absl::StatusOr<v1::FeatureSpec> features = MakeFeatureSpec(arguments.features);
  if (!features.ok()) return features.status();
  if (features->ByteSizeLong() > 0) spec->mutable_features()->MergeFrom(*features);
  return client.CreateModel(arguments.name, *spec, options);
}

// Sets what the flags say of fields, and shows it. A label of many numbers calls for another loss
// than the default.
absl::Status AddMapping(const CommandContext& context, ModelsCreateArguments& arguments,
                        NewModelOptions& options) {
  if (!HasMappingFlags(arguments.mapping)) return absl::OkStatus();
  const absl::StatusOr<MappingFromFlags> made = MakeMapping(arguments.mapping, nullptr);
  if (!made.ok()) return made.status();
  options.input = InputMappingMessage<v1::InputMapping>(made->mapping);
  if (!made->proposal || context.json) return absl::OkStatus();
  std::cout << "fields as in " << arguments.mapping.like << ":\n"
            << MappingText(made->mapping, &*made->proposal);
  const bool free_loss =
      !arguments.has_loss && !arguments.has_vw_options && arguments.from_snapshot.empty();
  if (made->proposal->label_kind == LabelKind::kNumeric && free_loss) {
    arguments.loss = "squared";
    std::cout << "  the label has many values, so the loss is squared; with --positive it would be "
                 "one of two classes\n";
  }
  return absl::OkStatus();
}

absl::Status Create(const CommandContext& context, ModelsCreateArguments arguments) {
  const bool from_snapshot = !arguments.from_snapshot.empty();
  if (from_snapshot && (!arguments.learner_flag.empty() || arguments.has_vw_options)) {
    return absl::InvalidArgumentError(
        StrCat("the learner comes with the snapshot; leave out ",
               arguments.has_vw_options ? "--vw-options" : arguments.learner_flag));
  }
  absl::StatusOr<NewModelOptions> options = ParseModelFlags(arguments.model);
  if (!options.ok()) return options.status();
  absl::StatusOr<std::optional<v1::LabelRule>> rule = MakeLabelRule(arguments.labels);
  if (!rule.ok()) return rule.status();
  options->label_rule = *std::move(rule);
  // Events have no labels.
  arguments.mapping.labels_required = !options->label_rule.has_value();
  if (absl::Status status = AddMapping(context, arguments, *options); !status.ok()) return status;
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto model = from_snapshot ? CreateFromSnapshot(**client, arguments, *options)
                                   : CreateEmpty(**client, arguments, *options);
  if (!model.ok()) return model.status();
  if (context.json) {
    std::cout << ProtoJson(*model);
    return absl::OkStatus();
  }
  std::cout << "created " << DescribeModelBriefly(*model);
  if (from_snapshot) {
    std::cout << ", " << GroupedCount(model->example_count()) << " examples learned before";
  }
  std::cout << "\n";
  return absl::OkStatus();
}

void AddLearnerOptions(CLI::App& create, ModelsCreateArguments& arguments) {
  create.add_option("--loss", arguments.loss, "The loss to minimise; see 'models options'")
      ->type_name("NAME")
      ->capture_default_str();
  create
      .add_option("--learner", arguments.learner,
                  "The update rule (default: auto); see 'models options'")
      ->type_name("NAME");
  create
      .add_option("--bits", arguments.bits,
                  "The weight table has 2^bits slots, 10 to 30 (default: 22)")
      ->type_name("N");
  AddRepeatedOption(create, "--set", arguments.settings,
                    "Set an option of the learner or schedule; see 'models options'. May be "
                    "repeated")
      ->type_name("KEY=VALUE");
}

void AddFeatureOptions(CLI::App& create, FeatureFlags& features) {
  AddRepeatedOption(
      create, "--interact", features.interactions,
      "Learn interactions: a feature for each pair of a feature of A and a feature of B, or each "
      "triple or quadruple; ':' means every namespace. May be repeated")
      ->type_name("A*B[*C[*D]]");
  AddRepeatedOption(
      create, "--numeric-transform", features.numerics,
      "How to transform the numbers of a namespace: standardize, log-bins, quantile-bins, "
      "quantile-bins:N (default: 16) or raw; '*' means every namespace that has no transform of "
      "its own. May be repeated")
      ->type_name("NAMESPACE=KIND");
  AddRepeatedOption(
      create, "--ngram", features.ngrams,
      "Learn n-grams: sequences of 2 to N features of a namespace, in their order, with up to "
      "SKIPS features skipped in between; '*' means every namespace that has no --ngram of its "
      "own. May be repeated")
      ->type_name("NAMESPACE:N[:SKIPS]");
  create
      .add_option("--admit-after", features.admit_after,
                  "Give a feature a weight only once it has been seen this many times, at most 127 "
                  "(default: at once)")
      ->type_name("SIGHTINGS");
  create
      .add_option("--expire-after", features.expire_after,
                  "Forget the weight of a feature that has not been seen for this many examples, "
                  "at least 1000 (default: never)")
      ->type_name("EXAMPLES");
}

void AddVwOption(CLI::App& create, ModelsCreateArguments& arguments) {
  create
      .add_option("--vw-options", arguments.vw_options,
                  "Define the learner by Vowpal Wabbit options, with Vowpal Wabbit's defaults, "
                  "such as '--loss_function logistic -b 22 --ftrl'; replaces the options above")
      ->type_name("OPTIONS");
}

void AddModelOptions(CLI::App& create, ModelsCreateArguments& arguments) {
  create
      .add_option("--from-snapshot", arguments.from_snapshot,
                  "Start with the learner and state of a snapshot, either on the server or in an "
                  "exported file")
      ->type_name("MODEL/SNAPSHOT|FILE");
  AddModelFlags(create, arguments.model);
}

}  // namespace

void AddModelsCreateCommand(CLI::App& models, CommandContext& context) {
  CLI::App* create = models.add_subcommand("create", "Create a model");
  create->footer(
      "Examples: freshet models create ctr --loss logistic --learner adagrad --set "
      "learning_rate=0.2\n"
      "          freshet models create ctr-pairs --interact user*ad --numeric-transform "
      "'*=standardize'\n"
      "          freshet models create flights --like flights.csv --label delay --positive '>=15'\n"
      "          freshet models create ctr-copy --from-snapshot ctr/before-holidays\n"
      "          freshet models create ads --wait 10m --horizon 7d --feedback click");
  auto arguments = std::make_shared<ModelsCreateArguments>();
  create->add_option("name", arguments->name, "The model's id, for example ctr")
      ->required()
      ->type_name("NAME");
  AddLearnerOptions(*create, *arguments);
  AddFeatureOptions(*create, arguments->features);
  AddVwOption(*create, *arguments);
  AddModelOptions(*create, *arguments);
  AddMappingFlags(*create, arguments->mapping);
  AddLabelFlags(*create, arguments->labels);
  create->callback([&context, create, arguments] {
    for (const char* flag : {"--expire-after", "--admit-after", "--ngram", "--numeric-transform",
                             "--interact", "--set", "--bits", "--learner", "--loss"}) {
      if (create->count(flag) > 0) arguments->learner_flag = flag;
    }
    arguments->has_loss = create->count("--loss") > 0;
    arguments->has_vw_options = create->count("--vw-options") > 0;
    context.action = [&context, arguments] { return Create(context, *arguments); };
  });
}

}  // namespace freshet

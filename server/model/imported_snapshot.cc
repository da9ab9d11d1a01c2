#include "server/model/imported_snapshot.h"

#include <google/protobuf/util/message_differencer.h>

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/base/str_cat.h"
#include "server/file/resource_id.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

using google::protobuf::util::MessageDifferencer;

absl::StatusOr<v1::LearnerSpec> ResolveLearnerOf(const v1::SnapshotFileHeader& header,
                                                 const v1::Variant& variant) {
  absl::StatusOr<v1::LearnerSpec> resolved = ResolveLearnerSpec(variant.learner());
  if (resolved.ok()) return resolved;
  return absl::FailedPreconditionError(StrCat("the snapshot of ", header.model().name(),
                                              " has a learner that this server does not ",
                                              "know: ", ToStd(resolved.status().message())));
}

// "modified: bits: 12 -> 22; deleted: ..." from the snapshot's learner to the model's.
std::string Differences(const v1::LearnerSpec& from, const v1::LearnerSpec& to) {
  std::string differences;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&differences);
  differencer.Compare(from, to);
  return absl::StrReplaceAll(absl::StripSuffix(differences, "\n"), {{"\n", "; "}});
}

}  // namespace

std::string_view SnapshotIdOf(const v1::SnapshotFileHeader& header) {
  return LastId(header.snapshot().name());
}

absl::Status TakeVariants(const v1::SnapshotFileHeader& header, v1::Model& spec) {
  if (header.model().variants_size() == 0) {
    return absl::FailedPreconditionError(
        StrCat("the snapshot of ", header.model().name(), " has no variants"));
  }
  std::set<std::string_view> ids;
  for (const v1::Variant& source : header.model().variants()) {
    const std::string_view id = LastId(source.name());
    if (!IsResourceId(id) || !ids.insert(id).second) {
      return absl::FailedPreconditionError(
          StrCat("the snapshot of ", header.model().name(),
                 " has a variant whose name is malformed or occurs twice"));
    }
    absl::StatusOr<v1::LearnerSpec> learner = ResolveLearnerOf(header, source);
    if (!learner.ok()) return learner.status();
    v1::Variant& variant = *spec.add_variants();
    variant.set_name(StrCat(spec.name(), "/variants/", id));
    *variant.mutable_learner() = *std::move(learner);
  }
  return absl::OkStatus();
}

absl::Status CheckSameLearners(const v1::SnapshotFileHeader& header, const v1::Model& spec) {
  const v1::Model& source = header.model();
  if (source.variants_size() != spec.variants_size()) {
    return absl::FailedPreconditionError(
        StrCat("the snapshot of ", source.name(), " has ", source.variants_size(), " variants, ",
               spec.name(), " has ", spec.variants_size(), "; create a model from it instead"));
  }
  for (int i = 0; i < spec.variants_size(); ++i) {
    if (LastId(source.variants(i).name()) != LastId(spec.variants(i).name())) {
      return absl::FailedPreconditionError(
          StrCat("the snapshot of ", source.name(), " has the variant ", source.variants(i).name(),
                 " where ", spec.name(), " has ", spec.variants(i).name(),
                 "; create a model from it instead"));
    }
    const absl::StatusOr<v1::LearnerSpec> learner = ResolveLearnerOf(header, source.variants(i));
    if (!learner.ok()) return learner.status();
    // The model's may be of a version that had fewer options.
    const absl::StatusOr<v1::LearnerSpec> own = ResolveLearnerSpec(spec.variants(i).learner());
    if (!own.ok()) return own.status();
    if (MessageDifferencer::Equals(*learner, *own)) continue;
    return absl::FailedPreconditionError(
        StrCat("the snapshot of ", source.name(), " has another learner than ", spec.name(), " (",
               Differences(*learner, *own), "); create a model from it instead"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ModelState>> LoadImportedState(const v1::Model& spec,
                                                              const LoadedSnapshot& snapshot) {
  const v1::SnapshotFileHeader& header = snapshot.header();
  if (header.state_version() > ModelState::kVersion) {
    return absl::FailedPreconditionError(
        StrCat("a newer freshet (", header.server_version(),
               ") wrote this snapshot: its state has ", "version ", header.state_version(),
               ", this freshet reads up to ", ModelState::kVersion, "; import it there"));
  }
  absl::StatusOr<std::unique_ptr<ModelState>> state = ModelState::Create(spec);
  if (!state.ok()) return state;
  if (absl::Status status = (*state)->Load(snapshot.payload()); !status.ok()) return status;
  return state;
}

v1::SnapshotFileHeader ImportedHeader(const v1::SnapshotFileHeader& source, const v1::Model& spec,
                                      std::string_view snapshot_id,
                                      std::string_view server_version) {
  v1::SnapshotFileHeader header;
  *header.mutable_model() = spec;
  v1::Snapshot& snapshot = *header.mutable_snapshot();
  snapshot.set_name(StrCat(spec.name(), "/snapshots/", snapshot_id));
  snapshot.set_trigger(v1::SNAPSHOT_TRIGGER_IMPORT);
  snapshot.set_offset(source.snapshot().offset());
  snapshot.set_example_count(source.snapshot().example_count());
  *snapshot.mutable_create_time() = source.snapshot().create_time();
  header.set_server_version(std::string(server_version));
  header.set_state_version(source.state_version());
  return header;
}

}  // namespace freshet

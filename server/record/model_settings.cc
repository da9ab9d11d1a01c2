#include "server/record/model_settings.h"

#include "core/base/str_cat.h"
#include "core/format/input_mapping_message.h"

namespace freshet {
namespace {

// Sets the field `path` of `settings` to its value in `values`, or to its default if unset there.
absl::Status UpdateField(std::string_view path, const v1::Model& values, v1::Model& settings) {
  const v1::LogRetention& retention = values.log_retention();
  if (path == "durability") {
    settings.set_durability(values.durability() == v1::DURABILITY_UNSPECIFIED
                                ? v1::DURABILITY_FSYNC
                                : values.durability());
  } else if (path == "input") {
    if (!values.has_input()) {
      settings.clear_input();
      return absl::OkStatus();
    }
    *settings.mutable_input() = values.input();
    return CheckInputMapping(InputMappingOf(values.input()));
  } else if (path == "label_rule") {
    settings.clear_label_rule();
    if (values.has_label_rule()) *settings.mutable_label_rule() = values.label_rule();
  } else if (path == "log_retention") {
    *settings.mutable_log_retention() = retention;
  } else if (path == "log_retention.max_bytes") {
    settings.mutable_log_retention()->clear_max_bytes();
    if (retention.has_max_bytes()) {
      settings.mutable_log_retention()->set_max_bytes(retention.max_bytes());
    }
  } else if (path == "log_retention.max_age_s") {
    settings.mutable_log_retention()->clear_max_age_s();
    if (retention.has_max_age_s()) {
      settings.mutable_log_retention()->set_max_age_s(retention.max_age_s());
    }
  } else {
    return absl::InvalidArgumentError(
        StrCat("update_mask: \"", path, "\" of a model cannot be changed; only durability, ",
               "input, label_rule, log_retention, log_retention.max_bytes and "
               "log_retention.max_age_s can"));
  }
  return absl::OkStatus();
}

}  // namespace

v1::Model SettingsOf(const v1::Model& model) {
  v1::Model settings;
  PutSettings(model, settings);
  return settings;
}

void PutSettings(const v1::Model& settings, v1::Model& model) {
  model.set_durability(settings.durability());
  model.clear_log_retention();
  const v1::LogRetention& retention = settings.log_retention();
  if (retention.has_max_bytes() || retention.has_max_age_s()) {
    *model.mutable_log_retention() = retention;
  }
  model.clear_input();
  if (settings.has_input()) *model.mutable_input() = settings.input();
  model.clear_label_rule();
  if (settings.has_label_rule()) *model.mutable_label_rule() = settings.label_rule();
}

absl::StatusOr<v1::Model> UpdatedSettings(const v1::Model& settings,
                                          const v1::UpdateModelRequest& request) {
  if (request.update_mask().paths().empty()) {
    return absl::InvalidArgumentError(
        "update_mask is empty; name the fields to change, such as durability");
  }
  v1::Model updated = settings;
  for (const std::string& path : request.update_mask().paths()) {
    if (absl::Status status = UpdateField(path, request.model(), updated); !status.ok()) {
      return status;
    }
  }
  if (!v1::Durability_IsValid(updated.durability())) {
    return absl::InvalidArgumentError(
        StrCat("durability is ", static_cast<int>(updated.durability()),
               "; it must be DURABILITY_FSYNC, DURABILITY_OS or DURABILITY_NONE"));
  }
  const bool had_log = settings.durability() != v1::DURABILITY_NONE;
  const bool has_log = updated.durability() != v1::DURABILITY_NONE;
  if (had_log != has_log) {
    return absl::FailedPreconditionError(StrCat(
        "a model ", had_log ? "with a log cannot give it up" : "without a log cannot get one",
        "; take a snapshot, and create a model of that durability from it"));
  }
  return SettingsOf(updated);
}

}  // namespace freshet

#include "server/view/model_state.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "core/base/str_cat.h"
#include "server/record/model_settings.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

// Of the saved state.
constexpr uint32_t kFirstVersion = 1;
constexpr uint32_t kVersionWithNames = 3;
constexpr uint32_t kVersionWithGaps = 5;

// The id of a variant's view: "variants/main" of "models/ctr/variants/main".
std::string ViewIdOf(const v1::Variant& variant, int index) {
  // The last one: a model may be called "variants" too.
  const size_t begin = variant.name().rfind("variants/");
  return begin == std::string::npos ? StrCat("variants/", index) : variant.name().substr(begin);
}

absl::Status LoadView(const LoadedPart& part, View& view) {
  if (part.version > view.version()) {
    return absl::DataLossError(StrCat("the saved state's part \"", part.id, "\" has version ",
                                      part.version, "; this server reads up to ", view.version(),
                                      "; start the version that wrote it"));
  }
  StateReader reader(part.bytes);
  if (absl::Status status = view.Load(reader, part.version, part.offset); !status.ok()) {
    return status;
  }
  if (reader.remaining_bytes() == 0) return reader.status();
  return DamagedState(StrCat("the saved state's part \"", part.id, "\" has ",
                             reader.remaining_bytes(), " bytes after its end"));
}

}  // namespace

template <typename Visit>
void ModelState::VisitViews(const Visit& visit) const {
  for (View* const view : core_views_) visit(*view);
  for (const auto& challenger : challengers_) visit(*challenger);
}

absl::StatusOr<std::unique_ptr<ModelState>> ModelState::Create(const v1::Model& spec) {
  std::unique_ptr<ModelState> state(new ModelState);
  state->settings_ = SettingsOf(spec);
  for (int i = 0; i < spec.variants_size(); ++i) {
    const v1::Variant& variant = spec.variants(i);
    absl::StatusOr<std::unique_ptr<Variant>> view =
        Variant::Create(ViewIdOf(variant, i), variant.learner());
    if (!view.ok()) return view.status();
    if (i == 0) {
      state->champion_ = *std::move(view);
    } else {
      state->challengers_.push_back(*std::move(view));
    }
  }
  state->labels_ = std::make_unique<LabelsView>(MetricsOptionsOf(spec.variants(0).learner()));
  state->core_views_ = {state->champion_.get(), &state->producers_, &state->names_,
                        state->labels_.get()};
  return state;
}

std::vector<std::unique_ptr<Variant>> ModelState::TakeChallengers() {
  return std::exchange(challengers_, {});
}

void ModelState::Apply(const Record& record, std::unique_ptr<ModelState> restored) {
  for (size_t i = 0; i < core_views_.size(); ++i) {
    if (core_views_[i]->offset() != offset_) continue;  // It is further than the others.
    core_views_[i]->Apply(record, restored == nullptr ? nullptr : restored->core_views_[i]);
  }
  if (const auto* settings = std::get_if<SettingsRecord>(&record.body)) {
    settings_ = settings->settings;
  }
  time_ms_ = std::max(time_ms_, record.time_ms);
  ++offset_;
}

bool ModelState::views_agree() const {
  return std::all_of(core_views_.begin(), core_views_.end(),
                     [this](const View* view) { return view->offset() == offset_; });
}

SavedState ModelState::Save() const {
  SavedState saved{.time_ms = time_ms_, .parts = {}};
  VisitViews([&](const View& view) {
    if (&view == labels_.get() && labels_->empty()) return;
    saved.parts.push_back(view.SavePart());
  });
  return saved;
}

absl::Status ModelState::Load(ByteSpan bytes) {
  StateReader reader(bytes);
  const auto version = reader.ReadValue<uint32_t>();
  if (!reader.status().ok()) return reader.status();
  if (version < kFirstVersion || version > kVersion) {
    return absl::DataLossError(StrCat("the state has version ", version,
                                      "; this server reads up to ", kVersion,
                                      "; start the version that wrote it"));
  }
  return version >= kFramedStateVersion ? LoadParts(bytes) : LoadOld(reader, version);
}

absl::Status ModelState::LoadParts(ByteSpan bytes) {
  const absl::StatusOr<LoadedState> loaded = ParseState(bytes);
  if (!loaded.ok()) return loaded.status();
  time_ms_ = loaded->time_ms;
  absl::Status status;
  bool has_labels = true;
  VisitViews([&](View& view) {
    if (!status.ok()) return;
    const LoadedPart* const part = loaded->Find(view.id());
    if (part == nullptr && &view == labels_.get()) {
      has_labels = false;
      labels_->BeginAt(UINT64_MAX);  // Until it is known where the others are.
      return;
    }
    status = part == nullptr
                 ? DamagedState(StrCat("the saved state has no part \"", view.id(), "\""))
                 : LoadView(*part, view);
  });
  offset_ = (*std::min_element(core_views_.begin(), core_views_.end(), [](View* a, View* b) {
              return a->offset() < b->offset();
            }))->offset();
  if (!has_labels) BeginLabels();
  return status;
}

absl::Status ModelState::LoadOld(StateReader& reader, uint32_t version) {
  offset_ = reader.ReadValue<uint64_t>();
  const uint32_t producers_version = version >= kVersionWithGaps ? 1 : ProducersView::kOldVersion;
  if (absl::Status status = producers_.Load(reader, producers_version, offset_); !status.ok()) {
    return status;
  }
  const auto variant_count = reader.ReadValue<uint32_t>();
  if (!reader.status().ok()) return reader.status();
  const size_t expected = 1 + challengers_.size();
  if (variant_count != expected) {
    return DamagedState(
        StrCat("the saved state has ", variant_count, " variants and the model has ", expected));
  }
  absl::Status status = champion_->Load(reader, 1, offset_);
  for (const auto& challenger : challengers_) {
    if (status.ok()) status = challenger->Load(reader, 1, offset_);
  }
  if (!status.ok()) return status;
  if (version >= kVersionWithNames) {
    status = names_.Load(reader, 1, offset_);
    if (!status.ok()) return status;
  } else {
    names_.BeginAt(offset_);
  }
  BeginLabels();
  if (reader.remaining_bytes() != 0) {
    return DamagedState(
        StrCat("the saved state has ", reader.remaining_bytes(), " bytes after its end"));
  }
  return reader.status();
}

void ModelState::Describe(v1::Model& model) const {
  PutSettings(settings_, model);
  model.set_offset(offset_);
  model.set_example_count(example_count());
  v1::Variant& champion = *model.mutable_variants(0);
  champion.set_champion(true);
  champion_->Describe(champion);
  if (settings_.has_label_rule()) labels_->Describe(*model.mutable_labels());
}

}  // namespace freshet

#include "server/view/model_state.h"

#include <xxhash.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "core/base/str_cat.h"
#include "server/record/model_settings.h"

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
    return absl::DataLossError(StrCat("the state's part \"", part.id, "\" has version ",
                                      part.version, "; this server reads up to ", view.version(),
                                      "; start the version that wrote it"));
  }
  StateReader reader(part.bytes);
  if (absl::Status status = view.Load(reader, part.version, part.offset); !status.ok()) {
    return status;
  }
  if (reader.remaining_bytes() == 0) return reader.status();
  return absl::DataLossError(StrCat("the state's part \"", part.id, "\" has ",
                                    reader.remaining_bytes(), " bytes after its end"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelState>> ModelState::Create(const v1::Model& spec) {
  std::unique_ptr<ModelState> state(new ModelState);
  state->settings_ = SettingsOf(spec);
  for (int i = 0; i < spec.variants_size(); ++i) {
    const v1::Variant& variant = spec.variants(i);
    absl::StatusOr<std::unique_ptr<Variant>> view =
        Variant::Create(ViewIdOf(variant, i), variant.learner());
    if (!view.ok()) return view.status();
    state->views_.push_back(view->get());
    state->variants_.push_back(*std::move(view));
  }
  state->views_.push_back(&state->producers_);
  state->views_.push_back(&state->names_);
  return state;
}

void ModelState::Apply(const Record& record, std::unique_ptr<ModelState> restored) {
  for (size_t i = 0; i < views_.size(); ++i) {
    if (views_[i]->offset() != offset_) continue;  // It is further than the others.
    views_[i]->Apply(record, restored == nullptr ? nullptr : restored->views_[i]);
  }
  if (const auto* settings = std::get_if<SettingsRecord>(&record.body)) {
    settings_ = settings->settings;
  }
  time_ms_ = std::max(time_ms_, record.time_ms);
  ++offset_;
}

bool ModelState::views_agree() const {
  return std::all_of(views_.begin(), views_.end(),
                     [this](const View* view) { return view->offset() == offset_; });
}

SavedState ModelState::Save() const {
  SavedState saved{.time_ms = time_ms_, .parts = {}};
  for (const View* const view : views_) {
    SavedPart& part = saved.parts.emplace_back();
    part.id = view->id();
    part.version = view->version();
    part.offset = view->offset();
    view->Save(part.bytes);
  }
  return saved;
}

absl::Status ModelState::Load(ByteSpan bytes) {
  StateReader reader(bytes);
  const auto version = reader.ReadValue<uint32_t>();
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
  offset_ = UINT64_MAX;
  for (View* const view : views_) {
    const LoadedPart* const part = loaded->Find(view->id());
    if (part == nullptr) {
      return absl::DataLossError(StrCat("the state has no part \"", view->id(), "\""));
    }
    if (absl::Status status = LoadView(*part, *view); !status.ok()) return status;
    offset_ = std::min(offset_, view->offset());
  }
  return absl::OkStatus();
}

absl::Status ModelState::LoadOld(StateReader& reader, uint32_t version) {
  offset_ = reader.ReadValue<uint64_t>();
  const uint32_t producers_version = version >= kVersionWithGaps ? 1 : ProducersView::kOldVersion;
  if (absl::Status status = producers_.Load(reader, producers_version, offset_); !status.ok()) {
    return status;
  }
  const auto variant_count = reader.ReadValue<uint32_t>();
  if (variant_count != variants_.size()) {
    return absl::DataLossError(
        StrCat("the state has ", variant_count, " variants; the model has ", variants_.size()));
  }
  for (const auto& variant : variants_) {
    if (absl::Status status = variant->Load(reader, 1, offset_); !status.ok()) return status;
  }
  if (version >= kVersionWithNames) {
    if (absl::Status status = names_.Load(reader, 1, offset_); !status.ok()) return status;
  } else {
    names_.BeginAt(offset_);
  }
  if (reader.remaining_bytes() != 0) {
    return absl::DataLossError(
        StrCat("the state has ", reader.remaining_bytes(), " bytes after its end"));
  }
  return reader.status();
}

std::string ModelState::ComputeDigest() const {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> hash(XXH3_createState(),
                                                                      &XXH3_freeState);
  XXH3_128bits_reset(hash.get());
  StateWriter writer(StateForm::kDigest, [&hash](std::span<const std::byte> bytes) {
    XXH3_128bits_update(hash.get(), bytes.data(), bytes.size());
  });
  writer.WriteValue<uint32_t>(static_cast<uint32_t>(variants_.size()));
  for (const auto& variant : variants_) variant->WriteDigest(writer);
  const XXH128_hash_t digest = XXH3_128bits_digest(hash.get());
  return absl::StrFormat("%016x%016x", digest.high64, digest.low64);
}

void ModelState::Describe(v1::Model& model) const {
  PutSettings(settings_, model);
  model.set_offset(offset_);
  model.set_example_count(example_count());
  for (size_t i = 0; i < variants_.size(); ++i) {
    v1::Variant& variant = *model.mutable_variants(static_cast<int>(i));
    variant.set_champion(i == 0);
    variants_[i]->Describe(variant);
  }
}

}  // namespace freshet

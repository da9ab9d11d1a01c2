#include "server/model/challenger.h"

#include <utility>
#include <variant>

namespace freshet {

Challenger::Challenger(std::unique_ptr<Variant> variant, uint64_t champion_offset, WorkerPool& pool,
                       WorkerPool& io, Options options)
    : LogFollower(variant->offset(), champion_offset, pool, io, std::move(options.follower)),
      load_restored_(std::move(options.load_restored)),
      variant_(std::move(variant)),
      predictor_(*variant_),
      loader_(this->options().open_log, this->options().loss) {}

std::shared_ptr<Challenger> Challenger::Start(std::unique_ptr<Variant> variant,
                                              uint64_t champion_offset, WorkerPool& pool,
                                              WorkerPool& io, Options options) {
  std::shared_ptr<Challenger> challenger(
      new Challenger(std::move(variant), champion_offset, pool, io, std::move(options)));
  challenger->Wake();
  return challenger;
}

void Challenger::Save(uint64_t offset, std::function<void(SavedPart)> saved) {
  {
    const absl::MutexLock lock(&saves_mu_);
    saves_.push_back({.offset = offset, .saved = std::move(saved)});
  }
  Wake();
}

std::vector<Challenger::PendingSave> Challenger::TakeDueSaves() {
  const Position now = position();
  std::vector<PendingSave> due;
  std::vector<PendingSave> left;
  const absl::MutexLock lock(&saves_mu_);
  for (PendingSave& save : saves_) {
    const bool is_due =
        now.is_stopped || now.applied_offset >= save.offset || now.window_end < save.offset;
    (is_due ? due : left).push_back(std::move(save));
  }
  saves_ = std::move(left);
  return due;
}

bool Challenger::DoOtherWork() {
  const std::vector<PendingSave> saves = TakeDueSaves();
  for (const PendingSave& save : saves) save.saved(variant_->SavePart());
  return !saves.empty();
}

absl::Status Challenger::ApplyEntry(Entry& entry) {
  variant_->Apply(entry.record, entry.restored.get());
  predictor_.Publish(*variant_);
  return absl::OkStatus();
}

absl::Status Challenger::CompleteEntry(Entry& entry) {
  if (auto* labels = std::get_if<LabelsRecord>(&entry.record.body)) {
    return loader_.LoadRows(*labels);
  }
  const auto* restore = std::get_if<RestoreRecord>(&entry.record.body);
  if (restore == nullptr) return absl::OkStatus();
  auto restored = load_restored_(*restore);
  if (!restored.ok()) return restored.status();
  entry.restored = *std::move(restored);
  return absl::OkStatus();
}

}  // namespace freshet

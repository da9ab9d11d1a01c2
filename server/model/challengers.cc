#include "server/model/challengers.h"

#include <utility>

namespace freshet {

void Challengers::Start(std::vector<std::unique_ptr<Variant>> variants, const v1::Model& model,
                        uint64_t champion_offset, WorkerPool& pool, WorkerPool& io,
                        const OptionsFor& options_for) {
  for (std::unique_ptr<Variant>& variant : variants) {
    const v1::Variant& spec = model.variants(static_cast<int>(1 + followed_.size()));
    Followed& added = followed_.emplace_back();
    added.figures = std::make_unique<SharedAnswer<v1::Variant, Variant>>(
        WriterShare::kBrief, [spec](const Variant& state) {
          v1::Variant described = spec;
          state.Describe(described);
          return described;
        });
    Challenger::Options options = options_for(spec.name(), variant->id());
    added.challenger =
        Challenger::Start(std::move(variant), champion_offset, pool, io, std::move(options));
  }
}

void Challengers::Feed(uint64_t offset, const Record& record) const {
  for (const Followed& followed : followed_) followed.challenger->Feed(offset, record);
}

void Challengers::Stop() const {
  for (const Followed& followed : followed_) followed.challenger->Stop();
}

void Challengers::Describe(std::shared_ptr<const void> owner, std::shared_ptr<v1::Model> model,
                           std::function<void()> done) const {
  DescribeFrom(0, std::move(owner), std::move(model), std::move(done));
}

void Challengers::DescribeFrom(size_t index, std::shared_ptr<const void> owner,
                               std::shared_ptr<v1::Model> model, std::function<void()> done) const {
  if (index == followed_.size()) {
    done();
    return;
  }
  const Followed& followed = followed_[index];
  followed.figures->Ask(
      *followed.challenger, followed.challenger->Now().offset, owner,
      [this, index, owner, model, done = std::move(done)](const v1::Variant& variant) {
        *model->mutable_variants(static_cast<int>(1 + index)) = variant;
        DescribeFrom(index + 1, owner, model, done);
      });
}

void Challengers::Save(uint64_t offset, SavedState& state, std::function<void()> done) const {
  SaveFrom(0, offset, state, std::move(done));
}

void Challengers::SaveFrom(size_t index, uint64_t offset, SavedState& state,
                           std::function<void()> done) const {
  if (index == followed_.size()) {
    done();
    return;
  }
  followed_[index].challenger->Save(
      offset, [this, index, offset, &state, done = std::move(done)](SavedPart part) {
        state.parts.push_back(std::move(part));
        SaveFrom(index + 1, offset, state, done);
      });
}

}  // namespace freshet

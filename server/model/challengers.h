// All challengers of one model, fed and asked together.

#ifndef FRESHET_SERVER_MODEL_CHALLENGERS_H_
#define FRESHET_SERVER_MODEL_CHALLENGERS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "freshet/v1/model.pb.h"
#include "server/model/challenger.h"
#include "server/model/shared_answer.h"
#include "server/record/record.h"
#include "server/thread/worker_pool.h"
#include "server/view/snapshot_parts.h"
#include "server/view/variant.h"

namespace freshet {

// Thread-safe once all challengers have started. They are numbered in the order of the model's
// variants, in which they follow the champion.
class Challengers {
 public:
  // What the challenger of this name needs of its model; `view_id` is that of its variant.
  using OptionsFor =
      std::function<Challenger::Options(const std::string& name, const std::string& view_id)>;

  // The challengers learn nothing more.
  ~Challengers() { Stop(); }

  // Starts a challenger for each variant of `variants`; `model` describes them after its champion,
  // which stands at `champion_offset`. Called once, before any other method. The pools outlive the
  // challengers.
  void Start(std::vector<std::unique_ptr<Variant>> variants, const v1::Model& model,
             uint64_t champion_offset, WorkerPool& pool, WorkerPool& io,
             const OptionsFor& options_for);

  // The champion has applied the record at `offset`; see Challenger::Feed().
  void Feed(uint64_t offset, const Record& record) const;

  // See Challenger::Stop().
  void Stop() const;

  // What a challenger predicts with, at this moment. REQUIRES: there is one of this number.
  VariantView Now(size_t index) const { return followed_[index].challenger->Now(); }

  // Fills in the variants of `model` after the champion with their figures as of now, and then
  // calls `done`. `owner` keeps these challengers alive until then, as do `model`'s.
  void Describe(std::shared_ptr<const void> owner, std::shared_ptr<v1::Model> model,
                std::function<void()> done) const;

  // Adds each challenger's part to a snapshot of the champion at `offset`, and then calls `done`;
  // see Challenger::Save(). `state` must live until then, as must these challengers.
  void Save(uint64_t offset, SavedState& state, std::function<void()> done) const;

 private:
  friend class ServedModelPeer;  // Of tests.

  struct Followed {
    std::shared_ptr<Challenger> challenger;
    std::unique_ptr<SharedAnswer<v1::Variant, Variant>> figures;
  };

  void DescribeFrom(size_t index, std::shared_ptr<const void> owner,
                    std::shared_ptr<v1::Model> model, std::function<void()> done) const;
  void SaveFrom(size_t index, uint64_t offset, SavedState& state, std::function<void()> done) const;

  std::vector<Followed> followed_;  // Constant after Start().
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_CHALLENGERS_H_

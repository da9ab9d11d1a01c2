// Applies l1 and l2 to all weights at every step without touching each weight.

#ifndef FRESHET_CORE_MODEL_LAZY_REGULARIZER_H_
#define FRESHET_CORE_MODEL_LAZY_REGULARIZER_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/optimizer/step_context.h"

namespace freshet {

// A stored weight w represents the effective weight contraction * T(w, gravity), where T moves w
// towards 0 by at most `gravity`. A step u along the gradient g of the loss, of size eta = -u / g,
// updates
//
//   contraction *= 1 - l2 eta;  gravity += l1 eta
//
// and changes the stored weights of the example's features by their own share of the step, divided
// by the contraction. Weights of absent features thus shrink with all others, and a feature that
// first comes late is subject to all of the gravity accumulated before.
//
// When the contraction has become small or the gravity large, the writer settles: block by block it
// replaces each stored weight by its effective weight, and it resets the contraction to 1 and the
// gravity to 0. Meanwhile readers treat each slot according to its block: settled, not yet settled,
// or in progress. Of the block in progress, the writer keeps a copy of the weights from before. So
// readers never see a weight that is neither the old nor the new one, and never wait.
//
//   regularizer.Read([&](LazyRegularizer::View& view) {
//     return view.WeightAt(index, [&] { return table.LoadFirstNumber(index); });
//   });
//
// Source: the lazy form of J. Langford, L. Li, T. Zhang. Sparse Online Learning via Truncated
// Gradient. JMLR 10, 2009. Threads: one writer, any number of readers; readers call only Read().
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): a cache line is left to progress_.
class LazyRegularizer {
 public:
  // A snapshot of the contraction and the gravity, which turns stored into effective weights.
  struct Pull {
    template <typename Number>
    Number Of(Number stored) const {
      return contraction * SoftThreshold(stored, Filled<Number>(gravity));
    }

    float gravity;
    float contraction;
  };

  struct State {
    double gravity = 0;
    double contraction = 1;
  };

  // The number of slots in a block, which are settled together.
  static constexpr uint32_t kBlockSlots = 512;

  // One reader's view of the weights.
  class View {
   public:
    // The effective weight at `index`. load() must return the weight stored there, with acquire
    // semantics: it must see everything that the writer did before storing it.
    template <typename Load>
    float WeightAt(uint32_t index, const Load& load) {
      if (++reads_ % kReadsOfPull == 0) Refresh();
      const uint64_t block = index / kBlockSlots;
      while (true) {
        const uint64_t progress = owner_.progress_.load(std::memory_order_acquire);
        if (NumberOf(progress) != number_) {
          Refresh();
          continue;
        }
        const uint64_t position = PositionOf(progress);
        const float stored = position == UnderWay(block) ? owner_.LoadKept(index) : load();
        // What was loaded is in the state that `progress` implies, unless the writer has reached
        // the block in the meantime.
        const uint64_t now = owner_.progress_.load(std::memory_order_relaxed);
        if (NumberOf(now) != number_) continue;
        if (position > UnderWay(block)) return pull_.Of(stored);
        if (now == progress || PositionOf(now) < UnderWay(block)) return old_pull_.Of(stored);
      }
    }

   private:
    friend LazyRegularizer;

    // The pull is read again after this many weights, because it changes as the writer learns.
    static constexpr uint32_t kReadsOfPull = 64;

    explicit View(const LazyRegularizer& owner) : owner_(owner) { Read(); }

    void Read() {
      number_ = NumberOf(owner_.progress_.load(std::memory_order_acquire));
      pull_ = owner_.PullOf(number_);
      old_pull_ = owner_.PullOf(number_ + 1);
    }
    void Refresh() {
      is_steady_ &= IsSteady();
      Read();
    }
    // Whether the pull has hardly changed since it was read, so that it fits the weights loaded
    // since. It does not fit if the reader was preempted in between.
    bool IsSteady() const {
      constexpr float kTolerance = 0.02f;
      const Pull now = owner_.PullOf(number_);
      return is_steady_ && now.contraction >= (1 - kTolerance) * pull_.contraction &&
             now.contraction * (now.gravity - pull_.gravity) <= kTolerance;
    }

    const LazyRegularizer& owner_;
    uint64_t number_;  // The number of the last settling that had begun.
    Pull pull_;        // For slots that are settled.
    Pull old_pull_;    // For slots that are not settled yet.
    uint32_t reads_ = 0;
    bool is_steady_ = true;
  };

  // Stored weights are at most 1e12 (see bounds.h), so this contraction still leaves effective
  // weights up to 1e6.
  static constexpr double kMinContraction = 1e-6;

  // Settles when the contraction has fallen below `min_contraction`.
  LazyRegularizer(double l1, double l2, double min_contraction = kMinContraction)
      : l1_(l1), l2_(l2), min_contraction_(min_contraction) {
    if (is_active()) kept_ = std::make_unique<KeptWeights>();
  }

  bool is_active() const { return l1_ > 0 || l2_ > 0; }

  // For readers: returns compute(view). If the writer has changed much meanwhile, tries again, a
  // few times at most.
  template <typename Compute>
  auto Read(const Compute& compute) const {
    constexpr int kTries = 8;
    for (int i = 1;; ++i) {
      View view(*this);
      auto result = compute(view);
      if (i == kTries || view.IsSteady()) return result;
    }
  }

  // The rest is for the writer.

  Pull pull() const { return PullOf(number()); }
  State state() const { return {.gravity = gravity(), .contraction = contraction()}; }

  // The state after a step `u` along `gradient`.
  State After(double gradient, double u) const {
    if (std::abs(u) <= kMinStep || std::abs(gradient) <= kMinStep) return state();
    const double eta = -u / gradient;
    return {.gravity = gravity() + l1_ * eta,
            .contraction = contraction() * std::max(1 - l2_ * eta, kMinFactor)};
  }
  void Set(const State& state) { Set(number(), state); }

  // Whether it is time to settle.
  bool IsDue() const { return contraction() < min_contraction_ || gravity() > kMaxGravity; }

  // To settle, call BeginSettling(), then SettleBlock() for each block that has a weight, in order,
  // then EndSettling(). After that, stored weights equal effective weights. Nothing may be learned
  // in between.
  void BeginSettling() {
    const uint64_t next = number() + 1;
    Set(next, {});
    progress_.store(Progress(next, 0), std::memory_order_release);
  }
  // stored(i) returns the weight stored at slot i of the block, for i < count. replace() stores the
  // effective weights from before the settling, with release semantics.
  template <typename Stored, typename Replace>
  void SettleBlock(uint32_t block, uint32_t count, const Stored& stored, const Replace& replace) {
    for (uint32_t i = 0; i < count; ++i) {
      (*kept_)[i].store(stored(i), std::memory_order_release);
    }
    progress_.store(Progress(number(), UnderWay(block)), std::memory_order_release);
    replace();
    progress_.store(Progress(number(), UnderWay(block) + 1), std::memory_order_release);
  }
  void EndSettling() { progress_.store(Progress(number(), kSettled), std::memory_order_release); }
  // The pull for weights that are not settled yet. REQUIRES: a settling is in progress.
  Pull old_pull() const { return PullOf(number() + 1); }

  // The state is empty if neither l1 nor l2 is set. DATA_LOSS if the saved state is invalid.
  void SaveState(StateWriter& writer) const {
    if (!is_active()) return;
    writer.WriteValue(gravity());
    writer.WriteValue(contraction());
  }
  absl::Status LoadState(StateReader& reader) {
    if (!is_active()) return absl::OkStatus();
    const auto gravity = reader.ReadValue<double>();
    const auto contraction = reader.ReadValue<double>();
    if (!reader.status().ok()) return reader.status();
    if (!(gravity >= 0 && gravity <= kMaxGravity && contraction >= min_contraction_ &&
          contraction <= 1)) {
      return reader.Damaged("the accumulated l1 and l2 of the learner are out of range");
    }
    Set({.gravity = gravity, .contraction = contraction});
    return absl::OkStatus();
  }

 private:
  static constexpr double kMinStep = 1e-8;
  static constexpr double kMinFactor = 0.1;
  static constexpr double kMaxGravity = 1e3;

  // The writer's progress: how many settlings it has begun (high 32 bits), and the position in the
  // last of them. At the position 2 * block + 1 a block is in progress; beyond that it is settled.
  static constexpr uint64_t kSettled = 0xffffffff;
  static uint64_t Progress(uint64_t number, uint64_t position) { return number << 32 | position; }
  static uint64_t NumberOf(uint64_t progress) { return progress >> 32; }
  static uint64_t PositionOf(uint64_t progress) { return progress & kSettled; }
  static uint64_t UnderWay(uint64_t block) { return 2 * block + 1; }

  using KeptWeights = std::array<std::atomic<float>, kBlockSlots>;

  struct SharedState {
    std::atomic<double> gravity{0};
    std::atomic<double> contraction{1};
  };

  uint64_t number() const { return NumberOf(progress_.load(std::memory_order_relaxed)); }
  double gravity() const { return states_[number() % 2].gravity.load(std::memory_order_relaxed); }
  double contraction() const {
    return states_[number() % 2].contraction.load(std::memory_order_relaxed);
  }
  // The pull for the weights that the settling of this number has settled.
  Pull PullOf(uint64_t number) const {
    const SharedState& state = states_[number % 2];
    return {.gravity = static_cast<float>(state.gravity.load(std::memory_order_acquire)),
            .contraction = static_cast<float>(state.contraction.load(std::memory_order_acquire))};
  }
  void Set(uint64_t number, const State& state) {
    SharedState& shared = states_[number % 2];
    shared.gravity.store(state.gravity, std::memory_order_release);
    shared.contraction.store(state.contraction, std::memory_order_release);
  }
  float LoadKept(uint32_t index) const {
    return (*kept_)[index % kBlockSlots].load(std::memory_order_acquire);
  }

  const double l1_;
  const double l2_;
  const double min_contraction_;
  std::array<SharedState, 2> states_;  // By the number of the settling, modulo 2.
  // The stored weights of the block in progress, from before it. Null if neither l1 nor l2 is set.
  std::unique_ptr<KeptWeights> kept_;
  // In a cache line of its own, because readers look at it for each feature and it hardly ever
  // changes.
  alignas(64) std::atomic<uint64_t> progress_{kSettled};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LAZY_REGULARIZER_H_

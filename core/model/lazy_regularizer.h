// l1 and l2 of all weights at every step, without touching them.

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

// A weight w that is stored stands for contraction * T(w, gravity), where T moves it towards 0 by
// at most gravity. A step u along the gradient g of the loss, so of the size eta = -u / g, makes
//
//   contraction *= 1 - l2 eta;  gravity += l1 eta
//
// and moves what is stored by its own part divided by the contraction. Weights of absent features
// shrink with all others, and one that begins late has all of the gravity before it.
//
// Once the contraction is small or the gravity large, the writer settles: it replaces each weight
// that is stored by what that stands for, block by block, and the state by the first one. Readers
// look at each slot as it is then: settled, not yet settled, or in the block under way, of which
// the writer keeps the weights as they were. So they see no weight that is one of neither, and wait
// for nobody.
//
//   regularizer.Read([&](LazyRegularizer::View& view) {
//     return view.WeightAt(index, [&] { return table.LoadFirstNumber(index); });
//   });
//
// Source: the lazy form of J. Langford, L. Li, T. Zhang. Sparse Online Learning via Truncated
// Gradient. JMLR 10, 2009. Threads: one writer, any number of readers, which call Read() alone.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): a cache line is left to progress_.
class LazyRegularizer {
 public:
  // What makes a weight of what is stored, at one moment.
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

  // Slots that are settled together, from the first on.
  static constexpr uint32_t kBlockSlots = 512;

  // How one reader sees stored weights.
  class View {
   public:
    // What the weight at `index` stands for; load() gives what is stored there, and must see all
    // that the writer did before it was stored.
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
        // What was loaded is as `progress` says if the writer has not come to the block since.
        const uint64_t now = owner_.progress_.load(std::memory_order_relaxed);
        if (NumberOf(now) != number_) continue;
        if (position > UnderWay(block)) return pull_.Of(stored);
        if (now == progress || PositionOf(now) < UnderWay(block)) return old_pull_.Of(stored);
      }
    }

   private:
    friend LazyRegularizer;

    // After so many weights the pull is read again, since it follows what is learned.
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
    // Whether what was loaded since the pull was read fits it. It does not where the reader lost
    // the processor in between.
    bool IsSteady() const {
      constexpr float kTolerance = 0.02f;
      const Pull now = owner_.PullOf(number_);
      return is_steady_ && now.contraction >= (1 - kTolerance) * pull_.contraction &&
             now.contraction * (now.gravity - pull_.gravity) <= kTolerance;
    }

    const LazyRegularizer& owner_;
    uint64_t number_;  // Of the last settling that had begun.
    Pull pull_;        // Of settled slots,
    Pull old_pull_;    // and of others.
    uint32_t reads_ = 0;
    bool is_steady_ = true;
  };

  LazyRegularizer(double l1, double l2) : l1_(l1), l2_(l2) {
    if (is_active()) kept_ = std::make_unique<KeptWeights>();
  }

  bool is_active() const { return l1_ > 0 || l2_ > 0; }

  // For readers: compute(view); again, a few times, where the writer has meanwhile moved far.
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

  // What a step makes of the state.
  State After(double gradient, double u) const {
    if (std::abs(u) <= kMinStep || std::abs(gradient) <= kMinStep) return state();
    const double eta = -u / gradient;
    return {.gravity = gravity() + l1_ * eta,
            .contraction = contraction() * std::max(1 - l2_ * eta, kMinFactor)};
  }
  void Set(const State& state) { Set(number(), state); }

  // Whether it is time to settle.
  bool IsDue() const { return contraction() < kMinContraction || gravity() > kMaxGravity; }

  // Settles: BeginSettling(), then SettleBlock() for each block that has a weight, in order, then
  // EndSettling(). Weights then stand for themselves. Nothing is learned meanwhile.
  void BeginSettling() {
    const uint64_t next = number() + 1;
    Set(next, {});
    progress_.store(Progress(next, 0), std::memory_order_release);
  }
  // `stored(i)` is what is stored at slot i of the block, for i < count; replace() stores what that
  // stood for before the settling, in a way that releases what was done before.
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
  // What weights stand for that are not settled yet. REQUIRES: a settling is under way.
  Pull old_pull() const { return PullOf(number() + 1); }

  // Nothing without l1 and l2. DATA_LOSS where the bytes do not fit.
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
    if (!(gravity >= 0 && gravity <= kMaxGravity && contraction >= kMinContraction &&
          contraction <= 1)) {
      return absl::DataLossError("the saved learner has an impossible state of l1 and l2");
    }
    Set({.gravity = gravity, .contraction = contraction});
    return absl::OkStatus();
  }

 private:
  static constexpr double kMinStep = 1e-8;
  static constexpr double kMinFactor = 0.1;
  // Weights are bounded as they are stored (see bounds.h): this leaves room for 1e6.
  static constexpr double kMinContraction = 1e-6;
  static constexpr double kMaxGravity = 1e3;

  // How far the writer has come: how many times it has begun to settle, and the position in the
  // last settling. A block is under way at the position 2 * block + 1, and settled beyond that.
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
  // That of the weights which the settling of that number has settled.
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
  std::array<SharedState, 2> states_;  // By the number of the settling, modulo 2.
  // Of the block under way, the weights as they were. Null without l1 and l2.
  std::unique_ptr<KeptWeights> kept_;
  // In a cache line of its own, which hardly ever changes: readers look at it for each feature.
  alignas(64) std::atomic<uint64_t> progress_{kSettled};
};

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_LAZY_REGULARIZER_H_

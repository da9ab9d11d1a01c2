// What each producer has sent: what makes a resend harmless.

#ifndef FRESHET_SERVER_VIEW_PRODUCER_TABLE_H_
#define FRESHET_SERVER_VIEW_PRODUCER_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "server/view/producer_id_set.h"

namespace freshet {

// A batch as the table sees it.
struct ProducerBatch {
  std::string_view producer_id;
  uint64_t sequence = 0;         // >= 1; the last one that it covers.
  std::string_view sender = {};  // The name of the token that sent it; empty: there are no tokens.
  // Whether a producer that is not known may begin with this sequence, whatever it is.
  bool may_begin = false;
  // The first sequence that it covers, at most `sequence`; 0: `sequence` alone.
  uint64_t first_sequence = 0;

  uint64_t first() const { return first_sequence == 0 ? sequence : first_sequence; }
};

// What the table makes of a batch.
enum class ProducerVerdict {
  kNew,          // Not accepted before: to be learned.
  kDuplicate,    // Accepted before: not to be learned again.
  kPartlyKnown,  // Some of its sequences were accepted before, others were not.
  kUnknown,      // The producer is not known, and the first sequence is not 1.
  kForgotten,    // The producer was known: whether the batch was accepted cannot be told any more.
  kTooFarBack,   // The same of a sequence below kMaxGaps gaps.
  kTooFarAhead,  // More than kMaxJump above the last sequence.
  kNotItsOwn,    // The producer belongs to another sender.
};

// For each producer the last sequence that was accepted and the gaps below it: sequences that were
// rejected, or overtaken, or never sent. A batch that fills a gap is new.
//
// At most as many producers are remembered as each batch says; where one more comes, the one whose
// last batch lies furthest back in the log is forgotten, and its id alone is kept, in
// ProducerIdSet of five times as many a generation. A producer belongs to the first sender that
// has a name. So the table is a pure function of the accepted batches and their envelopes in order:
// the constants below are part of the log's format.
//
// Not thread-safe.
class ProducerTable {
 public:
  static constexpr uint32_t kDefaultCapacity = 100'000;
  // How far a sequence may be above the last one.
  static constexpr uint64_t kMaxJump = uint64_t{1} << 32;
  // Gaps that are kept of each producer; the lowest ones are given up.
  static constexpr size_t kMaxGaps = 1024;

  // Sequences that were not accepted, from first to last.
  struct Gap {
    uint64_t first = 0;
    uint64_t last = 0;
  };

  struct Entry {
    uint64_t sequence = 0;    // The highest one accepted.
    uint64_t offset = 0;      // The model's offset after the batch that was accepted last.
    std::string sender;       // Whom the producer belongs to; empty: nobody yet.
    uint64_t told_above = 0;  // Of sequences up to this one it cannot be told which were accepted.
    std::vector<Gap> gaps;    // Rise; all are above told_above and below `sequence`.
  };

  // The producer's entry; null where it is not known.
  const Entry* Find(std::string_view producer_id) const;

  ProducerVerdict Judge(const ProducerBatch& batch) const;

  // Why a batch is refused, and what its producer can do: FAILED_PRECONDITION, or PERMISSION_DENIED
  // for kNotItsOwn. OK for kNew and kDuplicate.
  absl::Status Refusal(ProducerVerdict verdict, const ProducerBatch& batch) const;

  // Remembers a batch, of which Judge() said kNew. `offset` is the model's after it, above all
  // those given before; `capacity` >= 1 producers are known from now on.
  void Accept(const ProducerBatch& batch, uint64_t offset, uint32_t capacity);

  // Remembers the batch of an old record of the log as servers then did: what is below its sequence
  // counts as accepted, kDefaultCapacity producers are known, and nothing of others.
  void AcceptOld(std::string_view producer_id, uint64_t sequence, uint64_t offset);

  size_t size() const { return entries_.size(); }
  // Producers that were forgotten so far.
  uint64_t forgotten_count() const { return forgotten_count_; }

  // Appends the state, in the order of offsets.
  void SaveState(StateWriter& writer) const;

  // Replaces the state. DATA_LOSS where the bytes do not fit.
  absl::Status LoadState(StateReader& reader);
  // The same of a state that has the last sequences alone.
  absl::Status LoadOldState(StateReader& reader);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  // The entry of a producer, known from now on, whose last batch this is.
  Entry& Touch(std::string_view producer_id, uint64_t offset);
  // Takes out the producer whose last batch is the oldest, and returns its id.
  std::string TakeOldest();
  // Takes the sequences of a batch out of the gap that they lie in.
  static void TakeGap(const ProducerBatch& batch, Entry& entry);
  absl::Status LoadEntries(StateReader& reader, bool last_sequences_alone);

  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_;
  std::map<uint64_t, std::string> by_offset_;  // The same producers, by the offset of their entry.
  ProducerIdSet forgotten_;
  uint64_t forgotten_count_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_PRODUCER_TABLE_H_

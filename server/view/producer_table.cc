#include "server/view/producer_table.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Gap = ProducerTable::Gap;

// Of ProducerIdSet, as a multiple of the producers that are known.
constexpr size_t kForgottenShare = 5;

// The first gap that does not end below `sequence`.
template <typename Gaps>
auto GapAt(Gaps& gaps, uint64_t sequence) {
  return std::lower_bound(gaps.begin(), gaps.end(), sequence,
                          [](const Gap& gap, uint64_t value) { return gap.last < value; });
}

// Whether all sequences of the batch lie in one gap.
bool IsInGap(const std::vector<Gap>& gaps, const ProducerBatch& batch) {
  const auto gap = GapAt(gaps, batch.first());
  return gap != gaps.end() && gap->first <= batch.first() && batch.sequence <= gap->last;
}

// Whether any sequence of the batch lies in a gap.
bool MeetsGap(const std::vector<Gap>& gaps, const ProducerBatch& batch) {
  const auto gap = GapAt(gaps, batch.first());
  return gap != gaps.end() && gap->first <= batch.sequence;
}

absl::Status Malformed() {
  return absl::DataLossError("the saved table of producers is malformed");
}

std::string ReadText(StateReader& reader) {
  const auto size = reader.ReadValue<uint32_t>();
  std::string text(std::min<uint64_t>(size, reader.remaining_bytes() + 1), '\0');
  reader.Read(std::as_writable_bytes(std::span(text)));
  return text;
}

void WriteText(std::string_view text, StateWriter& writer) {
  writer.WriteValue<uint32_t>(static_cast<uint32_t>(text.size()));
  writer.Write(std::as_bytes(std::span(text)));
}

bool AreGapsOf(const ProducerTable::Entry& entry) {
  uint64_t below = entry.told_above;
  for (const Gap& gap : entry.gaps) {
    if (gap.first <= below || gap.last < gap.first) return false;
    below = gap.last;
  }
  return below < entry.sequence;
}

}  // namespace

const ProducerTable::Entry* ProducerTable::Find(std::string_view producer_id) const {
  const auto found = entries_.find(producer_id);
  return found == entries_.end() ? nullptr : &found->second;
}

ProducerVerdict ProducerTable::Judge(const ProducerBatch& batch) const {
  const Entry* const entry = Find(batch.producer_id);
  if (entry == nullptr) {
    if (forgotten_.Contains(batch.producer_id)) return ProducerVerdict::kForgotten;
    const bool begins = batch.first() == 1 || batch.may_begin;
    return begins ? ProducerVerdict::kNew : ProducerVerdict::kUnknown;
  }
  if (!batch.sender.empty() && !entry->sender.empty() && batch.sender != entry->sender) {
    return ProducerVerdict::kNotItsOwn;
  }
  if (batch.first() > entry->sequence) {
    return batch.sequence - entry->sequence > kMaxJump ? ProducerVerdict::kTooFarAhead
                                                       : ProducerVerdict::kNew;
  }
  if (IsInGap(entry->gaps, batch)) return ProducerVerdict::kNew;
  if (batch.first() <= entry->told_above) return ProducerVerdict::kTooFarBack;
  const bool has_new = batch.sequence > entry->sequence || MeetsGap(entry->gaps, batch);
  return has_new ? ProducerVerdict::kPartlyKnown : ProducerVerdict::kDuplicate;
}

absl::Status ProducerTable::Refusal(ProducerVerdict verdict, const ProducerBatch& batch) const {
  const Entry* const entry = Find(batch.producer_id);
  const uint64_t last = entry == nullptr ? 0 : entry->sequence;
  const std::string id = StrCat("producer \"", batch.producer_id, "\"");
  const std::string sequence = StrCat("sequence ", batch.sequence, " of ", id);
  switch (verdict) {
    case ProducerVerdict::kNew:
    case ProducerVerdict::kDuplicate:
      return absl::OkStatus();
    case ProducerVerdict::kPartlyKnown:
      return absl::FailedPreconditionError(
          StrCat("some of the sequences ", batch.first(), " to ", batch.sequence, " of ", id,
                 " were accepted before, others were not; the batch was not learned. GetProducer "
                 "says which ones are missing: send those alone"));
    case ProducerVerdict::kUnknown:
      return absl::FailedPreconditionError(StrCat(
          "the model does not know ", id, ", and sequence ", batch.sequence,
          " is not its first; the batch was not learned. A new producer begins with sequence "
          "1, or sets new_producer until its first acknowledgement. One that has sent to a "
          "model of this name before goes on under another producer_id"));
    case ProducerVerdict::kForgotten:
      return absl::FailedPreconditionError(StrCat(
          "the model has forgotten ", id,
          ", since many others have sent (limits.max_producers), so "
          "that it cannot be told whether this batch was learned before; it was not learned now. "
          "Go "
          "on under another producer_id, and send again only what is known not to be learned"));
    case ProducerVerdict::kTooFarBack:
      return absl::FailedPreconditionError(
          StrCat(sequence, " lies too far back to tell whether its batch was learned: ", kMaxGaps,
                 " sequences that were left out follow it; it was not learned now. If it was not "
                 "learned before, send it under a sequence above ",
                 last));
    case ProducerVerdict::kTooFarAhead:
      return absl::FailedPreconditionError(
          StrCat(sequence, " is more than ", kMaxJump, " above its last one, ", last,
                 "; the batch was not learned. Sequences count batches: send it as ", last + 1));
    case ProducerVerdict::kNotItsOwn:
      return absl::PermissionDeniedError(
          StrCat(id,
                 " belongs to another token, which used it first; send under another "
                 "producer_id"));
  }
  return absl::InternalError("no such verdict");
}

ProducerTable::Entry& ProducerTable::Touch(std::string_view producer_id, uint64_t offset) {
  const auto found = entries_.find(producer_id);
  if (found == entries_.end()) {
    by_offset_.emplace_hint(by_offset_.end(), offset, producer_id);
    Entry& entry = entries_.emplace(producer_id, Entry()).first->second;
    entry.offset = offset;
    return entry;
  }
  // The node moves to its new place; nothing is allocated for a producer that is known.
  auto node = by_offset_.extract(found->second.offset);
  node.key() = offset;
  by_offset_.insert(by_offset_.end(), std::move(node));
  found->second.offset = offset;
  return found->second;
}

std::string ProducerTable::TakeOldest() {
  auto oldest = by_offset_.extract(by_offset_.begin());
  entries_.erase(oldest.mapped());
  return std::move(oldest.mapped());
}

void ProducerTable::TakeGap(const ProducerBatch& batch, Entry& entry) {
  const auto gap = GapAt(entry.gaps, batch.first());
  const Gap whole = *gap;
  if (whole.first == batch.first() && whole.last == batch.sequence) {
    entry.gaps.erase(gap);
  } else if (batch.first() == whole.first) {
    gap->first = batch.sequence + 1;
  } else {
    gap->last = batch.first() - 1;
    if (batch.sequence < whole.last) entry.gaps.insert(gap + 1, {batch.sequence + 1, whole.last});
  }
}

void ProducerTable::Accept(const ProducerBatch& batch, uint64_t offset, uint32_t capacity) {
  Entry& entry = Touch(batch.producer_id, offset);
  if (entry.sender.empty()) entry.sender = batch.sender;
  if (batch.first() > entry.sequence) {
    if (batch.first() > entry.sequence + 1) {
      entry.gaps.push_back({entry.sequence + 1, batch.first() - 1});
    }
    entry.sequence = batch.sequence;
  } else if (IsInGap(entry.gaps, batch)) {
    TakeGap(batch, entry);
  } else {
    // A server that knew no ranges may have accepted a batch of which a part was known.
    entry.sequence = std::max(entry.sequence, batch.sequence);
  }
  if (entry.gaps.size() > kMaxGaps) {
    entry.told_above = entry.gaps.front().last;
    entry.gaps.erase(entry.gaps.begin());
  }
  while (entries_.size() > capacity) {
    forgotten_.Add(TakeOldest(), kForgottenShare * capacity);
    ++forgotten_count_;
  }
}

void ProducerTable::AcceptOld(std::string_view producer_id, uint64_t sequence, uint64_t offset) {
  Entry& entry = Touch(producer_id, offset);
  entry.sequence = std::max(entry.sequence, sequence);
  while (entries_.size() > kDefaultCapacity) TakeOldest();
}

void ProducerTable::SaveState(StateWriter& writer) const {
  writer.WriteValue<uint64_t>(entries_.size());
  for (const auto& [offset, producer_id] : by_offset_) {
    const Entry& entry = entries_.find(producer_id)->second;
    writer.WriteValue<uint64_t>(offset);
    writer.WriteValue<uint64_t>(entry.sequence);
    WriteText(producer_id, writer);
    WriteText(entry.sender, writer);
    writer.WriteValue<uint64_t>(entry.told_above);
    writer.WriteValue<uint32_t>(static_cast<uint32_t>(entry.gaps.size()));
    writer.Write(std::as_bytes(std::span(entry.gaps)));
  }
  writer.WriteValue<uint64_t>(forgotten_count_);
  forgotten_.SaveState(writer);
}

absl::Status ProducerTable::LoadState(StateReader& reader) {
  absl::Status status = LoadEntries(reader, /*last_sequences_alone=*/false);
  if (!status.ok()) return status;
  forgotten_count_ = reader.ReadValue<uint64_t>();
  return forgotten_.LoadState(reader);
}

absl::Status ProducerTable::LoadOldState(StateReader& reader) {
  forgotten_ = ProducerIdSet();
  forgotten_count_ = 0;
  return LoadEntries(reader, /*last_sequences_alone=*/true);
}

absl::Status ProducerTable::LoadEntries(StateReader& reader, bool last_sequences_alone) {
  entries_.clear();
  by_offset_.clear();
  const auto count = reader.ReadValue<uint64_t>();
  for (uint64_t i = 0; i < count && reader.status().ok(); ++i) {
    const auto offset = reader.ReadValue<uint64_t>();
    Entry entry;
    entry.sequence = reader.ReadValue<uint64_t>();
    const std::string producer_id = ReadText(reader);
    if (!last_sequences_alone) {
      entry.sender = ReadText(reader);
      entry.told_above = reader.ReadValue<uint64_t>();
      const auto gap_count = reader.ReadValue<uint32_t>();
      if (gap_count > kMaxGaps) return Malformed();
      entry.gaps.resize(gap_count);
      reader.Read(std::as_writable_bytes(std::span(entry.gaps)));
    }
    if (!reader.status().ok()) break;
    const bool rises = by_offset_.empty() || offset > by_offset_.rbegin()->first;
    if (!rises || !AreGapsOf(entry) || Find(producer_id) != nullptr) return Malformed();
    entry.offset = offset;
    Touch(producer_id, offset) = std::move(entry);
  }
  return reader.status();
}

}  // namespace freshet

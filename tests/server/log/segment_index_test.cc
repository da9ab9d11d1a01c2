#include "server/log/segment_index.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "server/log/segment.h"

namespace freshet {
namespace {

class SegmentIndexMarksTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kFirst = 100;
  static constexpr uint64_t kRecordBytes = SegmentIndex::kMarkBytes / 4;

  SegmentIndexMarksTest() {
    index_.AddSegment({.first_offset = kFirst, .size_bytes = kSegmentHeaderBytes});
  }

  static uint64_t PositionOf(uint64_t offset) {
    return kSegmentHeaderBytes + (offset - kFirst) * kRecordBytes;
  }

  // As if records were appended up to `next_offset`.
  void AppendTo(uint64_t next_offset) {
    for (uint64_t next = index_.next_offset() + 1; next <= next_offset; ++next) {
      index_.Advance(next, PositionOf(next));
    }
  }

  // As if a log were opened whose only segment has the records below `next_offset`.
  void OpenWith(uint64_t next_offset) {
    index_.Restart({.first_offset = kFirst, .size_bytes = PositionOf(next_offset)});
    index_.SetEnd(next_offset, PositionOf(next_offset));
  }

  // The offset of the mark; checks its place.
  uint64_t MarkBefore(uint64_t offset) const {
    const SegmentEnd mark = index_.MarkBefore(offset, index_.Find(offset).value());
    EXPECT_EQ(mark.bytes, PositionOf(mark.next_offset));
    EXPECT_LE(mark.next_offset, offset);
    return mark.next_offset;
  }

  SegmentIndex index_;
};

TEST_F(SegmentIndexMarksTest, LieAtMostAMarkApartInWhatWasAppended) {
  AppendTo(kFirst + 40);
  for (uint64_t offset = kFirst; offset < kFirst + 40; ++offset) {
    EXPECT_LE(offset - MarkBefore(offset), 4U) << offset;
  }
  EXPECT_EQ(MarkBefore(kFirst + 3), kFirst);
}

TEST_F(SegmentIndexMarksTest, OfAnEndThatMayBeWrittenAgainAreForgotten) {
  AppendTo(kFirst + 40);
  index_.AbortReaders();
  EXPECT_EQ(MarkBefore(kFirst + 39), kFirst);
  index_.SetEnd(kFirst + 10, PositionOf(kFirst + 10));
  AppendTo(kFirst + 20);
  EXPECT_GE(MarkBefore(kFirst + 19), kFirst + 10);
}

TEST_F(SegmentIndexMarksTest, AreThoseOfTheSegmentOnly) {
  AppendTo(kFirst + 40);
  index_.AddSegment({.first_offset = kFirst + 40, .size_bytes = kSegmentHeaderBytes});
  const SegmentEnd mark = index_.MarkBefore(kFirst + 40, index_.last());
  EXPECT_EQ(mark.next_offset, kFirst + 40);
  EXPECT_EQ(mark.bytes, kSegmentHeaderBytes);
}

// The size of a segment is known before the offset at its end is.
TEST_F(SegmentIndexMarksTest, DoNotComeFromOpeningTheLog) {
  OpenWith(kFirst + 40);
  for (uint64_t offset = kFirst; offset < kFirst + 40; ++offset) {
    EXPECT_EQ(MarkBefore(offset), kFirst) << offset;
  }
}

TEST_F(SegmentIndexMarksTest, ComeFromReadersToo) {
  OpenWith(kFirst + 40);
  EXPECT_EQ(MarkBefore(kFirst + 39), kFirst);
  const uint64_t generation = index_.generation();
  index_.AddMark({.bytes = PositionOf(kFirst + 20), .next_offset = kFirst + 20}, generation);
  EXPECT_EQ(MarkBefore(kFirst + 39), kFirst + 20);
  index_.AbortReaders();
  index_.AddMark({.bytes = 7, .next_offset = kFirst + 21}, generation);
  EXPECT_EQ(MarkBefore(kFirst + 39), kFirst);
}

}  // namespace
}  // namespace freshet

#include "core/format/vw_format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/base/str_cat.h"
#include "core/feature/feature_options.h"
#include "core/feature/hash.h"
#include "core/format/number.h"
#include "core/format/parse_error.h"

namespace freshet {
namespace {

constexpr std::array<bool, 256> kEndsName = [] {
  std::array<bool, 256> ends{};
  for (const char c : {' ', ':', '\t', '|', '\r'}) ends[static_cast<unsigned char>(c)] = true;
  return ends;
}();

// The end of the name that starts at `p`.
inline const char* NameEnd(const char* p, const char* end) {
#ifdef __SSE2__
  constexpr ptrdiff_t kLane = 16;
  while (end - p >= kLane) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto equals = [bytes](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
    const __m128i ends =
        _mm_or_si128(_mm_or_si128(equals(' '), equals(':')),
                     _mm_or_si128(equals('|'), _mm_or_si128(equals('\t'), equals('\r'))));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(ends));
    if (mask != 0) return p + std::countr_zero(mask);
    p += kLane;
  }
#endif
  while (p != end && !kEndsName[static_cast<unsigned char>(*p)]) ++p;
  return p;
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// The token at `p`, for a message.
std::string_view TokenAt(const char* p, const char* end) {
  const char* stop = p;
  while (stop != end && !IsBlank(*stop) && *stop != '|') ++stop;
  return {p, static_cast<size_t>(stop - p)};
}

// Reads a finite float that is followed by a blank, a '|' or the end; false if there is none.
bool ReadValue(const char*& cursor, const char* end, float& value) {
  double number = 0;
  const char* const stop = ScanNumber(cursor, end, number);
  if (stop == cursor || (stop != end && !IsBlank(*stop) && *stop != '|')) return false;
  value = static_cast<float>(number);
  if (!std::isfinite(value)) return false;
  cursor = stop;
  return true;
}

// Whether a finite float stands at `cursor`, followed by a blank, a '|' or the end.
bool IsNumber(const char* cursor, const char* end) {
  float ignored = 0;
  return ReadValue(cursor, end, ignored);
}

}  // namespace

absl::StatusOr<std::unique_ptr<VwFormat>> VwFormat::Make(const FormatOptions& options) {
  absl::StatusOr<LabelReader> labels = LabelReader::Make({.positive = options.positive});
  if (!labels.ok()) return labels.status();
  return std::unique_ptr<VwFormat>(new VwFormat(*std::move(labels), options));
}

absl::Status VwFormat::ErrorAt(const char* position, std::string_view message) const {
  return ParseError(static_cast<size_t>(position - line_.data()) + 1, message);
}

absl::StatusOr<bool> VwFormat::ParseLine(std::string_view line, ExampleBatchBuilder& builder) {
  tag_.clear();
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  line_ = line;
  if (absl::Status status = CheckUtf8(line); !status.ok()) return status;
  if (TrimBlanks(line).empty()) return false;
  const size_t bar = line.find('|');
  if (bar == std::string_view::npos && !is_lenient_) {
    return ParseError(line.size() + 1,
                      "there is no '|' on the line; a row looks like '1 |namespace feature:0.5'");
  }
  Head head;
  if (absl::Status status = ParseHead(line.substr(0, bar), head); !status.ok()) return status;
  builder.BeginRow(head.label, head.weight);
  if (head.initial != 0) {
    const size_t index = builder.Namespace(kOffsetNamespace);
    builder.AddFeature(index, builder.namespace_hash(index), head.initial);
  }
  const char* const end = line.data() + line.size();
  for (const char* cursor = line.data() + std::min(bar, line.size()); cursor != end;) {
    ++cursor;  // Past the bar.
    if (absl::Status status = ParseNamespace(cursor, builder); !status.ok()) {
      builder.AbandonRow();
      tag_.clear();
      return status;
    }
  }
  builder.EndRow();
  return true;
}

absl::Status VwFormat::ParseHead(std::string_view head, Head& parsed) {
  const size_t tab = head.find('\t');
  if (tab != std::string_view::npos) head.remove_prefix(tab + 1);
  // Label, weight, initial prediction and tag, and one more to notice excess tokens.
  std::array<std::string_view, 5> tokens;
  size_t count = 0;
  for (size_t i = 0; i < head.size() && count < tokens.size();) {
    const size_t stop = std::min(head.find(' ', i), head.size());
    if (stop != i) tokens[count++] = head.substr(i, stop - i);
    i = stop + 1;
  }
  if (count > 0) {
    std::string_view last = tokens[count - 1];
    const bool touches_bar = last.data() + last.size() == head.data() + head.size() &&
                             head.data() + head.size() != line_.data() + line_.size();
    if (touches_bar || last.front() == '\'') {
      if (last.front() == '\'') last.remove_prefix(1);
      tag_.assign(last);
      --count;
    }
  }
  if (count > 3) {
    return ErrorAt(tokens[3].data(),
                   StrCat("unexpected ", Quoted(tokens[3]),
                          "; only a label, an importance weight and a 'tag may precede the '|'"));
  }
  if (count == 0) {
    if (!labels_required_) return absl::OkStatus();
    if (is_lenient_) {
      parsed.weight = 0;
      return absl::OkStatus();
    }
    std::string message =
        "the label is missing; a row to learn from starts with one, as in '1 |namespace feature'";
    if (!tag_.empty()) {
      message = StrCat("the label is missing (", Quoted(tag_),
                       " touches the '|' or starts with a quote, which makes it a tag); a row to "
                       "learn from starts with one, as in '1 |namespace feature'");
    }
    return ErrorAt(head.data(), message);
  }
  if (!labels_.Read(tokens[0], parsed.label)) {
    return ErrorAt(tokens[0].data(), StrCat("the label is ", labels_.Complaint(tokens[0])));
  }
  if (count > 1 && !(ParseFiniteFloat(tokens[1], parsed.weight) && parsed.weight >= 0)) {
    return ErrorAt(tokens[1].data(), StrCat("importance weight ", Quoted(tokens[1]),
                                            " is not a finite number of at least 0"));
  }
  const bool is_number = count < 3 || ParseFiniteFloat(tokens[2], parsed.initial);
  if (!is_number && is_lenient_) {
    return ErrorAt(tokens[2].data(),
                   StrCat("initial score ", Quoted(tokens[2]), " is not a finite number"));
  }
  if (!is_number || (parsed.initial != 0 && !is_lenient_)) {
    return ErrorAt(tokens[2].data(), StrCat("initial prediction ", Quoted(tokens[2]),
                                            " is not supported; it must be 0 or left out"));
  }
  return absl::OkStatus();
}

absl::Status VwFormat::ParseNamespace(const char*& cursor, ExampleBatchBuilder& builder) {
  const char* const end = line_.data() + line_.size();
  const char* p = cursor;
  const char* const name_begin = p;
  p = NameEnd(p, end);
  const std::string_view name(name_begin, static_cast<size_t>(p - name_begin));
  float scale = 1;
  if (p != end && *p == ':') {
    if (name.empty()) {
      return ErrorAt(p, "a namespace weight needs a name before it, as in '|name:0.5'");
    }
    ++p;
    if (!ReadValue(p, end, scale)) {
      return ErrorAt(p, StrCat("weight ", Quoted(TokenAt(p, end)), " of namespace ", Quoted(name),
                               " is not a finite number"));
    }
  }
  const size_t index = builder.Namespace(name);
  const auto hash_of = [this](std::string_view text, uint32_t seed) {
    return hash_all_ ? MurmurHash3(text, seed) : HashFeature(text, seed);
  };
  const uint32_t hash = name.empty() ? 0 : hash_of(name, 0);
  uint32_t nameless = 0;
  while (p != end && IsBlank(*p)) {
    ++p;
    const char* const feature_begin = p;
    p = NameEnd(p, end);
    const std::string_view feature(feature_begin, static_cast<size_t>(p - feature_begin));
    float value = scale;
    if (p != end && *p == ':') {
      ++p;
      if (const std::string_view text = TokenAt(p, end);
          is_lenient_ && !text.empty() && !IsNumber(p, end)) {
        p += text.size();
        builder.AddFeature(index,
                           std::string_view(feature.data(), feature.size() + 1 + text.size()),
                           hash_of(text, hash_of(feature, hash)), scale);
        continue;
      }
      if (!ReadValue(p, end, value)) {
        return ErrorAt(p, StrCat("value ", Quoted(TokenAt(p, end)), " of feature ", Quoted(feature),
                                 " is not a finite number"));
      }
      value *= scale;
      if (!std::isfinite(value)) {
        return ErrorAt(feature_begin,
                       StrCat("value of feature ", Quoted(feature),
                              " times the weight of its namespace is not a finite number"));
      }
    } else if (feature.empty()) {
      continue;  // One of several blanks in a row.
    }
    const uint32_t id = feature.empty() ? hash + nameless++ : hash_of(feature, hash);
    builder.AddFeature(index, feature, id, value);
  }
  if (p != end && *p != '|') {
    return ErrorAt(
        p, StrCat("unexpected ", Quoted(std::string_view(p, 1)), "; a blank or '|' must follow"));
  }
  cursor = p;
  return absl::OkStatus();
}

}  // namespace freshet

#include "client/input/text_check.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/str_cat.h"
#include "core/base/utf8.h"

namespace freshet {
namespace {

using namespace std::string_view_literals;

// How many bytes are searched for zero bytes and control bytes.
constexpr size_t kSampleBytes = 256;
// Unicode has hardly any characters beyond.
constexpr uint32_t kMaxCharacter = 0x2ffff;

struct Kind {
  std::string_view magic;
  std::string_view name;
  std::string_view advice;  // % stands for the file.
};

constexpr std::string_view kFromParquet =
    "convert it to csv or jsonl first, as in Python with pandas.read_parquet('%').to_csv('%.csv', "
    "index=False)";
constexpr std::string_view kFromArrow =
    "convert it to csv or jsonl first, as in Python with pandas.read_feather('%').to_csv('%.csv', "
    "index=False)";
constexpr std::string_view kFromOthers = "convert it to csv or jsonl first";

constexpr std::array<Kind, 16> kKinds = {{
    {"\xff\xfe\0\0"sv, "UTF-32 text",
     "convert it to UTF-8 first, as in 'iconv -f UTF-32 -t UTF-8 %'"},
    {"\0\0\xfe\xff"sv, "UTF-32 text",
     "convert it to UTF-8 first, as in 'iconv -f UTF-32 -t UTF-8 %'"},
    {"\xff\xfe"sv, "UTF-16 text", "convert it to UTF-8 first, as in 'iconv -f UTF-16 -t UTF-8 %'"},
    {"\xfe\xff"sv, "UTF-16 text", "convert it to UTF-8 first, as in 'iconv -f UTF-16 -t UTF-8 %'"},
    {"PAR1"sv, "a Parquet file", kFromParquet},
    {"ARROW1"sv, "an Arrow file", kFromArrow},
    {"FEA1"sv, "a Feather file", kFromArrow},
    {"\xff\xff\xff\xff"sv, "an Arrow stream", kFromOthers},
    {"ORC"sv, "an ORC file", kFromOthers},
    {"Obj\x01"sv, "an Avro file", kFromOthers},
    {"SQLite format 3\0"sv, "an SQLite database", "export its table as csv first"},
    {"\x89HDF\r\n"sv, "an HDF5 file", kFromOthers},
    {"PK\x03\x04"sv, "a zip archive or a spreadsheet",
     "unpack it, or save the sheet as csv (UTF-8), first"},
    {"BZh"sv, "compressed with bzip2",
     "decompress it first, as in 'bzcat % | freshet push MODEL -'"},
    {"\xfd"
     "7zXZ\0"sv,
     "compressed with xz", "decompress it first, as in 'xzcat % | freshet push MODEL -'"},
    {"\x04\x22\x4d\x18"sv, "compressed with lz4",
     "decompress it first, as in 'lz4cat % | freshet push MODEL -'"},
}};

absl::Status Refusal(const std::string& path, std::string_view name, std::string_view advice) {
  std::string text;
  for (const char c : advice) {
    if (c == '%') {
      text += path == "-" ? "FILE" : path;
    } else {
      text += c;
    }
  }
  return absl::InvalidArgumentError(
      StrCat(path == "-" ? "standard input" : path, " is ", name, "; ", text));
}

// Whether `c` is a control character that does not occur in text.
bool IsControl(uint32_t c) { return c < 0x20 && (c < '\t' || c > '\r') && c != 0x1b; }

// Whether `sample` contains control bytes that do not occur in text; zero bytes do not count.
bool HasControlBytes(std::string_view sample) {
  return std::any_of(sample.begin(), sample.end(),
                     [](char c) { return c != '\0' && IsControl(static_cast<unsigned char>(c)); });
}

// The share of zero bytes among every second byte from index `first` on.
double ShareOfZeros(std::string_view sample, size_t first) {
  size_t zeros = 0;
  size_t count = 0;
  for (size_t i = first; i < sample.size(); i += 2, ++count) zeros += sample[i] == '\0' ? 1 : 0;
  return count == 0 ? 0 : static_cast<double>(zeros) / static_cast<double>(count);
}

// How text is encoded that takes two or four bytes a character.
struct WideEncoding {
  std::string_view name;
  std::string_view iconv_name;
  size_t unit_bytes;
  bool big_endian;
};

// Whether `sample` can be read in `encoding`: it has no control characters, nor numbers that are no
// characters. A unit cut off at the end is ignored.
bool IsTextIn(const WideEncoding& encoding, std::string_view sample) {
  const size_t bytes = encoding.unit_bytes;
  bool after_high_surrogate = false;
  for (size_t begin = 0; begin + bytes <= sample.size(); begin += bytes) {
    uint32_t unit = 0;
    for (size_t i = 0; i < bytes; ++i) {
      const size_t next = encoding.big_endian ? begin + i : begin + bytes - 1 - i;
      unit = unit << 8 | static_cast<unsigned char>(sample[next]);
    }
    const bool high_surrogate = bytes == 2 && unit >= 0xd800 && unit < 0xdc00;
    const bool low_surrogate = bytes == 2 && unit >= 0xdc00 && unit < 0xe000;
    if (IsControl(unit) || unit > kMaxCharacter) return false;
    if (low_surrogate != after_high_surrogate) return false;
    after_high_surrogate = high_surrogate;
  }
  return sample.size() >= bytes;
}

// The encoding of `sample`, which has zero bytes and no byte order mark; null if it is not text.
const WideEncoding* FindWideEncoding(std::string_view sample) {
  static constexpr std::array<WideEncoding, 4> kEncodings = {{
      {"UTF-32", "UTF-32LE", 4, false},
      {"UTF-32", "UTF-32BE", 4, true},
      {"UTF-16", "UTF-16LE", 2, false},
      {"UTF-16", "UTF-16BE", 2, true},
  }};
  // Delimiters and line ends have a zero byte, after the other byte in the order LE.
  const double even = ShareOfZeros(sample, 0);
  const double odd = ShareOfZeros(sample, 1);
  // Text in UTF-8 in which a zero byte strayed could be read as UTF-16, too.
  constexpr size_t kCutCharacterBytes = 3;
  const bool utf8 = !HasControlBytes(sample) &&
                    Utf8Size(sample) + kCutCharacterBytes >= sample.size() &&
                    std::max(even, odd) <= 0.5;
  for (const WideEncoding& encoding : kEncodings) {
    if (encoding.unit_bytes == 2 && (utf8 || encoding.big_endian != (even > odd))) continue;
    if (IsTextIn(encoding, sample)) return &encoding;
  }
  return nullptr;
}

}  // namespace

absl::Status CheckIsText(const std::string& path, std::string_view start) {
  const std::string_view sample = start.substr(0, kSampleBytes);
  for (const Kind& kind : kKinds) {
    if (!start.starts_with(kind.magic)) continue;
    // A magic number of letters only may also begin a text, so require control bytes as well.
    const bool letters = std::all_of(kind.magic.begin(), kind.magic.end(),
                                     [](char c) { return c > ' ' && c <= '~'; });
    const bool text = !HasControlBytes(sample) && sample.find('\0') == std::string_view::npos;
    if (!letters || !text) return Refusal(path, kind.name, kind.advice);
  }
  if (sample.find('\0') == std::string_view::npos) return absl::OkStatus();
  if (const WideEncoding* const encoding = FindWideEncoding(sample)) {
    return Refusal(path, StrCat(encoding->name, " text without a byte order mark"),
                   StrCat("convert it to UTF-8 first, as in 'iconv -f ", encoding->iconv_name,
                          " -t UTF-8 %'"));
  }
  return Refusal(path, "not text: it contains zero bytes", kFromOthers);
}

}  // namespace freshet

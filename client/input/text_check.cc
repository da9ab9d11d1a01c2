#include "client/input/text_check.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "core/base/str_cat.h"

namespace freshet {
namespace {

using namespace std::string_view_literals;

// How many bytes are searched for the zero bytes of UTF-16 and for control bytes.
constexpr size_t kSampleBytes = 256;

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

// Whether `sample` contains control bytes that do not occur in text.
bool HasControlBytes(std::string_view sample) {
  return std::any_of(sample.begin(), sample.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && (c < '\t' || c > '\r') && c != '\x1b';
  });
}

// The share of zero bytes among every second byte from index `first` on.
double ShareOfZeros(std::string_view sample, size_t first) {
  size_t zeros = 0;
  size_t count = 0;
  for (size_t i = first; i < sample.size(); i += 2, ++count) zeros += sample[i] == '\0' ? 1 : 0;
  return count == 0 ? 0 : static_cast<double>(zeros) / static_cast<double>(count);
}

}  // namespace

absl::Status CheckIsText(const std::string& path, std::string_view start) {
  const std::string_view sample = start.substr(0, kSampleBytes);
  for (const Kind& kind : kKinds) {
    if (!start.starts_with(kind.magic)) continue;
    // A magic number of letters only may also begin a text, so require control bytes as well.
    const bool letters = std::all_of(kind.magic.begin(), kind.magic.end(),
                                     [](char c) { return c > ' ' && c <= '~'; });
    if (!letters || HasControlBytes(sample)) return Refusal(path, kind.name, kind.advice);
  }
  // In UTF-16, every second byte of Latin text is zero.
  const double even = ShareOfZeros(sample, 0);
  const double odd = ShareOfZeros(sample, 1);
  if (even == 0 && odd > 0.5) {
    return Refusal(path, "UTF-16 text without a byte order mark",
                   "convert it to UTF-8 first, as in 'iconv -f UTF-16LE -t UTF-8 %'");
  }
  if (odd == 0 && even > 0.5) {
    return Refusal(path, "UTF-16 text without a byte order mark",
                   "convert it to UTF-8 first, as in 'iconv -f UTF-16BE -t UTF-8 %'");
  }
  if (even + odd > 0) return Refusal(path, "not text: it contains zero bytes", kFromOthers);
  return absl::OkStatus();
}

}  // namespace freshet

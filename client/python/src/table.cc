#include "client/python/src/table.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>

#include "client/python/src/arrow.h"
#include "client/python/src/row_text.h"
#include "core/base/str_cat.h"
#include "core/base/utf8.h"

namespace freshet::python {
namespace {

template <typename T>
T At(const ArrowArray& array, int buffer, int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(array.buffers[buffer]) + i * sizeof(T), sizeof(T));
  return value;
}

bool BitAt(const void* bits, int64_t i) {
  return (static_cast<const uint8_t*>(bits)[i >> 3] >> (i & 7) & 1) != 0;
}

bool IsNull(const ArrowArray& array, int64_t i) {
  return array.n_buffers > 0 && array.buffers[0] != nullptr && array.null_count != 0 &&
         !BitAt(array.buffers[0], i);
}

template <typename Integer>
bool AppendInteger(Integer value, std::string& out) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
  return true;
}

template <typename Number>
bool AppendFloat(Number value, std::string& out) {
  if (std::isnan(value)) {
    out += "null";
    return true;
  }
  return AppendJsonNumber(value, out);
}

float HalfToFloat(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const auto fraction = static_cast<float>(half & 1023);
  float value =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25);
  if (exponent == 31) value = fraction == 0 ? HUGE_VALF : std::nanf("");
  return (half & 0x8000) != 0 ? -value : value;
}

// Appends the time that is `ticks` units of 1/`per_second` after 1970; `decimals` of a second.
bool AppendTime(int64_t ticks, int64_t per_second, int decimals, std::string& out) {
  const int64_t second = ticks / per_second - (ticks % per_second < 0 ? 1 : 0);
  const int64_t rest = ticks - second * per_second;
  const int64_t day = second / 86'400 - (second % 86'400 < 0 ? 1 : 0);
  const int64_t of_day = second - day * 86'400;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  std::array<char, 64> text;
  int size = std::snprintf(text.data(), text.size(), "\"%04d-%02u-%02uT%02d:%02d:%02d",
                           static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                           static_cast<unsigned>(date.day()), static_cast<int>(of_day / 3600),
                           static_cast<int>(of_day / 60 % 60), static_cast<int>(of_day % 60));
  out.append(text.data(), static_cast<size_t>(size));
  if (rest != 0) {
    size =
        std::snprintf(text.data(), text.size(), ".%0*lld", decimals, static_cast<long long>(rest));
    out.append(text.data(), static_cast<size_t>(size));
  }
  out += '"';
  return true;
}

bool AppendDay(int64_t day, std::string& out) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  std::array<char, 40> text;
  const int size =
      std::snprintf(text.data(), text.size(), "\"%04d-%02u-%02u\"", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  out.append(text.data(), static_cast<size_t>(size));
  return true;
}

bool AppendTimestamp(std::string_view format, int64_t ticks, std::string& out) {
  switch (format[2]) {
    case 's':
      return AppendTime(ticks, 1, 0, out);
    case 'm':
      return AppendTime(ticks, 1'000, 3, out);
    case 'u':
      return AppendTime(ticks, 1'000'000, 6, out);
    default:
      return AppendTime(ticks, 1'000'000'000, 9, out);
  }
}

// The decimal number `high`:`low` of 128 bits with `scale` digits after its point.
bool AppendDecimal(const ArrowArray& array, int64_t i, int scale, std::string& out) {
  auto value = At<__int128>(array, 1, i);
  const bool negative = value < 0;
  std::string digits;
  for (; value != 0; value /= 10) {
    const int digit = static_cast<int>(value % 10);
    digits.insert(digits.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
  }
  if (scale < 0) digits.append(digits.empty() ? 0 : static_cast<size_t>(-scale), '0');
  const size_t decimals = scale > 0 ? static_cast<size_t>(scale) : 0;
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  if (negative) out += '-';
  out.append(digits, 0, digits.size() - decimals);
  if (decimals > 0) out.append(".").append(digits, digits.size() - decimals, decimals);
  return true;
}

std::string_view TextAt(std::string_view format, const ArrowArray& array, int64_t i) {
  if (format == "vu") {
    struct View {
      int32_t size;
      char prefix[4];
      int32_t buffer;
      int32_t offset;
    };
    const auto* views = static_cast<const View*>(array.buffers[1]);
    const View& view = views[i];
    const auto size = static_cast<size_t>(view.size);
    if (view.size <= 12) return {reinterpret_cast<const char*>(&view) + 4, size};
    return {static_cast<const char*>(array.buffers[2 + view.buffer]) + view.offset, size};
  }
  int64_t begin = 0;
  int64_t end = 0;
  if (format == "u") {
    begin = At<int32_t>(array, 1, i);
    end = At<int32_t>(array, 1, i + 1);
  } else {
    begin = At<int64_t>(array, 1, i);
    end = At<int64_t>(array, 1, i + 1);
  }
  return {static_cast<const char*>(array.buffers[2]) + begin, static_cast<size_t>(end - begin)};
}

bool IsText(std::string_view format) { return format == "u" || format == "U" || format == "vu"; }

bool IsList(std::string_view format) {
  return format == "+l" || format == "+L" || format.starts_with("+w:");
}

bool IsDecimal(std::string_view format) {
  return format.starts_with("d:") &&
         format.find(',', format.find(',') + 1) == std::string_view::npos;
}

bool IsPlain(std::string_view format) {
  constexpr std::string_view kOneLetter = "nbcCsSiIlLefg";
  if (format.size() == 1 && kOneLetter.find(format[0]) != std::string_view::npos) return true;
  return IsText(format) || format == "tdD" || format == "tdm" || format.starts_with("ts") ||
         IsDecimal(format);
}

// Whether values of the type can be written.
bool IsKnown(const ArrowSchema& schema) {
  const std::string_view format = schema.format;
  if (schema.dictionary != nullptr) return IsKnown(*schema.dictionary);
  if (IsPlain(format)) return true;
  if (!IsList(format) && format != "+s") return false;
  for (int64_t i = 0; i < schema.n_children; ++i) {
    if (!IsKnown(*schema.children[i])) return false;
  }
  return true;
}

int64_t IndexAt(std::string_view format, const ArrowArray& array, int64_t i) {
  switch (format[0]) {
    case 'c':
      return At<int8_t>(array, 1, i);
    case 'C':
      return At<uint8_t>(array, 1, i);
    case 's':
      return At<int16_t>(array, 1, i);
    case 'S':
      return At<uint16_t>(array, 1, i);
    case 'i':
      return At<int32_t>(array, 1, i);
    case 'I':
      return At<uint32_t>(array, 1, i);
    default:
      return At<int64_t>(array, 1, i);
  }
}

bool AppendValue(const ArrowSchema& schema, const ArrowArray& array, int64_t i, std::string& out);

bool AppendElements(const ArrowSchema& schema, const ArrowArray& array, int64_t begin, int64_t end,
                    std::string& out) {
  out += '[';
  for (int64_t i = begin; i < end; ++i) {
    if (i > begin) out += ',';
    if (!AppendValue(*schema.children[0], *array.children[0], i, out)) return false;
  }
  out += ']';
  return true;
}

bool AppendList(const ArrowSchema& schema, const ArrowArray& array, int64_t i, std::string& out) {
  const std::string_view format = schema.format;
  if (format == "+l") {
    return AppendElements(schema, array, At<int32_t>(array, 1, i), At<int32_t>(array, 1, i + 1),
                          out);
  }
  if (format == "+L") {
    return AppendElements(schema, array, At<int64_t>(array, 1, i), At<int64_t>(array, 1, i + 1),
                          out);
  }
  int64_t size = 0;
  std::from_chars(format.data() + 3, format.data() + format.size(), size);
  return AppendElements(schema, array, i * size, (i + 1) * size, out);
}

bool AppendMembers(const ArrowSchema& schema, const ArrowArray& array, int64_t i,
                   std::string& out) {
  out += '{';
  for (int64_t child = 0; child < schema.n_children; ++child) {
    if (child > 0) out += ',';
    AppendJsonText(schema.children[child]->name, out);
    out += ':';
    if (!AppendValue(*schema.children[child], *array.children[child], i, out)) return false;
  }
  out += '}';
  return true;
}

bool AppendPlain(std::string_view format, const ArrowArray& array, int64_t i, std::string& out) {
  if (IsText(format)) {
    AppendJsonText(TextAt(format, array, i), out);
    return true;
  }
  switch (format[0]) {
    case 'b':
      out += BitAt(array.buffers[1], i) ? "true" : "false";
      return true;
    case 'c':
      return AppendInteger(At<int8_t>(array, 1, i), out);
    case 'C':
      return AppendInteger(At<uint8_t>(array, 1, i), out);
    case 's':
      return AppendInteger(At<int16_t>(array, 1, i), out);
    case 'S':
      return AppendInteger(At<uint16_t>(array, 1, i), out);
    case 'i':
      return AppendInteger(At<int32_t>(array, 1, i), out);
    case 'I':
      return AppendInteger(At<uint32_t>(array, 1, i), out);
    case 'l':
      return AppendInteger(At<int64_t>(array, 1, i), out);
    case 'L':
      return AppendInteger(At<uint64_t>(array, 1, i), out);
    case 'e':
      return AppendFloat(HalfToFloat(At<uint16_t>(array, 1, i)), out);
    case 'f':
      return AppendFloat(At<float>(array, 1, i), out);
    case 'g':
      return AppendFloat(At<double>(array, 1, i), out);
    case 'd': {
      int scale = 0;
      const size_t comma = format.find(',');
      std::from_chars(format.data() + comma + 1, format.data() + format.size(), scale);
      return AppendDecimal(array, i, scale, out);
    }
    default:
      break;
  }
  if (format == "tdD") return AppendDay(At<int32_t>(array, 1, i), out);
  if (format == "tdm") return AppendTime(At<int64_t>(array, 1, i), 1'000, 3, out);
  return AppendTimestamp(format, At<int64_t>(array, 1, i), out);
}

// `i` counts from the beginning of the array's rows, before its offset. False for infinite numbers.
bool AppendValue(const ArrowSchema& schema, const ArrowArray& array, int64_t i, std::string& out) {
  const std::string_view format = schema.format;
  i += array.offset;
  if (format == "n" || IsNull(array, i)) {
    out += "null";
    return true;
  }
  if (schema.dictionary != nullptr) {
    return AppendValue(*schema.dictionary, *array.dictionary, IndexAt(format, array, i), out);
  }
  if (format == "+s") return AppendMembers(schema, array, i, out);
  if (IsList(format)) return AppendList(schema, array, i, out);
  return AppendPlain(format, array, i, out);
}

}  // namespace

struct Table::State {
  ArrowArrayStream stream = {};
  ArrowSchema schema = {};
  ArrowArray chunk = {};
  // The columns to read: indices of children, and their keys with the colon.
  std::vector<std::pair<int64_t, std::string>> columns;

  ~State() {
    if (chunk.release != nullptr) chunk.release(&chunk);
    if (schema.release != nullptr) schema.release(&schema);
    if (stream.release != nullptr) stream.release(&stream);
  }

  absl::Status Failed(std::string_view what) {
    const char* reason = stream.get_last_error(&stream);
    return absl::InternalError(StrCat("the table's Arrow stream cannot be read: ", what,
                                      reason != nullptr ? ": " : "",
                                      reason != nullptr ? reason : ""));
  }
};

Table::Table(std::unique_ptr<State> state) : state_(std::move(state)) {}
Table::~Table() = default;

absl::StatusOr<std::unique_ptr<Table>> Table::Open(
    ArrowArrayStream* stream, const std::function<bool(std::string_view)>& is_left_out) {
  auto state = std::make_unique<State>();
  state->stream = *stream;
  stream->release = nullptr;
  if (state->stream.get_schema(&state->stream, &state->schema) != 0) {
    return state->Failed("get_schema");
  }
  if (std::string_view(state->schema.format) != "+s") {
    return absl::InvalidArgumentError("this is one column; give a table, such as a data frame");
  }
  for (int64_t i = 0; i < state->schema.n_children; ++i) {
    const ArrowSchema& column = *state->schema.children[i];
    if (is_left_out(column.name)) continue;
    if (!IsKnown(column)) {
      return absl::InvalidArgumentError(
          StrCat("column \"", column.name, "\" has the Arrow type '", column.format,
                 "', which gives no features; convert it to text or numbers, or add it to ignore"));
    }
    std::string key;
    AppendJsonText(column.name, key);
    state->columns.emplace_back(i, key + ":");
  }
  return std::unique_ptr<Table>(new Table(std::move(state)));
}

absl::StatusOr<bool> Table::NextChunk() {
  State& s = *state_;
  while (true) {
    if (s.chunk.release != nullptr) s.chunk.release(&s.chunk);
    s.chunk = {};
    if (s.stream.get_next(&s.stream, &s.chunk) != 0) return s.Failed("get_next");
    if (s.chunk.release == nullptr) return false;
    if (s.chunk.length > 0) return true;
  }
}

size_t Table::row_count() const { return static_cast<size_t>(state_->chunk.length); }

absl::Status Table::RowText(size_t row, std::string& text) const {
  const State& s = *state_;
  text.assign(1, '{');
  const int64_t i = static_cast<int64_t>(row) + s.chunk.offset;
  for (const auto& [child, key] : s.columns) {
    if (text.size() > 1) text += ',';
    text += key;
    if (AppendValue(*s.schema.children[child], *s.chunk.children[child], i, text)) continue;
    return absl::InvalidArgumentError(
        StrCat("member \"", s.schema.children[child]->name, "\" is infinite; it must be finite"));
  }
  text += '}';
  return absl::OkStatus();
}

}  // namespace freshet::python

// Decimal numbers in text, without locale or allocation.

#ifndef FRESHET_CORE_FORMAT_NUMBER_H_
#define FRESHET_CORE_FORMAT_NUMBER_H_

#include <string_view>

namespace freshet {

// Reads the number that starts at `begin`: an optional sign, digits with an optional point, an
// optional exponent; also "inf" and "nan". Returns the first byte after it and sets `value` to the
// double nearest to it (infinite where it is too large), or returns `begin` where there is none.
const char* ScanNumber(const char* begin, const char* end, double& value);

// What stands before the decimals of a number. Where it is a comma, a point makes no number: it
// could as well stand between thousands.
enum class DecimalMark { kPoint, kComma };

// Sets `value` to the number that `text` is, as a whole. Returns false where it is not one, or is
// infinite or not a number as a float.
bool ParseFiniteFloat(std::string_view text, float& value, DecimalMark mark = DecimalMark::kPoint);

// The same for a double.
bool ParseFiniteDouble(std::string_view text, double& value,
                       DecimalMark mark = DecimalMark::kPoint);

// The slow part of TrimBlanks().
std::string_view TrimBlanksAround(std::string_view text);

// `text` without the blanks and tabs around it; most text has none.
inline std::string_view TrimBlanks(std::string_view text) {
  if (text.empty() || (text.front() > ' ' && text.back() > ' ')) return text;
  return TrimBlanksAround(text);
}

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_NUMBER_H_

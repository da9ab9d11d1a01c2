// Parses decimal numbers, independently of the locale and without allocation.

#ifndef FRESHET_CORE_FORMAT_NUMBER_H_
#define FRESHET_CORE_FORMAT_NUMBER_H_

#include <string_view>

namespace freshet {

// Reads the number that starts at `begin`: an optional sign, digits with an optional point, an
// optional exponent; also "inf" and "nan". Returns the first byte after it and sets `value` to the
// nearest double (infinite if the number is too large). Returns `begin` if there is no number.
const char* ScanNumber(const char* begin, const char* end, double& value);

// The character before the decimals of a number. With kComma, text with a point is not a number,
// because the point might be a thousands separator.
enum class DecimalMark { kPoint, kComma };

// Sets `value` to the number that `text` as a whole represents. Returns false if it is not a
// number, or is not finite as a float.
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

// Decimal numbers in text, without locale or allocation.

#ifndef FRESHET_CORE_FORMAT_NUMBER_H_
#define FRESHET_CORE_FORMAT_NUMBER_H_

#include <string_view>

namespace freshet {

// Reads the number that starts at `begin`: an optional sign, digits with an optional point, an
// optional exponent; also "inf" and "nan". Returns the first byte after it and sets `value` to the
// double nearest to it (infinite where it is too large), or returns `begin` where there is none.
const char* ScanNumber(const char* begin, const char* end, double& value);

// Sets `value` to the number that `text` is, as a whole. Returns false where it is not one, or is
// infinite or not a number as a float.
bool ParseFiniteFloat(std::string_view text, float& value);

// The same for a double.
bool ParseFiniteDouble(std::string_view text, double& value);

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_NUMBER_H_

// Formats a model's label rule and what became of its events as text for people.

#ifndef FRESHET_CLIENT_COMMAND_LABEL_TEXT_H_
#define FRESHET_CLIENT_COMMAND_LABEL_TEXT_H_

#include <cstdint>
#include <string>

#include "client/command/text.h"
#include "freshet/v1/label_rule.pb.h"
#include "freshet/v1/model.pb.h"

namespace freshet {

// Milliseconds as "7d", "90s" or "250ms".
std::string MillisecondsText(uint64_t ms);

// "2026-11-23 15:04:05 UTC" for milliseconds since 1970.
std::string UtcTimeOfMs(int64_t ms);

// Adds the model's label rule and figures to `table`, which has two columns. Adds nothing for a
// model without a rule.
void AddLabels(const v1::Model& model, Table* table);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_LABEL_TEXT_H_

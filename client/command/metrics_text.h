// Formats the metrics of a model as text for people.

#ifndef FRESHET_CLIENT_COMMAND_METRICS_TEXT_H_
#define FRESHET_CLIENT_COMMAND_METRICS_TEXT_H_

#include <string>

#include "client/command/text.h"
#include "freshet/v1/model.pb.h"

namespace freshet {

// "10.6 % better" or "2.0 % worse" for a relative gain.
std::string GainText(double relative_gain);

// "0.32000 (base rate 0.42000, 23.8 % better)".
std::string LossText(double loss, double base_rate_loss, double relative_gain);

// Adds a row of name and value for each metric. REQUIRES: the table has two columns.
void AddMetrics(const v1::ProgressiveMetrics& metrics, Table* table);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_METRICS_TEXT_H_

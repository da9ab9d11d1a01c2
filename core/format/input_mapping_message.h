// Converts between InputMapping and its Protobuf message freshet.v1.InputMapping. Templates over
// the message, because the core does not know Protobuf.

#ifndef FRESHET_CORE_FORMAT_INPUT_MAPPING_MESSAGE_H_
#define FRESHET_CORE_FORMAT_INPUT_MAPPING_MESSAGE_H_

#include <string>
#include <utility>
#include <vector>

#include "core/format/input_mapping.h"

namespace freshet {

// Does not check the mapping; see CheckInputMapping().
template <typename Message>
InputMapping InputMappingOf(const Message& message) {
  InputMapping mapping;
  for (const auto& field : message.fields()) {
    mapping.fields.push_back({field.field(), static_cast<FieldRole>(field.role()),
                              field.feature_namespace(), field.time_format()});
  }
  mapping.ignore_unlisted = message.ignore_unlisted();
  mapping.positive = message.positive();
  if (message.has_missing()) {
    const auto& words = message.missing().words();
    mapping.missing = std::vector<std::string>(words.begin(), words.end());
  }
  mapping.delimiter = message.delimiter();
  if (message.decimal_comma()) mapping.decimal_mark = DecimalMark::kComma;
  mapping.keep_blanks = message.keep_blanks();
  return mapping;
}

template <typename Message>
Message InputMappingMessage(const InputMapping& mapping) {
  Message message;
  for (const FieldMapping& field : mapping.fields) {
    auto& added = *message.add_fields();
    added.set_field(field.field);
    added.set_role(static_cast<decltype(added.role())>(field.role));
    added.set_feature_namespace(field.feature_namespace);
    added.set_time_format(field.time_format);
  }
  message.set_ignore_unlisted(mapping.ignore_unlisted);
  message.set_positive(mapping.positive);
  if (mapping.missing) {
    auto& words = *message.mutable_missing();
    for (const std::string& word : *mapping.missing) words.add_words(word);
  }
  message.set_delimiter(mapping.delimiter);
  message.set_decimal_comma(mapping.decimal_mark == DecimalMark::kComma);
  message.set_keep_blanks(mapping.keep_blanks);
  return message;
}

}  // namespace freshet

#endif  // FRESHET_CORE_FORMAT_INPUT_MAPPING_MESSAGE_H_

#include "server/http/json_request.h"

#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/str_cat.h"
#include "core/base/utf8.h"
#include "server/http/json_lists.h"
#include "server/http/json_rows.h"
#include "server/http/request_target.h"

namespace freshet {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

const FieldDescriptor* FindField(const Message& message, const std::string& name) {
  const google::protobuf::Descriptor* type = message.GetDescriptor();
  const FieldDescriptor* field = type->FindFieldByName(name);
  return field != nullptr ? field : type->FindFieldByCamelcaseName(name);
}

// Whether the text is printable ASCII, which suffices for URL parameters: they are names, numbers
// or lists of fields.
bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// A path of a field mask in the names of the proto: log_retention.max_bytes may come as
// logRetention.maxBytes, as JSON has it.
std::string ProtoPath(absl::string_view path) {
  std::string names;
  for (const char c : path) {
    const bool within_word =
        !names.empty() && (absl::ascii_islower(names.back()) || absl::ascii_isdigit(names.back()));
    if (absl::ascii_isupper(c) && within_word) {
      names += '_';
      names += absl::ascii_tolower(c);
    } else {
      names += c;
    }
  }
  return names;
}

void ReadFieldMask(std::string_view text, google::protobuf::FieldMask& mask) {
  for (const absl::string_view path : absl::StrSplit(ToAbsl(text), ',', absl::SkipWhitespace())) {
    mask.add_paths(ProtoPath(absl::StripAsciiWhitespace(path)));
  }
}

// The names in JSON of the fields that a parameter can set or lead to.
std::string ParametersOf(const Message& message) {
  std::vector<std::string> names;
  const google::protobuf::Descriptor* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    if (!type->field(i)->is_repeated()) names.push_back(type->field(i)->json_name());
  }
  return absl::StrJoin(names, ", ");
}

// The value of this name, with or without the prefix that all names of the type have; null if
// there is none.
const google::protobuf::EnumValueDescriptor* FindEnumValue(
    const google::protobuf::EnumDescriptor& type, std::string_view name) {
  const auto* const value = type.FindValueByName(std::string(name));
  if (value != nullptr) return value;
  constexpr std::string_view kUnspecified = "UNSPECIFIED";
  std::string_view prefix = type.value(0)->name();
  if (!prefix.ends_with(kUnspecified)) return nullptr;
  prefix.remove_suffix(kUnspecified.size());
  return type.FindValueByName(StrCat(prefix, name));
}

bool SetScalar(Message& message, const FieldDescriptor& field, std::string_view text) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection.SetString(&message, &field, std::string(text));
      return true;
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      if (!absl::SimpleAtob(ToAbsl(text), &value)) return false;
      reflection.SetBool(&message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      if (!absl::SimpleAtoi(ToAbsl(text), &value)) return false;
      reflection.SetInt32(&message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      uint32_t value = 0;
      if (!absl::SimpleAtoi(ToAbsl(text), &value)) return false;
      reflection.SetUInt32(&message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      uint64_t value = 0;
      if (!absl::SimpleAtoi(ToAbsl(text), &value)) return false;
      reflection.SetUInt64(&message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const google::protobuf::EnumValueDescriptor* const value =
          FindEnumValue(*field.enum_type(), text);
      if (value == nullptr) return false;
      reflection.SetEnum(&message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field.message_type() != google::protobuf::FieldMask::descriptor()) return false;
      ReadFieldMask(text, static_cast<google::protobuf::FieldMask&>(
                              *reflection.MutableMessage(&message, &field)));
      return true;
    default:
      return false;
  }
}

// Whether Content-Type is `type`, ignoring case and parameters such as `; charset=utf-8`.
bool HasType(const HttpRequest& request, std::string_view type) {
  const std::string_view field = request.Header("content-type");
  return absl::EqualsIgnoreCase(
      absl::StripAsciiWhitespace(ToAbsl(field.substr(0, field.find(';')))), ToAbsl(type));
}

// Protobuf's errors may have several lines, which show a position in the text.
std::string OneLine(absl::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

absl::Status ReadJson(std::string_view json, Message& message) {
  if (json.find_first_not_of(" \t\r\n") == std::string_view::npos) return absl::OkStatus();
  if (absl::Status lists = CheckJsonLists(json); !lists.ok()) return lists;
  const auto status = google::protobuf::util::JsonStringToMessage(
      {json.data(), json.size()}, &message, google::protobuf::util::JsonParseOptions());
  if (status.ok()) return absl::OkStatus();
  const auto reason = status.message();
  return absl::InvalidArgumentError(StrCat("the body is not a ",
                                           message.GetDescriptor()->full_name(),
                                           " in JSON: ", OneLine({reason.data(), reason.size()})));
}

// Calls `read` with the number of each line that is not blank, from 0, and the line. False if there
// are more than `max_lines`.
template <typename Read>
bool ForEachLine(std::string_view lines, uint32_t max_lines, const Read& read) {
  uint32_t row = 0;
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    const std::string_view line = lines.substr(0, end);
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (row == max_lines) return false;
    read(row++, line);
  }
  return true;
}

}  // namespace

bool IsJson(const HttpRequest& request) { return HasType(request, "application/json"); }

bool IsJsonLines(const HttpRequest& request) {
  return HasType(request, "application/x-ndjson") || HasType(request, "application/jsonl");
}

bool TakesJsonLines(const ApiRoute& route) {
  return route.path.ends_with(":learn") || route.path.ends_with(":predict") ||
         route.path.ends_with(":feedback");
}

absl::Status SetField(Message& message, std::string_view path, std::string_view text) {
  const size_t dot = path.find('.');
  const std::string name(path.substr(0, dot));
  const FieldDescriptor* field = FindField(message, name);
  if (field == nullptr || field->is_repeated() || !IsPlain(path)) {
    return absl::InvalidArgumentError(StrCat("there is no parameter \"", IsPlain(name) ? name : "?",
                                             "\"; those of ", message.GetDescriptor()->full_name(),
                                             " are ", ParametersOf(message)));
  }
  if (dot != std::string_view::npos && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return SetField(*message.GetReflection()->MutableMessage(&message, field), path.substr(dot + 1),
                    text);
  }
  if (dot == std::string_view::npos && IsPlain(text) && SetScalar(message, *field, text)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      StrCat("the value of ", path, " is not a ", field->cpp_type_name(), " in printable ASCII"));
}

absl::Status SetPathField(Message& message, const PathField& field) {
  if (!field.any_text) return SetField(message, field.field, field.value);
  const std::string text = DecodePart(field.value);
  if (IsUtf8(text) && SetScalar(message, *FindField(message, field.field), text)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      StrCat("the last part of the path, ", field.field, ", is not UTF-8"));
}

bool ReadExampleLines(std::string_view lines, uint32_t max_examples, v1::ExampleList& examples,
                      v1::BatchError& error) {
  const bool few = ForEachLine(lines, max_examples, [&](uint32_t row, std::string_view line) {
    if (absl::Status status = ReadJson(line, *examples.add_examples()); !status.ok()) {
      AddBadRow(row, "example", ToStd(status.message()), error);
    }
  });
  if (!few) {
    SetTooManyExamples(max_examples, error);
    return false;
  }
  return !FinishBadRows(error);
}

bool ReadFeedbackLines(std::string_view lines, uint32_t max_items, v1::FeedbackRequest& request,
                       BadLines& bad_lines, v1::BatchError& error) {
  const bool few = ForEachLine(lines, max_items, [&](uint32_t row, std::string_view line) {
    v1::FeedbackItem& item = *request.add_items();
    if (absl::Status status = ReadJson(line, item); !status.ok()) {
      item.Clear();
      bad_lines.emplace(row, std::string(status.message()));
    }
  });
  if (!few) SetTooManyExamples(max_items, error);
  return few;
}

absl::Status ReadRequest(const ApiMatch& match, const HttpRequest& request, Message& message) {
  const std::string_view body = match.route->body;
  absl::Status status;
  if (body == "*" && !IsJsonLines(request)) {
    status = ReadJson(request.body, message);
  } else if (!body.empty() && body != "*") {
    status = ReadJson(request.body, *message.GetReflection()->MutableMessage(
                                        &message, FindField(message, std::string(body))));
  }
  for (const auto& [name, value] : request.query) {
    if (status.ok()) status = SetField(message, name, value);
  }
  for (const PathField& field : match.fields) {
    if (status.ok()) status = SetPathField(message, field);
  }
  return status;
}

}  // namespace freshet

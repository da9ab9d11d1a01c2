// The module freshet._native: what the Python sources of the package call. See freshet/_native.pyi.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <tuple>
#include <vector>

#include "client/client.h"
#include "client/command/feature_flags.h"
#include "client/command/input_mapping.h"
#include "client/command/label_flags.h"
#include "client/command/learner_options.h"
#include "client/python/src/error.h"
#include "client/python/src/message.h"
#include "client/python/src/model.h"
#include "client/python/src/stream.h"
#include "core/base/str_cat.h"
#include "core/format/input_mapping_message.h"

namespace freshet::python {
namespace {

namespace nb = nanobind;

// The process that has connected; 0 before. gRPC does not survive a fork: its threads are not
// there.
std::atomic<int> connected_process{0};

void CheckProcess() {
  const int process = connected_process;
  if (process == 0 || process == getpid()) return;
  throw StatusError(absl::FailedPreconditionError(
      "this process was forked from one that had connected; connect after the fork only, or start "
      "processes with multiprocessing.get_context(\"spawn\")"));
}

// Calls the server without the interpreter's lock.
template <typename Call>
auto Ask(Call call) {
  CheckProcess();
  const nb::gil_scoped_release unlocked;
  return Value(call());
}

std::shared_ptr<Client> Connect(
    const std::string& server, const std::string& token,
    const std::optional<std::tuple<std::string, std::string, std::string>>& tls, double timeout_s,
    double connect_timeout_s) {
  ClientOptions options{.server = server,
                        .deadline_ms = static_cast<int64_t>(timeout_s * 1000),
                        .connect_timeout_ms = static_cast<int64_t>(connect_timeout_s * 1000),
                        .token = token};
  if (tls) {
    options.tls = ClientTls{.ca_file = std::get<0>(*tls),
                            .certificate_file = std::get<1>(*tls),
                            .key_file = std::get<2>(*tls)};
  }
  CheckProcess();
  connected_process = getpid();
  return Ask([&] { return Client::Connect(options); });
}

// What create_model() says, as the flags of 'freshet models create' that mean the same.
struct NewModel {
  std::string loss = "logistic";
  std::string learner;
  uint32_t bits = 0;
  std::vector<std::string> settings;
  FeatureFlags features;
  std::string durability;
  MappingFlags mapping;
  LabelFlags labels;
};

v1::LearnerSpec LearnerOf(const NewModel& model) {
  v1::LearnerSpec spec = Value(MakeLearnerSpec(model.loss, model.learner, model.settings));
  if (model.bits != 0) spec.set_bits(model.bits);
  v1::FeatureSpec features = Value(MakeFeatureSpec(model.features));
  if (features.ByteSizeLong() > 0) *spec.mutable_features() = std::move(features);
  return spec;
}

NewModelOptions OptionsOf(const NewModel& model) {
  NewModelOptions options;
  if (!model.durability.empty()) {
    std::string name = "DURABILITY_";
    for (const char c : model.durability) name += static_cast<char>(std::toupper(c));
    if (!v1::Durability_Parse(name, &options.durability)) {
      throw StatusError(absl::InvalidArgumentError(
          StrCat("durability is \"", model.durability, "\"; it must be fsync, os or none")));
    }
  }
  options.label_rule = Value(MakeLabelRule(model.labels));
  if (HasMappingFlags(model.mapping)) {
    MappingFlags flags = model.mapping;
    flags.labels_required = !options.label_rule;
    options.input =
        InputMappingMessage<v1::InputMapping>(Value(MakeMapping(flags, nullptr)).mapping);
  }
  return options;
}

template <typename T>
void Take(const nb::dict& from, const char* key, T& value) {
  if (from.contains(key)) value = nb::cast<T>(from[key]);
}

NewModel NewModelOf(const nb::dict& given) {
  NewModel model;
  Take(given, "loss", model.loss);
  Take(given, "learner", model.learner);
  Take(given, "bits", model.bits);
  Take(given, "settings", model.settings);
  Take(given, "interactions", model.features.interactions);
  Take(given, "numerics", model.features.numerics);
  Take(given, "ngrams", model.features.ngrams);
  Take(given, "admit_after", model.features.admit_after);
  Take(given, "expire_after", model.features.expire_after);
  Take(given, "durability", model.durability);
  Take(given, "fields", model.mapping.maps);
  Take(given, "like", model.mapping.like);
  Take(given, "label", model.mapping.input.parse.label_field);
  Take(given, "positive", model.mapping.input.parse.positive);
  Take(given, "wait", model.labels.wait);
  Take(given, "horizon", model.labels.horizon);
  Take(given, "hold", model.labels.hold);
  Take(given, "policy", model.labels.policy);
  Take(given, "feedback", model.labels.feedback);
  Take(given, "aggregate", model.labels.aggregate);
  if (given.contains("threshold")) model.labels.threshold = nb::cast<float>(given["threshold"]);
  if (given.contains("default_label")) {
    model.labels.default_label = nb::cast<float>(given["default_label"]);
  }
  Take(given, "drop_unmatched", model.labels.drop_unmatched);
  return model;
}

nb::dict CreateModel(const Client& client, const std::string& name, const nb::dict& given) {
  const NewModel model = NewModelOf(given);
  return ToPython(
      Ask([&] { return client.CreateModel(name, LearnerOf(model), OptionsOf(model)); }));
}

template <typename Messages>
nb::list ListOf(const Messages& messages) {
  nb::list out;
  for (const auto& message : messages) out.append(ToPython(message));
  return out;
}

nb::tuple DigestOf(const Client& client, const std::string& model) {
  const Digest digest = Ask([&] { return client.ComputeDigest(model); });
  return nb::make_tuple(digest.digest, digest.offset, digest.example_count);
}

nb::list EventsOf(const Client& client, const std::string& model, const std::string& state,
                  size_t limit) {
  ListEventsOptions options{.limit = limit};
  std::string name = "EVENT_STATE_";
  for (const char c : state) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  if (!state.empty() && !v1::EventState_Parse(name, &options.state)) {
    throw StatusError(absl::InvalidArgumentError(StrCat("there is no state \"", state, "\"")));
  }
  return ListOf(Ask([&] { return client.ListEvents(model, options); }));
}

uint64_t ExportSnapshot(const Client& client, const std::string& model, const std::string& id,
                        const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  if (!out) throw StatusError(absl::NotFoundError(StrCat("cannot write ", path)));
  return Ask([&] { return client.ExportSnapshot(model, id, out); });
}

void BindClient(nb::module_& m) {
  using Name = const std::string&;
  nb::class_<Client>(m, "Client")
      .def("create_model", &CreateModel)
      .def("get_model", [](const Client& c,
                           Name model) { return ToPython(Ask([&] { return c.GetModel(model); })); })
      .def("list_models",
           [](const Client& c) { return ListOf(Ask([&] { return c.ListModels(); })); })
      .def("delete_model",
           [](const Client& c, Name model) {
             CheckProcess();
             const nb::gil_scoped_release unlocked;
             Check(c.DeleteModel(model));
           })
      .def("create_snapshot",
           [](const Client& c, Name model, Name id) {
             return ToPython(Ask([&] { return c.CreateSnapshot(model, id); }));
           })
      .def("list_snapshots",
           [](const Client& c, Name model) {
             return ListOf(Ask([&] { return c.ListSnapshots(model); }));
           })
      .def("delete_snapshot",
           [](const Client& c, Name model, Name id) {
             CheckProcess();
             const nb::gil_scoped_release unlocked;
             Check(c.DeleteSnapshot(model, id));
           })
      .def("restore_snapshot",
           [](const Client& c, Name model, Name id) {
             return ToPython(Ask([&] { return c.RestoreSnapshot(model, id); }));
           })
      .def("export_snapshot", &ExportSnapshot)
      .def("digest", &DigestOf)
      .def("top_weights",
           [](const Client& c, Name model, uint32_t limit) {
             return ToPython(Ask([&] { return c.ListTopWeights(model, limit); }));
           })
      .def("get_event",
           [](const Client& c, Name model, Name id) {
             return ToPython(Ask([&] { return c.GetEvent(model, id); }));
           })
      .def("list_events", &EventsOf);
  m.def("connect", &Connect, nb::arg("server"), nb::arg("token"), nb::arg("tls").none(),
        nb::arg("timeout_s"), nb::arg("connect_timeout_s"));
}

void BindModel(nb::module_& m) {
  nb::class_<Model>(m, "Model")
      .def(nb::init<std::shared_ptr<Client>, std::string>())
      .def("predict_one", &Model::PredictOne, nb::arg("row"))
      .def("log_one", &Model::LogOne, nb::arg("row"), nb::arg("event_id"), nb::arg("wait"))
      .def("explain", &Model::Explain)
      .def("predict_rows", &Model::PredictRows)
      .def("predict_table", &Model::PredictTable)
      .def("predict_file", &Model::PredictFile)
      .def("predict_dense", &Model::PredictDense)
      .def("predict_sparse", &Model::PredictSparse)
      .def("learn_one", &Model::LearnOne, nb::arg("row"), nb::arg("label").none(),
           nb::arg("weight").none())
      .def(
          "feedback",
          [](Model& model, const std::string& event_id, std::optional<float> value,
             const std::string& name, const std::string& feedback_id,
             std::optional<int64_t> time_ms, bool withdraw) {
            v1::FeedbackItem item;
            item.set_event_id(event_id);
            if (value) item.set_value(*value);
            item.set_name(name);
            item.set_feedback_id(feedback_id);
            if (time_ms) item.set_time_ms(*time_ms);
            item.set_withdraw(withdraw);
            model.Feedback(item);
          },
          nb::arg("event_id"), nb::arg("value").none(), nb::arg("name"), nb::arg("feedback_id"),
          nb::arg("time_ms").none(), nb::arg("withdraw"))
      .def("open_stream",
           [](Model& model, const std::string& label, const std::string& weight,
              const std::vector<std::string>& ignore, const std::string& producer_id,
              size_t batch_rows, bool skip_bad_rows, double retry_s) {
             return model.OpenStream({label, weight, ignore},
                                     {producer_id, batch_rows, skip_bad_rows, retry_s});
           })
      .def("refresh", &Model::Refresh);
}

void BindStream(nb::module_& m) {
  nb::class_<Stream>(m, "Stream")
      .def("push", &Stream::Push, nb::arg("row"), nb::arg("label").none(), nb::arg("weight").none())
      .def("push_table", &Stream::PushTable, nb::arg("stream"), nb::arg("progress").none())
      .def("push_file", &Stream::PushFile, nb::arg("path"), nb::arg("format"),
           nb::arg("progress").none())
      .def("push_dense", &Stream::PushDense, nb::arg("rows"), nb::arg("labels"),
           nb::arg("weights").none())
      .def("push_sparse", &Stream::PushSparse, nb::arg("row_ends"), nb::arg("columns"),
           nb::arg("values"), nb::arg("labels"), nb::arg("weights").none())
      .def("flush", &Stream::Flush)
      .def("settle", &Stream::Settle)
      .def("close", &Stream::Close)
      .def("stats", &Stream::Stats)
      .def_prop_ro("producer_id", &Stream::producer_id);
}

}  // namespace
}  // namespace freshet::python

NB_MODULE(_native, m) {
  freshet::python::RegisterErrors(m);
  freshet::python::BindClient(m);
  freshet::python::BindModel(m);
  freshet::python::BindStream(m);
}

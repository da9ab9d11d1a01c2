// A served model, row by row and table by table: what freshet.Model is made of.

#ifndef FRESHET_CLIENT_PYTHON_SRC_MODEL_H_
#define FRESHET_CLIENT_PYTHON_SRC_MODEL_H_

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/python/src/row_reader.h"
#include "client/python/src/stream.h"
#include "core/feature/new_names.h"

namespace freshet::python {

using Answers = nanobind::ndarray<nanobind::numpy, float, nanobind::ndim<1>>;

// Threads: any number of threads may call methods at once; a call holds the interpreter's lock when
// it begins, and gives it back while it waits for the server.
class Model {
 public:
  Model(std::shared_ptr<Client> client, std::string name);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // (prediction, score, offset, whether most features were never learned).
  nanobind::tuple PredictOne(nanobind::handle row);
  // The same, and the id of the event; None if it was dropped.
  nanobind::tuple LogOne(nanobind::handle row, const std::string& event_id, bool wait);
  nanobind::dict Explain(nanobind::handle row);

  // Predictions in the order of the rows, and how many rows the model knows little of.
  nanobind::tuple PredictRows(nanobind::iterable rows);
  nanobind::tuple PredictTable(const nanobind::capsule& stream,
                               const std::vector<std::string>& ignore);
  nanobind::tuple PredictFile(const std::string& path, const std::string& format);
  nanobind::tuple PredictDense(const FloatMatrix& rows);
  nanobind::tuple PredictSparse(const Indices& row_ends, const Indices& columns,
                                const Floats& values);

  // Learns a row and waits for the acknowledgement.
  void LearnOne(nanobind::handle row, nanobind::handle label, nanobind::handle weight);
  void Feedback(const v1::FeedbackItem& item);

  // Opens a stream, for which the model's mapping is fetched anew.
  std::unique_ptr<Stream> OpenStream(FieldOptions fields, StreamOptions options);
  // Forgets the mapping, so that the next call fetches it.
  void Refresh();

 private:
  struct Readers;

  void CheckProcess() const;
  std::shared_ptr<Readers> FreshReaders();
  nanobind::tuple PredictAll(const std::function<bool(ExampleBatchBuilder&)>& add_row);
  void WarnOf(RowReader& reader) const;

  const std::shared_ptr<Client> client_;
  const std::string name_;
  const int process_;
  std::shared_ptr<Readers> readers_;  // Null: not fetched yet.

  // The streams of learn_one() and feedback(); null until these are called.
  struct Learning;
  struct Feedbacks;
  std::shared_ptr<Learning> learning_;
  std::shared_ptr<Feedbacks> feedback_;
};

}  // namespace freshet::python

#endif  // FRESHET_CLIENT_PYTHON_SRC_MODEL_H_

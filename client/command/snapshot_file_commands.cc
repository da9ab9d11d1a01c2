#include "client/command/snapshot_file_commands.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <system_error>

#include "client/command/rename_to_new.h"
#include "client/command/text.h"
#include "client/resource_names.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr char kStandardStream[] = "-";

struct ExportArguments {
  std::string model;
  std::string snapshot;
  std::string output;  // Empty: MODEL-SNAPSHOT.snapshot.
  bool force = false;
};

// `status` with the path in front of its message.
absl::Status Named(const std::string& path, const absl::Status& status) {
  return {status.code(), StrCat(path, ": ", ToStd(status.message()))};
}

absl::Status AlreadyExists(const std::string& path) {
  return absl::AlreadyExistsError(
      StrCat(path, " exists; --force overwrites it, --output names another file"));
}

// ALREADY_EXISTS if something exists at `path` that the export may not replace: anything other than
// a regular file, and without `force` a regular file too. A symbolic link counts as itself, since
// the rename at the end would replace the link and not the file that it points to.
absl::Status CheckReplaceable(const std::string& path, bool force) {
  std::error_code ignored;
  switch (std::filesystem::symlink_status(path, ignored).type()) {
    case std::filesystem::file_type::none:
    case std::filesystem::file_type::not_found:
      return absl::OkStatus();
    case std::filesystem::file_type::regular:
      if (force) return absl::OkStatus();
      return AlreadyExists(path);
    default:
      return absl::AlreadyExistsError(
          StrCat(path,
                 " exists and is not a regular file, so --force does not replace it; name another "
                 "file with --output, or - for standard output"));
  }
}

// Renames the finished file to `path`. Another file may have appeared there in the meantime.
absl::Status Publish(const std::string& temporary, const std::string& path, bool force) {
  if (absl::Status status = CheckReplaceable(path, force); !status.ok()) return status;
  if (!force) {
    absl::Status status = RenameToNew(temporary, path);
    return absl::IsAlreadyExists(status) ? AlreadyExists(path) : status;
  }
  if (std::rename(temporary.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, StrCat("cannot rename ", temporary, " to ", path));
}

// Writes to a temporary file next to `path` and renames it at the end, so that `path` never names
// an incomplete file.
absl::StatusOr<uint64_t> ExportToFile(const Client& client, const ExportArguments& arguments,
                                      const std::string& path) {
  if (absl::Status status = CheckReplaceable(path, arguments.force); !status.ok()) return status;
  std::string temporary = path + ".XXXXXX";
  const int descriptor = mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, StrCat("cannot write next to ", path));
  const mode_t mask = umask(0);
  umask(mask);
  fchmod(descriptor, 0666 & ~mask);  // The mode of any other new file; mkostemp() uses 0600.
  close(descriptor);
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  absl::StatusOr<uint64_t> bytes = client.ExportSnapshot(arguments.model, arguments.snapshot, file);
  file.close();
  if (bytes.ok() && !file) bytes = absl::UnknownError("cannot write the snapshot");
  if (absl::IsUnknown(bytes.status())) bytes = Named(temporary, bytes.status());
  if (bytes.ok()) {
    absl::Status status = Publish(temporary, path, arguments.force);
    if (!status.ok()) bytes = status;
  }
  std::error_code ignored;
  if (!bytes.ok()) std::filesystem::remove(temporary, ignored);
  return bytes;
}

absl::Status Export(const CommandContext& context, const ExportArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const std::string id = LastSegment(arguments.snapshot);
  if (arguments.output == kStandardStream) {
    if (isatty(STDOUT_FILENO) == 1) {
      return absl::InvalidArgumentError(
          "a snapshot is binary and standard output is a terminal; redirect the output");
    }
    return (*client)->ExportSnapshot(arguments.model, id, std::cout).status();
  }
  const std::string path = arguments.output.empty()
                               ? StrCat(ModelId(arguments.model), "-", id, ".snapshot")
                               : arguments.output;
  const absl::StatusOr<uint64_t> bytes = ExportToFile(**client, arguments, path);
  if (!bytes.ok()) return bytes.status();
  if (context.json) {
    JsonObject object;
    object.Add("snapshot", SnapshotName(arguments.model, id)).Add("file", path);
    std::cout << object.Add("bytes", *bytes).ToString() << "\n";
  } else {
    std::cout << "exported snapshot " << id << " of " << ModelId(arguments.model) << " to " << path
              << ": " << ShortBytes(static_cast<double>(*bytes)) << "\n";
  }
  return absl::OkStatus();
}

struct ImportArguments {
  std::string model;
  std::string file;
  std::string id;
};

absl::Status Import(const CommandContext& context, const ImportArguments& arguments) {
  const auto client = Connect(context);
  if (!client.ok()) return client.status();
  const auto snapshot = ImportSnapshotFile(**client, arguments.model, arguments.file,
                                           ImportOptions{.snapshot = arguments.id});
  if (!snapshot.ok()) return snapshot.status();
  if (context.json) {
    std::cout << ProtoJson(*snapshot);
    return absl::OkStatus();
  }
  const std::string model = ModelId(arguments.model);
  const std::string id = LastSegment(snapshot->name());
  std::cout << "imported snapshot " << id << " of " << model << ": "
            << GroupedCount(snapshot->example_count()) << " examples, "
            << ShortBytes(static_cast<double>(snapshot->size_bytes()))
            << "; restore it with 'freshet snapshots restore " << model << " " << id << "'\n";
  return absl::OkStatus();
}

void AddExport(CLI::App& snapshots, CommandContext& context) {
  CLI::App* command = snapshots.add_subcommand("export", "Write a snapshot to a file");
  command->footer("Example: freshet snapshots export ctr before-holidays --output ctr.snapshot");
  const auto arguments = std::make_shared<ExportArguments>();
  command->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  command->add_option("snapshot", arguments->snapshot, "The snapshot's id")
      ->required()
      ->type_name("SNAPSHOT");
  command
      ->add_option("--output", arguments->output,
                   "Output file; - is standard output (default: MODEL-SNAPSHOT.snapshot)")
      ->type_name("FILE");
  command->add_flag("--force", arguments->force, "Overwrite an existing file");
  command->callback([&context, arguments] {
    context.action = [&context, arguments] { return Export(context, *arguments); };
  });
}

void AddImport(CLI::App& snapshots, CommandContext& context) {
  CLI::App* command = snapshots.add_subcommand(
      "import", "Add an exported file to a model with the same learner, as a snapshot");
  command->footer(
      "Example: freshet snapshots import ctr ctr.snapshot --id from-elsewhere\n"
      "'freshet models create NAME --from-snapshot FILE' creates a new model from it instead.");
  const auto arguments = std::make_shared<ImportArguments>();
  command->add_option("model", arguments->model, "The model")->required()->type_name("MODEL");
  command->add_option("file", arguments->file, "The file; - is standard input")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--id", arguments->id,
                   "Id of the snapshot (default: its id when it was exported)")
      ->type_name("ID");
  command->callback([&context, arguments] {
    context.action = [&context, arguments] { return Import(context, *arguments); };
  });
}

}  // namespace

absl::StatusOr<v1::Snapshot> ImportSnapshotFile(const Client& client, const std::string& model,
                                                const std::string& path,
                                                const ImportOptions& options) {
  if (path == kStandardStream) return client.ImportSnapshot(model, std::cin, options);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return absl::InvalidArgumentError(StrCat(path, " is a folder; name a file"));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::ErrnoToStatus(errno, StrCat("cannot open ", path));
  absl::StatusOr<v1::Snapshot> snapshot = client.ImportSnapshot(model, file, options);
  // These codes mean that the file is at fault, not the model.
  if (absl::IsDataLoss(snapshot.status()) || absl::IsUnknown(snapshot.status())) {
    return Named(path, snapshot.status());
  }
  return snapshot;
}

void AddSnapshotFileCommands(CLI::App& snapshots, CommandContext& context) {
  AddExport(snapshots, context);
  AddImport(snapshots, context);
}

}  // namespace freshet

// A library for LD_PRELOAD that makes the disk of a process slow or faulty: calls on paths below
// one folder wait or fail as the rules in a file say. A test may change the rules at any time; it
// writes them with faulty_disk.h.
//
// The environment variables FRESHET_TEST_DISK and FRESHET_TEST_DISK_RULES name the folder and the
// file of rules. Each line of the file is one rule: a kind of call, a part of its path or "*" for
// all paths, and what happens to the call: "wait" and milliseconds, or "fail" and an errno. The
// first rule that matches applies. A waiting call rereads the file every few milliseconds and goes
// on once no rule holds it any more.
//
// The functions here call the kernel directly, not the C library, so that one replaced function
// never ends up in another.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace {

constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;

// The kinds of call. An open() that may change a file counts as both "open" and "change".
constexpr std::string_view kOpen = "open";
constexpr std::string_view kChange = "change";
constexpr std::string_view kSync = "sync";

std::string Variable(const char* name) {
  const char* const value = getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// Read once, at the first replaced call, so that later calls read no variables while another thread
// could set them.
struct Settings {
  std::string folder = Variable("FRESHET_TEST_DISK");
  std::string rules = Variable("FRESHET_TEST_DISK_RULES");
};

const Settings& TestSettings() {
  static const auto* const kSettings = new Settings;
  return *kSettings;
}

std::string ReadRules() {
  std::string text;
  const ssize_t fd =
      syscall(SYS_openat, AT_FDCWD, TestSettings().rules.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return text;
  char piece[512];
  for (ssize_t count = 0; (count = syscall(SYS_read, fd, piece, sizeof(piece))) > 0;) {
    text.append(piece, static_cast<size_t>(count));
  }
  syscall(SYS_close, fd);
  return text;
}

struct Rule {
  bool fails = false;
  int64_t value = 0;  // Milliseconds to wait, or the errno to fail with.
};

std::string_view TakeWord(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// The first rule that matches the call; nullopt if the call may go through.
std::optional<Rule> FindRule(std::string_view kind, std::string_view path) {
  const std::string text = ReadRules();
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, std::min(rest.find('\n'), rest.size()));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const bool is_kind = TakeWord(line) == kind;
    const std::string_view part = TakeWord(line);
    if (!is_kind || (part != "*" && path.find(part) == std::string_view::npos)) continue;
    const bool fails = TakeWord(line) == "fail";
    return Rule{.fails = fails, .value = atoll(std::string(line).c_str())};
  }
  return std::nullopt;
}

void ReportWaiting(std::string_view kind, std::string_view path) {
  const std::string file = TestSettings().rules + ".waiting";
  const std::string line = std::string(kind) + ' ' + std::string(path) + '\n';
  const ssize_t fd =
      syscall(SYS_openat, AT_FDCWD, file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  syscall(SYS_write, fd, line.data(), line.size());
  syscall(SYS_close, fd);
}

int64_t NowMs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / kNanosecondsPerMillisecond;
}

// Waits as long as the rules say. Returns false, with errno set, if the call must fail.
bool Pass(std::string_view kind, std::string_view path) {
  const std::string& folder = TestSettings().folder;
  if (folder.empty() || !path.starts_with(folder)) return true;
  const int64_t begin = NowMs();
  bool reported = false;
  while (const std::optional<Rule> rule = FindRule(kind, path)) {
    if (rule->fails) {
      errno = static_cast<int>(rule->value);
      return false;
    }
    if (NowMs() - begin >= rule->value) break;
    if (!reported) ReportWaiting(kind, path);
    reported = true;
    const timespec pause = {.tv_sec = 0, .tv_nsec = 2 * kNanosecondsPerMillisecond};
    nanosleep(&pause, nullptr);
  }
  return true;
}

// The same for an open file, whose path /proc knows.
bool PassFile(std::string_view kind, int fd) {
  char link[32];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  char path[4096];
  const ssize_t size = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof(path));
  return size < 0 || Pass(kind, std::string_view(path, static_cast<size_t>(size)));
}

int OpenAt(int folder, const char* path, int flags, mode_t mode) {
  const bool changes = (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0;
  if (!Pass(kOpen, path) || (changes && !Pass(kChange, path))) return -1;
  return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
}

// The mode argument of open(), which is present only if the flags say so.
mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

// glibc declares these functions with reserved parameter names.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenAt(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  return OpenAt(AT_FDCWD, path, flags, mode);
}

int fsync(int fd) { return PassFile(kSync, fd) ? static_cast<int>(syscall(SYS_fsync, fd)) : -1; }

int fdatasync(int fd) {
  return PassFile(kSync, fd) ? static_cast<int>(syscall(SYS_fdatasync, fd)) : -1;
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t position) {
  return PassFile(kChange, fd) ? syscall(SYS_pwrite64, fd, bytes, size, position) : -1;
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t position) {
  return PassFile(kChange, fd) ? syscall(SYS_pwrite64, fd, bytes, size, position) : -1;
}

// The kernel takes the offset in two halves. On 64-bit systems the first half holds all of it.
ssize_t pwritev(int fd, const iovec* pieces, int count, off_t position) {
  return PassFile(kChange, fd) ? syscall(SYS_pwritev, fd, pieces, count, position, 0) : -1;
}

ssize_t pwritev64(int fd, const iovec* pieces, int count, off64_t position) {
  return PassFile(kChange, fd) ? syscall(SYS_pwritev, fd, pieces, count, position, 0) : -1;
}

int ftruncate(int fd, off_t size) noexcept {
  return PassFile(kChange, fd) ? static_cast<int>(syscall(SYS_ftruncate, fd, size)) : -1;
}

int ftruncate64(int fd, off64_t size) noexcept {
  return PassFile(kChange, fd) ? static_cast<int>(syscall(SYS_ftruncate, fd, size)) : -1;
}

int fallocate(int fd, int mode, off_t begin, off_t size) {
  return PassFile(kChange, fd) ? static_cast<int>(syscall(SYS_fallocate, fd, mode, begin, size))
                               : -1;
}

int fallocate64(int fd, int mode, off64_t begin, off64_t size) {
  return PassFile(kChange, fd) ? static_cast<int>(syscall(SYS_fallocate, fd, mode, begin, size))
                               : -1;
}

int rename(const char* from, const char* to) noexcept {
  if (!Pass(kChange, from)) return -1;
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int unlink(const char* path) noexcept {
  return Pass(kChange, path) ? static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0)) : -1;
}

int rmdir(const char* path) noexcept {
  return Pass(kChange, path) ? static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR))
                             : -1;
}

int mkdir(const char* path, mode_t mode) noexcept {
  return Pass(kChange, path) ? static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode)) : -1;
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

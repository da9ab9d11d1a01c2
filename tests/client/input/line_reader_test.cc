#include "client/input/line_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string Gzip(std::string_view text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  std::string in(text);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

class LineReaderTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  std::string Write(const std::string& name, std::string_view text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
    return Path(name);
  }

  void Append(const std::string& name, std::string_view text) const {
    std::ofstream(Path(name), std::ios::binary | std::ios::app) << text;
  }

  // All lines, followed by the error if there is one.
  static std::vector<std::string> Lines(std::vector<std::string> paths,
                                        LineReaderOptions options = {}) {
    LineReader reader(std::move(paths), options);
    std::vector<std::string> lines;
    std::string_view line;
    while (true) {
      const absl::StatusOr<bool> more = reader.Next(line);
      if (!more.ok()) {
        lines.push_back(more.status().ToString());
        EXPECT_EQ(reader.Next(line).status(), more.status());
        return lines;
      }
      if (!*more) return lines;
      lines.emplace_back(line);
    }
  }

  const TemporaryFolder temporary_folder_;
  const std::string& folder_ = temporary_folder_.path();
};

using Strings = std::vector<std::string>;

// The next line. Fails if none arrives in a time that is ample for any working reader.
std::string NextLine(LineReader& reader) {
  EXPECT_TRUE(reader.WaitForInput(seconds(30)));
  std::string_view line;
  const absl::StatusOr<bool> more = reader.Next(line);
  if (!more.ok()) return more.status().ToString();
  return *more ? std::string(line) : "END";
}

TEST_F(LineReaderTest, ReadsLinesOfSeveralFiles) {
  const std::string a = Write("a", "1\n\n3\n");
  const std::string b = Write("b", "");
  const std::string c = Write("c", "x");
  EXPECT_EQ(Lines({a, b, c}), (Strings{"1", "", "3", "x"}));
  EXPECT_EQ(Lines({}), Strings{});
}

TEST_F(LineReaderTest, TellsFileAndLineNumber) {
  const std::string a = Write("a", "1\n2");
  const std::string b = Write("b", "3\n");
  LineReader reader({a, b}, {});
  std::string_view line;
  ASSERT_TRUE(*reader.Next(line));
  EXPECT_EQ(reader.path(), a);
  EXPECT_EQ(reader.line_number(), 1u);
  EXPECT_TRUE(reader.is_first_line());
  ASSERT_TRUE(*reader.Next(line));
  EXPECT_EQ(reader.line_number(), 2u);
  EXPECT_FALSE(reader.WouldBlock());  // This looks into the next file,
  EXPECT_EQ(reader.path(), a);        // but the last line is still in this one.
  EXPECT_EQ(reader.line_number(), 2u);
  ASSERT_TRUE(*reader.Next(line));
  EXPECT_EQ(reader.path(), b);
  EXPECT_EQ(reader.line_number(), 1u);
  ASSERT_FALSE(*reader.Next(line));
  ASSERT_FALSE(*reader.Next(line));
  EXPECT_FALSE(reader.WouldBlock());
}

// Files of old Macs, and of programs that imitate them, used to have no lines at all.
TEST_F(LineReaderTest, ACarriageReturnAloneEndsALine) {
  EXPECT_EQ(Lines({Write("a", "label,x\r1,a\r0,b")}), (Strings{"label,x", "1,a", "0,b"}));
  EXPECT_EQ(Lines({Write("b", "1\r\r2\r")}), (Strings{"1", "", "2"}));
  EXPECT_EQ(Lines({Write("c", "1\r2\n3\r\n4\n\r5\r\n\r\n")}),
            (Strings{"1", "2", "3", "4", "", "5", ""}));
  EXPECT_EQ(Lines({Write("d", Gzip("1\r2"))}), (Strings{"1", "2"}));
}

TEST_F(LineReaderTest, EndsOfLinesMayLieOnEitherSideOfABuffer) {
  for (const std::string end : {"\n", "\r", "\r\n"}) {
    std::string text;
    Strings expected;
    for (size_t i = 0; text.size() < (size_t{1} << 20); ++i) {
      expected.push_back(std::string(i * 7919 % 1000, 'x') + std::to_string(i));
      text += expected.back() + end;
    }
    EXPECT_EQ(Lines({Write("a", text)}), expected) << end.size();
  }
}

TEST_F(LineReaderTest, ANewlineThatComesAfterItsCarriageReturnIsNoLine) {
  const std::string path = Path("fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int writer = open(path.c_str(), O_RDWR);
  LineReader reader({path}, {});
  ASSERT_EQ(write(writer, "1\r", 2), 2);
  EXPECT_EQ(NextLine(reader), "1");
  ASSERT_EQ(write(writer, "\n", 1), 1);
  EXPECT_TRUE(reader.WouldBlock());
  ASSERT_EQ(write(writer, "2\r\n", 3), 3);
  EXPECT_EQ(NextLine(reader), "2");
  EXPECT_EQ(reader.line_number(), 2u);
  close(writer);
}

TEST_F(LineReaderTest, NamesFilesThatAreNoUtf8Text) {
  using namespace std::string_view_literals;
  struct Case {
    std::string_view start;
    std::string_view error;
  };
  for (const Case& c :
       {Case{"\xff\xfel\0a\0b\0e\0l\0\n\0"sv,
             "is UTF-16 text; convert it to UTF-8 first, as in 'iconv "
             "-f UTF-16 -t UTF-8 "},
        Case{"\xfe\xff\0l\0a\0\r\0\n"sv, "is UTF-16 text; "},
        Case{"l\0a\0b\0e\0l\0,\0x\0\n\0"sv, "is UTF-16 text without a byte order mark; convert it"},
        Case{"\0l\0a\0b\0e\0l\0\n"sv, "is UTF-16 text without a byte order mark; convert it"},
        Case{"\xff\xfe\0\0l\0\0\0"sv, "is UTF-32 text; "},
        // Cyrillic and Japanese letters have no zero bytes, but delimiters and line ends do.
        Case{"<\0045\4B\4:\0040\4,\0008\4<\4O\4\n\0"sv,
             "is UTF-16 text without a byte order mark; convert it to UTF-8 first, as in 'iconv "
             "-f UTF-16LE -t UTF-8 "},
        Case{"\4<\0045\4B\4:\0040\0,\0048\4<\4O\0\n"sv,
             "is UTF-16 text without a byte order mark; convert it to UTF-8 first, as in 'iconv "
             "-f UTF-16BE -t UTF-8 "},
        Case{"\xe5\x65\x2c\x67\x9e\x8a,\0\xe5\x65\n\0"sv,
             "is UTF-16 text without a byte order mark; convert it to UTF-8 first, as in 'iconv "
             "-f UTF-16LE -t UTF-8 "},
        Case{"l\0\0\0a\0\0\0\n\0\0\0"sv,
             "is UTF-32 text without a byte order mark; convert it to UTF-8 first, as in 'iconv "
             "-f UTF-32LE -t UTF-8 "},
        Case{"\0\0\0l\0\0\0a\0\0\0\n"sv,
             "is UTF-32 text without a byte order mark; convert it to UTF-8 first, as in 'iconv "
             "-f UTF-32BE -t UTF-8 "},
        Case{"1\0\1\0\2\0\3\0\n\0"sv, "is not text: it contains zero bytes; "},
        Case{"label,x\n1,a\n0,b\0c\n"sv, "is not text: it contains zero bytes; "},
        Case{"PAR1\x15\x04\n"sv,
             "is a Parquet file; convert it to csv or jsonl first, as in Python with "
             "pandas.read_parquet('"},
        Case{"ARROW1\0\0\n"sv, "is an Arrow file; "},
        Case{"\xff\xff\xff\xff\x08"sv, "is an Arrow stream; "},
        Case{"PK\x03\x04\x14"sv, "is a zip archive or a spreadsheet; "},
        Case{"BZh91AY&SY\x01"sv, "is compressed with bzip2; decompress it first, as in 'bzcat "},
        Case{"\xfd"
             "7zXZ\0"sv,
             "is compressed with xz; "},
        Case{"1,a\0b\n"sv, "is not text: it contains zero bytes; "}}) {
    const std::string path = Write("a", c.start);
    const Strings lines = Lines({path});
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_TRUE(
        absl::StartsWith(lines[0], "INVALID_ARGUMENT: " + path + " " + std::string(c.error)))
        << lines[0];
    EXPECT_EQ(Lines({Write("a", Gzip(c.start))}).front(), lines[0]);
  }
  EXPECT_EQ(Lines({Write("a", "PAR1,label\n")}), (Strings{"PAR1,label"}));
  EXPECT_EQ(Lines({Write("a", "BZh,ORC\n")}), (Strings{"BZh,ORC"}));
  EXPECT_EQ(Lines({Write("a", "\xff\xfe")}).size(), 1u);
}

TEST_F(LineReaderTest, DropsCarriageReturnsAndTheByteOrderMark) {
  EXPECT_EQ(Lines({Write("a", "\xef\xbb\xbfx\r\n\r\n\xef\xbb\xbfz\r")}),
            (Strings{"x", "", "\xef\xbb\xbfz"}));
}

TEST_F(LineReaderTest, UndoesCompressionToldByTheFirstBytes) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "line " + std::to_string(i) + "\n";
  const Strings expected = Lines({Write("plain", text)});
  ASSERT_EQ(expected.size(), 100000u);
  EXPECT_EQ(Lines({Write("gzip", Gzip(text))}), expected);
  EXPECT_EQ(Lines({Write("zstd", Zstd(text))}), expected);
}

TEST_F(LineReaderTest, ReadsAllMembersOfAGzipFileAndAllFramesOfAZstdFile) {
  EXPECT_EQ(Lines({Write("gzip", Gzip("a\nb") + Gzip("") + Gzip("c\n"))}), (Strings{"a", "bc"}));
  EXPECT_EQ(Lines({Write("zeros", Gzip("a\n") + std::string(100, '\0'))}), (Strings{"a"}));
  EXPECT_EQ(Lines({Write("zstd", Zstd("a\nb") + Zstd("") + Zstd("c\n"))}), (Strings{"a", "bc"}));
}

TEST_F(LineReaderTest, ReadsTextThatStartsLikeAMagicNumber) {
  EXPECT_EQ(Lines({Write("a", "(x\n")}), (Strings{"(x"}));
  EXPECT_EQ(Lines({Write("b", "(")}), (Strings{"("}));
  EXPECT_EQ(Lines({Write("c", "\x28\xb5\x2f")}), (Strings{"\x28\xb5\x2f"}));
}

TEST_F(LineReaderTest, ReportsTruncatedAndDamagedData) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  for (const auto& [name, whole] : {std::pair("gzip", Gzip(text)), std::pair("zstd", Zstd(text))}) {
    for (const size_t size : {whole.size() - 1, whole.size() / 2, size_t{12}}) {
      const Strings lines = Lines({Write("cut", whole.substr(0, size))});
      EXPECT_EQ(lines.back(), "DATA_LOSS: " + Path("cut") + " is truncated: its " + name +
                                  " data ends too early");
    }
    std::string damaged = whole;
    for (size_t i = 30; i < 60; ++i) damaged[i] = static_cast<char>(~damaged[i]);
    const Strings lines = Lines({Write("damaged", damaged)});
    EXPECT_TRUE(absl::StartsWith(lines.back(), "DATA_LOSS: " + Path("damaged") +
                                                   " is damaged: its " + name + " data is wrong"))
        << lines.back();
  }
  const Strings lines = Lines({Write("tail", Gzip("a\n") + "garbage")});
  EXPECT_TRUE(absl::StartsWith(lines.back(), "DATA_LOSS: ")) << lines.back();
}

TEST_F(LineReaderTest, ReportsMissingFilesAndFolders) {
  EXPECT_EQ(
      Lines({Write("a", "1\n"), Path("none")}),
      (Strings{"1", "NOT_FOUND: cannot open " + Path("none") + ": No such file or directory"}));
  EXPECT_EQ(Lines({folder_}),
            (Strings{"INVALID_ARGUMENT: " + folder_ + " is a folder; name the files in it"}));
}

TEST_F(LineReaderTest, RefusesLinesThatAreTooLong) {
  const LineReaderOptions options{.max_line_bytes = 1000};
  const std::string fits(1000, 'x');
  EXPECT_EQ(Lines({Write("fits", fits + "\n" + fits)}, options), (Strings{fits, fits}));
  for (const std::string& text :
       {"a\n" + fits + "x\n", "a\n" + fits + "x", "a\n" + std::string(1'000'000, 'x')}) {
    EXPECT_EQ(Lines({Write("long", text)}, options),
              (Strings{"a", "INVALID_ARGUMENT: " + Path("long") +
                                ": line 2 is longer than 1000 bytes; is this a text file?"}));
  }
}

TEST_F(LineReaderTest, ReadsLinesLongerThanItsBuffer) {
  const std::string line(3'000'000, 'x');
  EXPECT_EQ(Lines({Write("long", "a\n" + line + "\nb\n" + line)}), (Strings{"a", line, "b", line}));
}

TEST_F(LineReaderTest, CountsBytesAsTheyAreOnDisk) {
  const std::string gzip = Gzip(std::string(100000, 'x') + "\n");
  const std::string a = Write("a", "12345\n");
  const std::string b = Write("b", gzip);
  LineReader reader({a, b}, {});
  EXPECT_EQ(reader.bytes_total(), 6 + gzip.size());
  EXPECT_EQ(reader.bytes_consumed(), 0u);
  std::string_view line;
  while (*reader.Next(line)) continue;
  EXPECT_EQ(reader.bytes_consumed(), 6 + gzip.size());
  EXPECT_EQ(LineReader({a}, {.follow = true}).bytes_total(), std::nullopt);
  EXPECT_EQ(LineReader({a, Path("none")}, {}).bytes_total(), std::nullopt);
}

// A named pipe with both ends in this process.
class Pipe {
 public:
  explicit Pipe(const std::string& path) : path_(path) {
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    descriptor_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
  }
  ~Pipe() { Close(); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void Write(std::string_view text) const {
    EXPECT_EQ(write(descriptor_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Close() {
    if (descriptor_ >= 0) close(std::exchange(descriptor_, -1));
  }

 private:
  const std::string path_;
  int descriptor_ = -1;
};

TEST_F(LineReaderTest, GivesLinesOfASlowPipeAsSoonAsTheyCome) {
  Pipe pipe(Path("pipe"));
  LineReader reader({Path("pipe")}, {});
  EXPECT_TRUE(reader.WouldBlock());
  pipe.Write("a\nb\nc");
  EXPECT_EQ(NextLine(reader), "a");
  EXPECT_FALSE(reader.WouldBlock());
  EXPECT_EQ(NextLine(reader), "b");
  EXPECT_TRUE(reader.WouldBlock());  // "c" is not a whole line yet.
  EXPECT_FALSE(reader.WaitForInput(milliseconds(1)));
  pipe.Write("\n");
  EXPECT_FALSE(reader.WouldBlock());
  EXPECT_EQ(NextLine(reader), "c");
  pipe.Write("d");
  EXPECT_TRUE(reader.WouldBlock());
  pipe.Close();
  EXPECT_FALSE(reader.WouldBlock());
  EXPECT_EQ(NextLine(reader), "d");
  EXPECT_EQ(NextLine(reader), "END");
}

TEST_F(LineReaderTest, GivesLinesOfACompressedPipeAsSoonAsTheyCome) {
  Pipe pipe(Path("pipe"));
  LineReader reader({Path("pipe")}, {});
  const std::string first = Gzip("a\nb\n");
  for (const char c : first) pipe.Write(std::string_view(&c, 1));
  EXPECT_EQ(NextLine(reader), "a");
  EXPECT_EQ(NextLine(reader), "b");
  EXPECT_TRUE(reader.WouldBlock());
  pipe.Write(Gzip("c\n"));
  EXPECT_EQ(NextLine(reader), "c");
  pipe.Close();
  EXPECT_EQ(NextLine(reader), "END");
}

TEST_F(LineReaderTest, LooksIntoTheNextFileBeforeItWouldBlock) {
  Pipe pipe(Path("pipe"));
  LineReader reader({Write("a", "1\n"), Path("pipe")}, {});
  EXPECT_EQ(NextLine(reader), "1");
  EXPECT_TRUE(reader.WouldBlock());
}

TEST_F(LineReaderTest, StopsWaitingWhenTold) {
  Pipe pipe(Path("pipe"));
  std::atomic<bool> stop = false;
  LineReader reader({Path("pipe")}, {.stop = &stop});
  pipe.Write("a\nb");
  EXPECT_EQ(NextLine(reader), "a");
  std::thread stopper([&stop] { stop = true; });
  std::string_view line;
  const absl::StatusOr<bool> more = reader.Next(line);
  stopper.join();
  ASSERT_TRUE(more.ok());
  EXPECT_FALSE(*more);
}

class FollowTest : public LineReaderTest {
 public:
  ~FollowTest() override { stop_ = true; }

 protected:
  std::atomic<bool> stop_ = false;
};

TEST_F(FollowTest, WaitsAtTheEndForMore) {
  Write("old", "0\n");
  Write("log", "1\n2");
  LineReader reader({Path("old"), Path("log")}, {.follow = true, .stop = &stop_});
  EXPECT_EQ(NextLine(reader), "0");
  EXPECT_EQ(NextLine(reader), "1");
  EXPECT_TRUE(reader.WouldBlock());
  Append("log", "2\n3\n");
  EXPECT_EQ(NextLine(reader), "22");
  EXPECT_EQ(NextLine(reader), "3");
  EXPECT_EQ(reader.line_number(), 3u);
  stop_ = true;
  EXPECT_EQ(NextLine(reader), "END");
}

TEST_F(FollowTest, WaitsForTheFirstLineOfAnEmptyFile) {
  Write("log", "");
  LineReader reader({Path("log")}, {.follow = true, .stop = &stop_});
  EXPECT_TRUE(reader.WouldBlock());
  Append("log", "1\n");
  EXPECT_EQ(NextLine(reader), "1");
}

TEST_F(FollowTest, ReadsAFileThatWasCutFromItsStart) {
  Write("log", "first line\n2");
  LineReader reader({Path("log")}, {.follow = true, .stop = &stop_});
  EXPECT_EQ(NextLine(reader), "first line");
  EXPECT_TRUE(reader.WouldBlock());
  Write("log", "new\n");
  EXPECT_EQ(NextLine(reader), "2");  // Its newline will never come.
  EXPECT_EQ(NextLine(reader), "new");
  EXPECT_EQ(reader.line_number(), 1u);
}

TEST_F(FollowTest, GoesOnWithTheFileThatReplacesItsOwn) {
  Write("log", "1\n");
  LineReader reader({Path("log")}, {.follow = true, .stop = &stop_});
  EXPECT_EQ(NextLine(reader), "1");
  EXPECT_TRUE(reader.WouldBlock());
  std::filesystem::rename(Path("log"), Path("log.1"));
  Append("log.1", "2\n");
  EXPECT_EQ(NextLine(reader), "2");
  EXPECT_TRUE(reader.WouldBlock());
  Append("log.1", "3\n");
  Write("log", "4\n");
  EXPECT_EQ(NextLine(reader), "3");
  EXPECT_EQ(NextLine(reader), "4");
  EXPECT_EQ(reader.line_number(), 1u);
  EXPECT_EQ(reader.path(), Path("log"));
}

TEST_F(FollowTest, RefusesCompressedFiles) {
  LineReader reader({Write("log", Gzip("1\n"))}, {.follow = true, .stop = &stop_});
  EXPECT_EQ(NextLine(reader), "INVALID_ARGUMENT: cannot follow " + Path("log") +
                                  ": it is compressed; decompress it, or leave out --follow");
}

TEST_F(FollowTest, EndsWithThePipe) {
  Pipe pipe(Path("pipe"));
  LineReader reader({Path("pipe")}, {.follow = true, .stop = &stop_});
  pipe.Write("1\n");
  EXPECT_EQ(NextLine(reader), "1");
  pipe.Close();
  EXPECT_EQ(NextLine(reader), "END");
}

}  // namespace
}  // namespace freshet

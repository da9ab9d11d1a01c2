// Compresses with gzip, for tests of code that decompresses.

#ifndef FRESHET_TESTS_SUPPORT_GZIP_H_
#define FRESHET_TESTS_SUPPORT_GZIP_H_

#include <zlib.h>

#include <string>
#include <string_view>

namespace freshet {

inline std::string Gzip(std::string_view text) {
  constexpr int kGzipWindow = 15 + 16;
  constexpr int kMemoryLevel = 8;
  z_stream stream = {};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel,
               Z_DEFAULT_STRATEGY);
  std::string compressed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  deflate(&stream, Z_FINISH);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_GZIP_H_

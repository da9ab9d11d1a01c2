// The files of the dashboard, which the build embeds in the program: those of
// server/http/dashboard, and the library that draws charts.

#ifndef FRESHET_SERVER_HTTP_DASHBOARD_FILES_H_
#define FRESHET_SERVER_HTTP_DASHBOARD_FILES_H_

#include <span>
#include <string_view>

namespace freshet {

struct DashboardFile {
  std::string_view path;  // The URL path.
  std::string_view content_type;
  std::string_view hash;                   // Hash of the text, in hexadecimal digits.
  std::span<const std::string_view> text;  // In pieces.
};

std::span<const DashboardFile> DashboardFiles();

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_DASHBOARD_FILES_H_

# Writes a C++ file that contains the dashboard's files; see server/http/dashboard_files.h.
#
#   cmake -DFILES=A|B -DOUT=FILE -P embed.cmake

string(REPLACE "|" ";" files "${FILES}")
set(rows "")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME)
  get_filename_component(extension ${file} LAST_EXT)
  set(path /assets/${name})
  if(extension STREQUAL ".html")
    set(path /)
    set(type "text/html; charset=utf-8")
  elseif(extension STREQUAL ".css")
    set(type "text/css; charset=utf-8")
  elseif(extension STREQUAL ".js")
    set(type "text/javascript; charset=utf-8")
  elseif(extension STREQUAL ".svg")
    set(type image/svg+xml)
  else()
    message(FATAL_ERROR "${file}: unknown file extension; add its content type to embed.cmake")
  endif()
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  file(READ ${file} text)
  string(APPEND rows "    {\"${path}\", \"${type}\", \"${hash}\",\n     R\"freshet(${text})freshet\"},\n")
endforeach()
file(WRITE ${OUT} "#include \"server/http/dashboard_files.h\"

namespace freshet {
namespace {

constexpr DashboardFile kFiles[] = {
${rows}};

}  // namespace

std::span<const DashboardFile> DashboardFiles() { return kFiles; }

}  // namespace freshet
")

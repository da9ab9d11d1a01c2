# Writes a C++ file that contains the dashboard's files; see server/http/dashboard_files.h.
#
#   cmake -DFILES=A|B -DOUT=FILE -P embed.cmake

# Compilers need not accept string literals of more than 65,536 characters, and clang warns about them
# with -Woverlength-strings. So each text is written in pieces.
set(piece_bytes 32768)

string(REPLACE "|" ";" files "${FILES}")
set(texts "")
set(rows "")
set(number 0)
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
  if(text MATCHES "[^\t\r\n -~]")
    message(FATAL_ERROR "${file}: write characters that are not ASCII as escapes, since pieces end anywhere")
  endif()
  string(LENGTH "${text}" length)
  set(pieces "")
  set(from 0)
  while(from LESS length)
    string(SUBSTRING "${text}" ${from} ${piece_bytes} piece)
    string(APPEND pieces "    R\"freshet(${piece})freshet\",\n")
    math(EXPR from "${from} + ${piece_bytes}")
  endwhile()
  string(APPEND texts "constexpr std::string_view kText${number}[] = {\n${pieces}};\n")
  string(APPEND rows "    {\"${path}\", \"${type}\", \"${hash}\", kText${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "#include \"server/http/dashboard_files.h\"

namespace freshet {
namespace {

${texts}
constexpr DashboardFile kFiles[] = {
${rows}};

}  // namespace

std::span<const DashboardFile> DashboardFiles() { return kFiles; }

}  // namespace freshet
")

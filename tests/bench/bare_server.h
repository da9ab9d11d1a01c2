// The floor of everything that goes over the wire: a server that does nothing with it.

#ifndef FRESHET_TESTS_BENCH_BARE_SERVER_H_
#define FRESHET_TESTS_BENCH_BARE_SERVER_H_

#include <string>

namespace freshet {

// Serves v1.LearningService on a free port of loopback until the process is killed: Learn parses,
// counts and acknowledges; Predict parses and answers with nothing. Writes its address to
// `endpoints_file` as freshetd does. Returns the process's exit code where it cannot serve.
int RunBareServer(const std::string& endpoints_file);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BARE_SERVER_H_

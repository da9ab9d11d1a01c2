// A gRPC server that does nothing with what it receives: the floor of everything sent over the
// wire.

#ifndef FRESHET_TESTS_BENCH_BARE_SERVER_H_
#define FRESHET_TESTS_BENCH_BARE_SERVER_H_

#include <string>

namespace freshet {

// Serves v1.LearningService on a free port of loopback until the process is killed. Learn parses,
// counts and acknowledges examples; Predict parses its request and answers with an empty message.
// Writes its address to `endpoints_file` as freshetd does. Returns the process's exit code if it
// cannot serve.
int RunBareServer(const std::string& endpoints_file);

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_BARE_SERVER_H_

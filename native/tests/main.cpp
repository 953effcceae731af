// Runs the tests on every instruction set of this machine.
#include "../core/dispatch.hpp"
#include "check.hpp"

int main() {
  using namespace backlit;
  for (const std::string& isa : available_isas()) {
    set_isa(isa);
    tests::test_kernels();
    tests::test_session();
    tests::test_statistics();
    std::printf("%s: %d checks, %d failures\n", isa.c_str(), tests::checks, tests::failures);
  }
  return tests::failures ? 1 : 0;
}

#include "dispatch.hpp"

#include <cstdlib>
#include <mutex>
#include <stdexcept>

#if defined(BACKLIT_AMX)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace backlit {

namespace {

#if defined(BACKLIT_AMX)
// The unit's registers are large, so Linux gives them only to processes that ask.
bool matrix_unit_granted() {
  constexpr unsigned AMX_BF16 = 1u << 22, AMX_TILE = 1u << 24;
  unsigned a, b, c, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (AMX_BF16 | AMX_TILE)) != (AMX_BF16 | AMX_TILE)) return false;
  constexpr long ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18;
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
}
#endif

bool runs_here(const std::string& isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (isa == "v2") return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  if (isa == "v3")
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
  if (isa == "v4")
    return runs_here("v3") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#if defined(BACKLIT_AMX)
  if (isa == "amx") {
    static const bool granted = runs_here("v4") && matrix_unit_granted();
    return granted;
  }
#endif
  return false;
#else
  return isa == "neon";
#endif
}

#if defined(__x86_64__)
const char* const BUILT[] = {"amx", "v4", "v3", "v2"};  // best first
#else
const char* const BUILT[] = {"neon"};
#endif

std::string checked(const std::string& isa) {
  for (const char* built : BUILT)  // whoever names one does not have another's permission asked for
    if (isa == built && runs_here(isa)) return isa;
  const std::vector<std::string> available = available_isas();
  if (available.empty()) throw std::invalid_argument("this CPU has none of the instruction sets the kernels were built for");
  if (isa.empty() || isa == "auto") return available.front();
  std::string names;
  for (const std::string& name : available) names += (names.empty() ? "" : ", ") + name;
  throw std::invalid_argument("instruction set '" + isa + "' is not available here; one of: " + names);
}

std::mutex mutex;
std::string chosen;

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> found;
  for (const char* isa : BUILT)
    if (runs_here(isa)) found.emplace_back(isa);
  return found;
}

std::string current_isa() {
  std::lock_guard<std::mutex> lock(mutex);
  if (chosen.empty()) {
    const char* asked = std::getenv("BACKLIT_ISA");
    chosen = checked(asked ? asked : "");
  }
  return chosen;
}

void set_isa(const std::string& isa) {
  const std::string name = checked(isa);
  std::lock_guard<std::mutex> lock(mutex);
  chosen = name;
}

template <class T>
const Kernels<T>* kernels() {
  const std::string isa = current_isa();
#if defined(__x86_64__)
#if defined(BACKLIT_AMX)
  if (isa == "amx") return kernels_amx<T>();
#endif
  return isa == "v4" ? kernels_v4<T>() : isa == "v3" ? kernels_v3<T>() : kernels_v2<T>();
#else
  return kernels_neon<T>();
#endif
}
template const Kernels<float>* kernels<float>();
template const Kernels<double>* kernels<double>();

}  // namespace backlit
